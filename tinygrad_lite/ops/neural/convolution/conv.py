"""Convolutions of one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....engine.errors import DtypeError, InputError
from ....kernels.loops.pairwise_sum import pairwise_sum
from ....kernels.spatial import loops
from ....kernels.spatial.conv_numpy import Geometry
from ....rules import Op, differentiable, unwrap
from ....tensors.tensor_type import Tensor
from ...pointwise.complex_numbers import complex, imag, real
from ..spatial_arguments import Ints, each, unbatched, windows_of

__all__ = ["conv1d", "conv2d", "conv3d"]
FUNCTIONAL = __all__

# --- rows: each is linear in two arrays, and their gradients are the other two -----------------------------------


def _sum_channels(g: Any) -> Any:
    rows = g.reshape(*g.shape[:2], math.prod(g.shape[2:]))
    return pairwise_sum(pairwise_sum(rows, 2), 0)


def _convolve_x(g: Any, w: Any, geometry: Geometry) -> Any:
    return spread(g, w, None, geometry)


def _convolve_w(g: Any, x: Any, geometry: Geometry) -> Any:
    return _correlate(g, x, geometry)


def _spread_w(g: Any, y: Any, geometry: Geometry) -> Any:
    return _correlate(y, g, geometry)


@differentiable(x=_convolve_x, w=_convolve_w, bias=lambda g: _sum_channels(g), name="conv", single=True)
def _convolve(x: Any, w: Any, bias: Any, geometry: Geometry) -> Any:
    y = np.empty((x.shape[0], w.shape[0], *geometry.small), x.dtype)
    loops.convolve(x, w, bias, geometry, y)
    return y


@differentiable(
    y=lambda g, w, geometry: _convolve(g, w, None, geometry),
    w=_spread_w,
    bias=lambda g: _sum_channels(g),
    name="conv_transpose",
    single=True,
)
def spread(y: Any, w: Any, bias: Any, geometry: Geometry) -> Any:
    """The transpose of a convolution."""
    x = np.empty((y.shape[0], w.shape[1] * geometry.groups, *geometry.large), y.dtype)
    loops.spread(y, w, bias, geometry, x)
    return x


@differentiable(
    y=lambda g, x, geometry: _convolve(x, g, None, geometry),
    x=lambda g, y, geometry: spread(y, g, None, geometry),
    name="conv_weight",
    single=True,
)
def _correlate(y: Any, x: Any, geometry: Geometry) -> Any:
    w = np.empty((y.shape[1], x.shape[1] // geometry.groups, *geometry.kernel), x.dtype)
    loops.correlate(y, x, geometry, w)
    return w


# --- PyTorch's face ----------------------------------------------------------------------------------------------


def check(input: Any, weight: Any, bias: Any, dims: int, groups: int, transposed: bool, who: str) -> None:
    """Refuse shapes and dtypes that do not fit."""
    x, w, b = unwrap(input), unwrap(weight), unwrap(bias)
    if w.ndim != dims + 2:
        raise InputError(f"{who}: weight must have {dims + 2} dimensions, got shape {w.shape}")
    if groups < 1:
        raise InputError(f"{who}: groups must be at least 1, got {groups}")
    channels = x.shape[-dims - 1] if x.ndim > dims else 0
    expected = w.shape[0] if transposed else w.shape[1] * groups
    if x.ndim in (dims + 1, dims + 2) and channels != expected:
        raise InputError(f"{who}: input must have {expected} channels for weight {w.shape} and groups {groups}, "
                         f"got shape {x.shape}")  # fmt: skip
    if w.shape[0] % groups or 0 in w.shape:
        raise InputError(f"{who}: weight must have no empty dimension, and a first one that groups {groups} divides, "
                         f"got shape {w.shape}")  # fmt: skip
    out = w.shape[1] * groups if transposed else w.shape[0]
    if b is not None and b.shape != (out,):
        raise InputError(f"{who}: bias must have shape ({out},), got {b.shape}")
    kinds = {a.dtype for a in (x, w, b) if a is not None}
    if len(kinds) > 1 or x.dtype.kind not in "iufc":
        raise DtypeError(f"{who}: input, weight and bias must be numbers of one dtype, got "
                         f"{', '.join(sorted(map(str, kinds)))}")  # fmt: skip


def by_parts(row: Op, x: Any, weight: Any, bias: Any, geometry: Geometry) -> Any:
    """A row that is linear in two arrays; of complex numbers, what it gives for their real and imaginary parts."""
    if unwrap(x).dtype.kind != "c":
        return row.record((x, weight, bias, geometry))
    (xr, xi), (wr, wi) = (real(x), imag(x)), (real(weight), imag(weight))
    br, bi = (None, None) if bias is None else (real(bias), imag(bias))
    first = row.record((xr, wr, br, geometry)) - row.record((xi, wi, None, geometry))
    return complex(first, row.record((xr, wi, bi, geometry)) + row.record((xi, wr, None, geometry)))


def _padding(padding: Any, kernel: Ints, stride: Ints, dilation: Ints, who: str) -> tuple[Ints, Ints]:
    """How much is added before and after."""
    if padding == "valid":
        return ((0,) * len(kernel),) * 2
    if padding == "same":
        if max(stride) > 1:
            raise InputError(f"{who}: padding 'same' must go with stride 1, got stride {stride}")
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return tuple([t // 2 for t in total]), tuple([t - t // 2 for t in total])
    if isinstance(padding, str):
        raise InputError(f"{who}: padding must be 'valid', 'same' or numbers, got {padding!r}")
    given = each(padding, len(kernel), who, "padding")
    return given, given


def _conv(dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    who = f"conv{dims}d"
    check(input, weight, bias, dims, groups, False, who)
    kernel = unwrap(weight).shape[2:]
    stride, dilation = each(stride, dims, who, "stride", 1), each(dilation, dims, who, "dilation", 1)
    pads = _padding(padding, kernel, stride, dilation, who)

    def run(x: Any) -> Any:
        large = unwrap(x).shape[2:]
        small = windows_of(large, kernel, stride, pads, dilation, who)
        geometry = Geometry(large, small, kernel, stride, pads[0], dilation, groups)
        return by_parts(_convolve, x, weight, bias, geometry)

    return unbatched(run, input, dims, who)


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolution, :math:`y_{n,a,o} = b_a + \sum_{c,k} w_{a,c,k} \, x_{n,c,\,s o + d k - p}`, in 1 dimension.

    Parameters
    ----------
    input : Tensor, shape (N, C, L) or (C, L)
    weight : Tensor, shape (A, C / groups, kL)
    bias : Tensor, shape (A,), optional
    stride : int, or a tuple of one
    padding : int or a tuple of one, or "valid" or "same"
        Zeros at both ends. "same" keeps the size, and needs stride 1.
    dilation : int, or a tuple of one
        Distance between the taps of the kernel.
    groups : int
        Group ``i`` of the results sees group ``i`` of the channels only.

    Returns
    -------
    Tensor, shape (N, A, ...) or (A, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv1d(tg.tensor([[[1.0, 2.0, 3.0]]]), tg.tensor([[[1.0, 1.0]]]))
    tensor([[[3., 5.]]])
    """
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolution, :math:`y_{n,a,o} = b_a + \sum_{c,k} w_{a,c,k} \, x_{n,c,\,s o + d k - p}`, in 2 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, H, W) or (C, H, W)
    weight : Tensor, shape (A, C / groups, kH, kW)
    bias : Tensor, shape (A,), optional
    stride : int or 2 of them
    padding : int or 2 of them, or "valid" or "same"
        Zeros at both ends. "same" keeps the size, and needs stride 1.
    dilation : int or 2 of them
        Distance between the taps of the kernel.
    groups : int
        Group ``i`` of the results sees group ``i`` of the channels only.

    Returns
    -------
    Tensor, shape (N, A, ...) or (A, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Notes
    -----
    In float32, windows of 3 x 3 with stride 1 and one group are summed by Winograd's minimal filtering where that is
    faster, which shapes alone decide: from 16 channels on, for most images, in the gradients as well. Errors are those
    of the direct way but for a factor of 2 (at 64 to 256 channels at most 2e-5 of the results' deviation; PyTorch's
    direct sums err by 2e-6). A NaN or infinity in the input reaches all results of the tiles of 4 x 4 that it meets,
    and not its windows alone. Losses of 20 steps of a small network differ from those in float64 as much as with
    direct sums. float64 is always summed directly, and so is all with ``TINYGRAD_LITE_WINOGRAD=0`` in the environment.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016. Lavin and Gray, "Fast algorithms
    for convolutional neural networks", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv2d(tg.ones(1, 1, 3, 3), tg.ones(1, 1, 2, 2), padding=1, stride=2)
    tensor([[[[1., 2.],
              [2., 4.]]]])
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    r"""Convolution, :math:`y_{n,a,o} = b_a + \sum_{c,k} w_{a,c,k} \, x_{n,c,\,s o + d k - p}`, in 3 dimensions.

    Parameters
    ----------
    input : Tensor, shape (N, C, D, H, W) or (C, D, H, W)
    weight : Tensor, shape (A, C / groups, kD, kH, kW)
    bias : Tensor, shape (A,), optional
    stride : int or 3 of them
    padding : int or 3 of them, or "valid" or "same"
        Zeros at both ends. "same" keeps the size, and needs stride 1.
    dilation : int or 3 of them
        Distance between the taps of the kernel.
    groups : int
        Group ``i`` of the results sees group ``i`` of the channels only.

    Returns
    -------
    Tensor, shape (N, A, ...) or (A, ...)

    Raises
    ------
    ValueError
        For shapes and options that do not fit.
    TypeError
        For arguments of different dtypes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.conv3d(tg.ones(1, 2, 4, 4, 4), tg.ones(3, 2, 3, 3, 3)).shape
    (1, 3, 2, 2, 2)
    """
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)
