"""`numerical_gradient`: the gradient of a scalar function by central differences, as an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd import no_grad
from ...rules import unwrap

__all__ = ["numerical_gradient"]


def numerical_gradient(f: Callable[[Any], Any], x: Any, eps: float | None = None) -> np.ndarray[Any, Any]:
    """The gradient of a scalar function by central differences, ``(f(x + e) - f(x - e)) / 2 e`` for each element.

    Parameters
    ----------
    f : callable
        Takes `x`, returns one number, or an array or Tensor of one element.
    x : Tensor or array, floating
        Where. Its elements are moved in place, one after the other, and put back: so an `f` that looks at the same
        memory from elsewhere, as a method that reads its own parameters does, may leave its argument alone.
    eps : float, optional
        How far. By default the cube root of the dtype's precision: 6e-6 for float64, 5e-3 for float32.

    Returns
    -------
    ndarray, of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real floating numbers, which alone can be moved by so little.
    ValueError
        If `f` returns more than one number, or `x` is an array that cannot be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.testing import numerical_gradient
    >>> numerical_gradient(lambda x: x[0] ** 2 / 20 + x[1] ** 2, np.array([-7.0, 2.0])).round(6)
    array([-0.7,  4. ])
    """
    place = unwrap(x)
    if not isinstance(place, np.ndarray) or place.dtype.kind != "f":
        raise TypeError(
            f"numerical_gradient: x must be a Tensor or an array of floating numbers, got "
            f"{getattr(place, 'dtype', type(place).__name__)}"
        )
    if not place.flags.writeable:
        raise ValueError("numerical_gradient: x must be an array that can be written to, got one that is read only")
    step = float(np.cbrt(np.finfo(place.dtype).eps)) if eps is None else eps
    gradient = np.empty_like(place)
    with no_grad():
        for index in np.ndindex(place.shape):
            before = place[index]
            sides = []
            try:
                for side in (before + step, before - step):
                    place[index] = side
                    sides.append((_number(f(x)), float(place[index])))
            finally:
                place[index] = before
            (above, right), (below, left) = sides
            gradient[index] = (above - below) / (right - left)  # by what the elements really were: they are rounded
    return gradient


def _number(value: Any) -> float:
    found = np.asarray(unwrap(value))
    if found.size != 1:
        raise ValueError(f"numerical_gradient: f must return one number, got shape {found.shape}")
    return float(found.reshape(()))
