"""Complex numbers: their parts, their making, and which rows of the table are right for them.

`g` in a rule is the conjugate of PyTorch's gradient, see `rules`: dL = Re(g dz).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import scalar_type
from ...engine.arguments import operand
from ...engine.errors import DtypeError
from ...engine.fast_calls import elementwise
from ...rules import FAST, TABLE, differentiable, unwrap, without_gradient
from ...tensors.tensor_type import Tensor
from . import exp_log_trig
from .arithmetic import flat
from .clamp_round_where import quotient_or_zero

__all__ = [
    "angle", "complex", "conj", "conj_physical", "imag", "is_complex", "isreal", "polar", "real",
    "resolve_conj", "resolve_neg", "view_as_complex", "view_as_real",
]  # fmt: skip
METHODS = "angle conj conj_physical_ isreal resolve_conj resolve_neg"

# --- rows -------------------------------------------------------------------------------------------------------

_conj = elementwise(np.conjugate, name="conj", x=lambda g: np.conjugate(g), complex=True)
_real = differentiable(np.real, name="real", view=True, val=lambda g: g, complex=True)
_imag = differentiable(np.imag, name="imag", view=True, val=lambda g: g * -1j, complex=True)


@differentiable(real=lambda g: np.real(g), imag=lambda g: -np.imag(g), name="complex", complex=True)
def _complex(real: Any, imag: Any) -> Any:
    out = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.result_type(real, np.complex64))
    out.real, out.imag = real, imag
    return out


@differentiable(x=lambda g: _complex(g[..., 0], -g[..., 1]), view=True, name="view_as_real", complex=True)
def _view_as_real(x: Any) -> Any:
    return x[..., None].view(x.real.dtype)


@differentiable(x=lambda g: _view_as_real(np.conjugate(g)), view=True, name="view_as_complex", complex=True)
def _view_as_complex(x: Any) -> Any:
    return x.view(np.result_type(x, np.complex64))[..., 0]


@differentiable(x=lambda g, x, out: g * np.conjugate(quotient_or_zero(x, out)), name="abs", complex=True)
def _modulus(x: Any) -> Any:
    return np.absolute(x)


def _direction(x: Any) -> Any:
    return quotient_or_zero(x, _modulus(x))


def _phase(x: Any) -> Any:
    return exp_log_trig.atan2(imag(x), real(x))


def _angle_of(x: Any) -> Any:
    return np.angle(x if x.dtype.kind == "c" else x + 0)  # -0 is no negative number


_angle = elementwise(_angle_of, name="angle", numpy=np.angle, x=flat, complex=_phase)


TABLE[np.absolute].complex, TABLE[np.sign].complex = _modulus, _direction


# --- PyTorch's face ---------------------------------------------------------------------------------------------


def is_complex(input: Any) -> bool:
    """Whether the dtype is complex."""
    return bool(unwrap(input).dtype.kind == "c")


@without_gradient
def isreal(input: Any) -> Any:
    """Whether each entry has no imaginary part."""
    return np.isreal(operand(input, "isreal"))


FAST[np.isreal] = isreal


def complex(real: Any, imag: Any) -> Tensor:
    """Complex numbers from their real and imaginary parts.

    Parameters
    ----------
    real, imag : Tensor, both float32 or both float64, of shapes that broadcast

    Returns
    -------
    Tensor, complex64 or complex128

    Raises
    ------
    TypeError
        For other dtypes, or two different ones.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> z = tg.complex(tg.tensor([1.0, 2.0]), tg.tensor([0.0, -1.0]))
    >>> z * z
    tensor([1.+0.j, 3.-4.j])
    """
    _same_floats(real, imag, "complex", "real", "imag")
    return _complex.record((real, imag))


def polar(abs: Any, angle: Any) -> Tensor:
    """Complex numbers from magnitudes and angles, ``abs * (cos(angle) + i sin(angle))``.

    Parameters
    ----------
    abs, angle : Tensor, both float32 or both float64, of shapes that broadcast

    Returns
    -------
    Tensor, complex64 or complex128

    Raises
    ------
    TypeError
        For other dtypes, or two different ones.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.polar(tg.tensor([2.0]), tg.tensor([0.0]))
    tensor([2.+0.j])
    """
    _same_floats(abs, angle, "polar", "abs", "angle")
    return _complex.record((abs * exp_log_trig.cos(angle), abs * exp_log_trig.sin(angle)))


def _same_floats(x: Any, y: Any, who: str, *names: str) -> None:
    dtypes = unwrap(x).dtype, unwrap(y).dtype
    if dtypes[0] != dtypes[1] or dtypes[0] not in (np.float32, np.float64):
        first, second = (scalar_type(d) for d in dtypes)
        floats = all(d.kind == "f" for d in dtypes)
        pytorchs = (
            f"Expected object of scalar type {first} but got scalar type {second} for second argument"
            if floats and first != second
            else f"Expected both inputs to be Half, Float or Double tensors but got {first} and {second}"
        )
        raise DtypeError(
            f"{who}: {' and '.join(names)} must both be float32 or both float64, got {dtypes[0]} and {dtypes[1]} "
            f"({pytorchs})"
        )


def conj(input: Any) -> Tensor:
    """Complex conjugate; real tensors come back as they are. Unlike PyTorch's it is a copy, not a view.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conj(tg.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return _conj(input) if is_complex(input) else input


def conj_physical(input: Any) -> Tensor:
    """Complex conjugate, always a copy.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, of the input's shape and dtype

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conj_physical(tg.tensor([1 + 2j]))
    tensor([1.-2.j])
    """
    return _conj(input) if is_complex(input) else input.clone()


def resolve_conj(input: Tensor) -> Tensor:
    """The input: conjugates are never put off here."""
    return input


def resolve_neg(input: Tensor) -> Tensor:
    """The input: signs are never put off here."""
    return input


def real(input: Any) -> Tensor:
    """Real part, a view of complex tensors; real tensors come back as they are.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.real(tg.tensor([1 + 2j]))
    tensor([1.])
    """
    return _real.record((input,)) if is_complex(input) else input


def imag(input: Any) -> Tensor:
    """Imaginary part (a view).

    Parameters
    ----------
    input : Tensor, complex

    Returns
    -------
    Tensor, of the input's shape

    Raises
    ------
    RuntimeError
        For a real tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.imag(tg.tensor([1 + 2j]))
    tensor([2.])
    """
    return _imag.record((_only_complex(input, "imag"),))


def write_real(self: Any, value: Any) -> None:
    """``x.real = value``: write to the view."""
    real(self)[...] = value


def write_imag(self: Any, value: Any) -> None:
    """``x.imag = value``: write to the view."""
    imag(self)[...] = value


def _only_complex(input: Any, who: str) -> Any:
    if not is_complex(input):
        raise RuntimeError(f"{who}: the tensor must be complex, got {unwrap(input).dtype}")
    return input


def view_as_real(input: Any) -> Tensor:
    """The real and imaginary parts along a new last dimension (a view).

    Parameters
    ----------
    input : Tensor, complex

    Returns
    -------
    Tensor, shape (..., 2)

    Raises
    ------
    RuntimeError
        For a real tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.view_as_real(tg.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    return _view_as_real.record((_only_complex(input, "view_as_real"),))


def view_as_complex(input: Any) -> Tensor:
    """Complex numbers from pairs along the last dimension (a view).

    Parameters
    ----------
    input : Tensor, shape (..., 2), float32 or float64
        The pairs must stand together in memory.

    Returns
    -------
    Tensor, shape (...), complex

    Raises
    ------
    RuntimeError
        Where the last dimension is not 2, or its entries are apart.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.view_as_complex(tg.tensor([[1.0, 2.0], [0.0, -1.0]]))
    tensor([1.+2.j, 0.-1.j])
    """
    x = unwrap(input)
    if x.dtype not in (np.float32, np.float64):
        raise RuntimeError(f"view_as_complex: the tensor must be float32 or float64, got {x.dtype}")
    size = x.itemsize
    apart = bool(x.size) and (x.strides[-1:] != (size,) or any(s % (2 * size) for s in x.strides[:-1]))
    if x.shape[-1:] != (2,) or apart:
        raise RuntimeError(
            f"view_as_complex: the last dimension must hold 2 entries side by side, got shape {x.shape} with strides "
            f"{tuple(s // size for s in x.strides)}"
        )
    return _view_as_complex.record((input,))


def angle(input: Any) -> Tensor:
    """Angle in the complex plane, in [-pi, pi]; its gradient is 0 at 0, and for real tensors.

    Parameters
    ----------
    input : Tensor

    Returns
    -------
    Tensor, real, of the input's shape

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.angle(tg.tensor([1j, 1.0, -1.0]))
    tensor([1.5708, 0.0000, 3.1416])
    """
    return _angle(input)
