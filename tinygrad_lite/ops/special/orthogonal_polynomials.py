r"""Orthogonal polynomials by their recurrences (DLMF 18.9): :math:`p_{k+1} = (a_k x + b_k) p_k - c_k p_{k-1}`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...dtypes import get_default_dtype
from ...engine.arguments import refuse_numbers
from ...engine.errors import DtypeError, InputError
from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor

__all__ = [
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
    "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w",
]  # fmt: skip
SPECIAL = __all__
HIGHEST = 10_000  # degree: as many steps are made for every element

_TEXT = """{summary}

Differentiable in `input`, which PyTorch's is not.

Parameters
----------
input : Tensor or number
n : int or Tensor, of a shape that broadcasts
    The degree; the result is zero where it is negative.

Returns
-------
Tensor, of the broadcast shape, floating

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.special.{name}(tg.tensor([0.5, 2.0]), 3)
tensor({value})
"""


def _polynomial(name: str, first: tuple[float, float], step: Callable[[int], tuple[float, float, float]], summary: str,
                value: str) -> Callable[..., Any]:  # fmt: skip
    """The family with ``p_1 = first[0] x + first[1]`` and ``a_k, b_k, c_k = step(k)`` from k = 1 on."""

    def function(input: Any, n: Any) -> Tensor:
        refuse_numbers(name, "one", input, n)
        x = _real(input, name)
        return of_number(x, n) if isinstance(n, (int, float)) else of_degrees(x, unwrap(n))

    def terms(x: Any, highest: float) -> Iterator[Any]:
        """The polynomials of the degrees from 0 on."""
        if not highest <= HIGHEST:
            raise InputError(f"{name}: n must be at most {HIGHEST}, got {highest}")
        before: Any = np.ones_like(x)
        p = first[0] * x + first[1]
        for k in range(int(highest) + 1):
            yield p if k else before
            if k:
                a, b, c = step(k)
                before, p = p, (a * x + b) * p - c * before

    def of_number(x: Any, n: float) -> Any:
        out: Any = np.zeros_like(x)
        for p in terms(x, -1 if n <= -1 else n):
            out = p
        return out

    def of_degrees(x: Any, n: Any) -> Any:
        degrees = np.asarray(n)
        degrees = degrees if degrees.dtype.kind in "iub" else np.trunc(degrees)
        values = unwrap(x)
        out: Any = np.zeros(np.broadcast_shapes(values.shape, degrees.shape), values.dtype)
        for k, p in enumerate(terms(x, degrees.max(initial=0))):
            out = np.where(degrees == k, p, out)
        return wrap(out) if isinstance(x, Tensor) and isinstance(out, np.ndarray) else out

    function.__name__ = function.__qualname__ = name
    function.__doc__ = _TEXT.format(name=name, summary=summary, value=value)
    return function


def _real(input: Any, who: str) -> Any:
    """A tensor of floats."""
    kind = np.asarray(unwrap(input)).dtype.kind
    if kind == "c":
        raise DtypeError(f"{who}: the input must hold real numbers, got {unwrap(input).dtype}")
    if kind != "f" or isinstance(input, float):
        return wrap(np.asarray(unwrap(input), get_default_dtype()))
    return input


def _halves(k: int) -> tuple[float, float, float]:
    return 2.0, 0.0, 1.0


def _shifted(k: int) -> tuple[float, float, float]:
    return 4.0, -2.0, 1.0


chebyshev_polynomial_t = _polynomial(
    "chebyshev_polynomial_t", (1, 0), _halves, "Chebyshev's polynomials of the first kind.", "[-1., 26.]"
)
chebyshev_polynomial_u = _polynomial(
    "chebyshev_polynomial_u", (2, 0), _halves, "Chebyshev's polynomials of the second kind.", "[-1., 56.]"
)
chebyshev_polynomial_v = _polynomial(
    "chebyshev_polynomial_v", (2, -1), _halves, "Chebyshev's polynomials of the third kind.", "[-1., 41.]"
)
chebyshev_polynomial_w = _polynomial(
    "chebyshev_polynomial_w", (2, 1), _halves, "Chebyshev's polynomials of the fourth kind.", "[-1., 71.]"
)
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", (2, -1), _shifted, "Chebyshev's polynomials T of 2 x - 1.", "[-0., 99.]"
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", (4, -2), _shifted, "Chebyshev's polynomials U of 2 x - 1.", "[ -0., 204.]"
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", (4, -3), _shifted, "Chebyshev's polynomials V of 2 x - 1.", "[  1., 169.]"
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", (4, -1), _shifted, "Chebyshev's polynomials W of 2 x - 1.", "[ -1., 239.]"
)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", (2, 0), lambda k: (2.0, 0.0, 2.0 * k), "Hermite's polynomials of physics.", "[-5., 40.]"
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", (1, 0), lambda k: (1.0, 0.0, k), "Hermite's polynomials of probability.",
    "[-1.3750,  2.0000]",
)  # fmt: skip
laguerre_polynomial_l = _polynomial(
    "laguerre_polynomial_l", (-1, 1), lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1)),
    "Laguerre's polynomials.", "[-0.1458, -0.3333]",
)  # fmt: skip
legendre_polynomial_p = _polynomial(
    "legendre_polynomial_p", (1, 0), lambda k: ((2 * k + 1) / (k + 1), 0.0, k / (k + 1)), "Legendre's polynomials.",
    "[-0.4375, 17.0000]",
)  # fmt: skip
