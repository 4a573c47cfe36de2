"""`fft`, `ifft`, `rfft` and kin: discrete Fourier transforms.

The matrix of a transform is symmetric, so that (with `g` as in `rules`) a transform is its own vjp; only what was cut
off, filled up or taken for granted needs care. The sums are NumPy's, whose transforms keep single precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...dtypes import get_default_dtype
from ...engine.errors import DtypeError, InputError, RangeError
from ...rules import differentiable, unwrap, wrap
from ..argument_names import built, one_dim
from ..pointwise.complex_numbers import conj

_OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


# --- rows -------------------------------------------------------------------------------------------------------


def _fitted(g: Any, shape: tuple[int, ...]) -> Any:
    """Cut off, or filled up with zeros: what a transform does to its input, and undoes in its vjp."""
    if g.shape == shape:
        return g
    g = g[tuple(slice(n) for n in shape)]
    return np.pad(g, [(0, n - m) for n, m in zip(shape, g.shape)])


def _fftn_a(g: Any, a_shape: tuple[int, ...], axes: tuple[int, ...], norm: Any) -> Any:
    return _fitted(_fftn(g, None, axes, norm), a_shape)


@differentiable(a=_fftn_a, name="fft", complex=True, contiguous=True)
def _fftn(a: Any, s: Any, axes: tuple[int, ...], norm: Any) -> Any:
    return np.fft.fftn(a, s, axes, norm)


def _ifftn_a(g: Any, a_shape: tuple[int, ...], axes: tuple[int, ...], norm: Any) -> Any:
    return _fitted(_ifftn(g, None, axes, norm), a_shape)


@differentiable(a=_ifftn_a, name="ifft", complex=True, contiguous=True)
def _ifftn(a: Any, s: Any, axes: tuple[int, ...], norm: Any) -> Any:
    return np.fft.ifftn(a, s, axes, norm)


def _rfft_a(g: Any, a_shape: tuple[int, ...], n: int, axis: int, norm: Any) -> Any:
    return _fitted(_fftn(g, (n,), (axis,), norm), a_shape)  # of which the engine takes the real part


@differentiable(a=_rfft_a, name="rfft", complex=True, contiguous=True)
def _rfft(a: Any, n: int, axis: int, norm: Any) -> Any:
    return np.fft.rfft(a, n, axis, norm)


def _irfft_a(g: Any, a_shape: tuple[int, ...], n: int, axis: int, norm: Any) -> Any:
    """Frequencies count twice, for themselves and for their mirror images, but for the first and that in the middle."""
    d = np.conjugate(_rfft(g, n, axis, _OPPOSITE[norm]))
    twice = built(_twice, d.shape[axis], n % 2 == 0, unwrap(d).dtype)
    return _fitted(d * twice.reshape((-1,) + (1,) * (len(a_shape) - 1 - axis)), a_shape)


def _twice(count: int, even: bool, dtype: Any) -> Any:
    """How often frequencies count, in the real dtype."""
    twice = np.full(count, 2, np.zeros((), dtype).real.dtype)
    twice[0] = 1
    if even:
        twice[-1] = 1
    return twice


@differentiable(a=_irfft_a, name="irfft", complex=True, contiguous=True)
def _irfft(a: Any, n: int, axis: int, norm: Any) -> Any:
    return np.fft.irfft(a, n, axis, norm)


# --- what is asked for ------------------------------------------------------------------------------------------


def _given(input: Any, norm: str | None, who: str, real: bool = False) -> Any:
    """The input, integers as the default dtype; only real where the transform is of real numbers."""
    _opposite(norm, who)
    x = input if hasattr(input, "dtype") else wrap(np.asarray(input))
    kind = unwrap(x).dtype.kind
    if real and kind == "c":
        raise DtypeError(f"{who}: the input must be real, got {unwrap(x).dtype}")
    return x if kind in "fc" else x.astype(get_default_dtype())


def plan(x: Any, s: Any, dim: Any, who: str, halved: bool = False) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes and dimensions of a transform; `halved` if the last size is that of half a spectrum."""
    shape = unwrap(x).shape
    if dim is None:
        dims = tuple(range(len(shape))) if s is None else tuple(range(len(shape) - len(s), len(shape)))
        if dims and dims[0] < 0:
            raise RuntimeError(f"{who}: s has {len(s)} sizes, but the input only {len(shape)} dimensions")
    else:
        dims = tuple(one_dim(d, len(shape), who) for d in ((dim,) if hasattr(dim, "__index__") else dim))
    if len(set(dims)) < len(dims) or (dims and not shape):
        text = f"{who}: dimensions must exist, each at most once, got dim={dim} for shape {shape}"
        raise InputError(text) if shape else RangeError(text)
    if s is not None and len(s) != len(dims):
        raise RuntimeError(f"{who}: s must give a size for each of the dimensions {dims}, got {tuple(s)}")
    sizes = [shape[d] for d in dims]
    if halved and sizes:
        sizes[-1] = 2 * (sizes[-1] - 1)
    sizes = [n if given is None or given == -1 else given for n, given in zip(sizes, s or [None] * len(dims))]
    if min(sizes, default=1) < 1:
        raise RuntimeError(f"{who}: sizes must be positive, got {tuple(sizes)}")
    return tuple(sizes), dims


def _transformed(op: Any, input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    x = _given(input, norm, who)
    sizes, dims = plan(x, s, dim, who)
    return op.record((x, sizes, dims, norm)) if dims else x.to(np.result_type(x.dtype, np.complex64))


def complex_forward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """The spectrum, along several dimensions."""
    return _transformed(_fftn, input, s, dim, norm, who)


def complex_backward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """What has this spectrum."""
    return _transformed(_ifftn, input, s, dim, norm, who)


def real_forward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """Half the spectrum of real numbers, along several dimensions."""
    x = _given(input, norm, who, real=True)
    sizes, dims = plan(x, s, dim, who)
    if not dims:
        raise RuntimeError(f"{who}: at least one dimension must be transformed, got dim={dim}")
    out = _rfft.record((x, sizes[-1], dims[-1], norm))
    return _fftn.record((out, sizes[:-1], dims[:-1], norm)) if len(dims) > 1 else out


def real_backward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """Real numbers of half a spectrum, along several dimensions."""
    x = _given(input, norm, who)
    sizes, dims = plan(x, s, dim, who, halved=True)
    if not dims:
        raise RuntimeError(f"{who}: at least one dimension must be transformed, got dim={dim}")
    if len(dims) > 1:
        x = _ifftn.record((x, sizes[:-1], dims[:-1], norm))
    return _irfft.record((x, sizes[-1], dims[-1], norm))


def _opposite(norm: str | None, who: str) -> str:
    if norm not in _OPPOSITE:
        raise InputError(f"{who}: norm must be None, 'backward', 'ortho' or 'forward', got {norm!r}")
    return _OPPOSITE[norm]


def hermitian_forward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """The real spectrum of what is given by half, since the other half are the conjugates."""
    return real_backward(conj(input), s, dim, _opposite(norm, who), who)


def hermitian_backward(input: Any, s: Any, dim: Any, norm: str | None, who: str) -> Any:
    """Half of what has this real spectrum."""
    return conj(real_forward(input, s, dim, _opposite(norm, who), who))
