"""`shapes`, `broadcasting` and `tensors`: strategies for hypothesis (`pip install tinygrad_lite[hypothesis]`).

from hypothesis import given
from tinygrad_lite.testing.strategies import tensors

@given(tensors())
def test_exp_is_positive(x):
    assert (x.exp() > 0).all()
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ..rules import wrap

__all__ = ["broadcasting", "shapes", "tensors"]


def _hypothesis(who: str, part: str = "hypothesis.strategies") -> Any:
    try:
        return importlib.import_module(part)
    except ImportError:
        raise ImportError(f"{who}: needs hypothesis; pip install tinygrad_lite[hypothesis]") from None


def shapes(min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 5) -> Any:
    """Shapes of tensors, empty ones and those without dimensions included.

    Parameters
    ----------
    min_dims, max_dims : int
    min_side, max_side : int
        Of each dimension.

    Returns
    -------
    SearchStrategy of tuple of int

    Examples
    --------
    >>> from tinygrad_lite.testing.strategies import shapes
    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (0, 0)
    """
    st = _hypothesis("shapes")
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def broadcasting(count: int = 2, max_dims: int = 4, min_side: int = 0, max_side: int = 5) -> Any:
    """Several shapes that broadcast.

    Parameters
    ----------
    count : int
        How many.
    max_dims : int
    min_side, max_side : int
        Of each dimension of their common shape; any may be 1 instead, or missing in front.

    Returns
    -------
    SearchStrategy of tuple of shapes

    Examples
    --------
    >>> import numpy as np
    >>> from hypothesis import find
    >>> from tinygrad_lite.testing.strategies import broadcasting
    >>> find(broadcasting(min_side=2), lambda pair: np.broadcast_shapes(*pair) == (2,) and pair[0] == (1,))
    ((1,), (2,))
    """
    st = _hypothesis("broadcasting")

    def several(draw: Any) -> tuple[tuple[int, ...], ...]:
        common = draw(shapes(0, max_dims, min_side, max_side))
        found = []
        for _ in range(count):
            first = draw(st.integers(0, len(common)))
            found.append(tuple(1 if draw(st.booleans()) else side for side in common[first:]))
        return tuple(found)

    return st.composite(several)()


def tensors(
    shape: Any = None,
    dtype: Any = np.float32,
    *,
    low: float = -10.0,
    high: float = 10.0,
    elements: Any = None,
    contiguous: bool | None = None,
    requires_grad: bool = False,
) -> Any:
    """Tensors of any shape and order in memory.

    Parameters
    ----------
    shape : tuple of int or strategy, optional
        By default `shapes()`.
    dtype : dtype or strategy
    low, high : float
        Bounds of the elements; of complex ones, of both parts.
    elements : strategy, optional
        In place of numbers between these bounds.
    contiguous : bool, optional
        Whether in C order; by default sometimes, else transposed or with gaps, where the shape allows it.
    requires_grad : bool

    Returns
    -------
    SearchStrategy of Tensor

    Examples
    --------
    >>> from tinygrad_lite.testing.strategies import tensors
    >>> from hypothesis import find
    >>> find(tensors((2, 3), low=1), lambda x: not x.is_contiguous()).stride()
    (6, 2)
    """
    st = _hypothesis("tensors")

    def tensor(draw: Any) -> Any:
        sizes = shapes() if shape is None else shape
        sizes = draw(sizes) if hasattr(sizes, "example") else tuple(sizes)
        kind = np.dtype(draw(dtype) if hasattr(dtype, "example") else dtype)
        count = int(np.prod(sizes))
        values = np.array(draw(st.lists(_elements(st, kind), min_size=count, max_size=count)), kind)
        if contiguous is True or (contiguous is None and draw(st.booleans())):
            made = values.reshape(sizes)
        elif draw(st.booleans()):
            made = values.reshape(sizes[::-1]).T
        else:
            wide = np.zeros((*sizes, 2), kind)
            wide[..., 0] = values.reshape(sizes)
            made = wide[..., 0]
        out = wrap(made)
        return out.requires_grad_() if requires_grad else out

    def _elements(st: Any, kind: Any) -> Any:
        if elements is not None:
            return elements
        if kind.kind == "b":
            return st.booleans()
        if kind.kind in "iu":
            bounds = np.iinfo(kind)
            return st.integers(max(int(np.ceil(low)), bounds.min), min(int(high), bounds.max))
        width = {2: 16, 4: 32}.get(kind.itemsize if kind.kind == "f" else kind.itemsize // 2, 64)
        real = st.floats(_inward(low, width, 1), _inward(high, width, -1), width=width)
        return st.builds(complex, real, real) if kind.kind == "c" else real

    return st.composite(tensor)()


def _inward(bound: float, width: int, direction: int) -> float:
    """The bound, or the next number of this width inside of it."""
    kind: Any = {16: np.float16, 32: np.float32, 64: np.float64}[width]
    found = kind(bound)
    if (float(found) - bound) * direction < 0:
        found = np.nextafter(found, kind(direction * np.inf))
    return float(found)
