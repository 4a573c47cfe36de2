"""`gcd`, `lcm`: common divisors and multiples of whole numbers, which carry no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.arguments import refuse_numbers, with_numbers
from ...engine.errors import DtypeError
from ...promotion import cast
from ...rules import FAST, unwrap, wrap
from ...tensors.tensor_type import Tensor

__all__ = ["gcd", "lcm"]
METHODS = "gcd_ lcm_"


def _integers(who: str, *values: Any) -> Any:
    arrays = cast(who, [unwrap(v) for v in values])
    for a in map(np.asarray, arrays):
        if a.dtype.kind not in "iu":
            raise DtypeError(f"{who}: the tensors must hold integers, got {a.dtype}")
    return arrays


def gcd(input: Any, other: Any) -> Tensor:
    """Greatest common divisor, never negative; of zeros it is 0.

    Parameters
    ----------
    input, other : Tensor, integer, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    TypeError
        For other numbers than integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.gcd(tg.tensor([4, -6]), tg.tensor([6, 9]))
    tensor([2, 3])
    """
    refuse_numbers("gcd", "", input, other)
    return wrap(np.gcd(*_integers("gcd", input, other)))


def lcm(input: Any, other: Any) -> Tensor:
    """Least common multiple, never negative.

    Parameters
    ----------
    input, other : Tensor, integer, of shapes that broadcast

    Returns
    -------
    Tensor, of the broadcast shape

    Raises
    ------
    TypeError
        For other numbers than integers.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.lcm(tg.tensor([4, -6]), tg.tensor([6, 9]))
    tensor([12, 18])
    """
    refuse_numbers("lcm", "", input, other)
    return wrap(np.lcm(*_integers("lcm", input, other)))


FAST[np.gcd], FAST[np.lcm] = with_numbers(gcd), with_numbers(lcm)
