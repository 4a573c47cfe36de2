"""`stft`, `istft`: the short-time Fourier transform, and its inverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules import unwrap, wrap
from ...tensors.tensor_type import Tensor
from ..argument_names import built
from ..pointwise.complex_numbers import view_as_real
from ..shape.cat_pad import pad
from .fft import complex_backward, complex_forward, real_backward, real_forward

__all__ = ["istft", "stft"]
METHODS = "istft stft"


def _framing(n_fft: int, hop_length: Any, win_length: Any, window: Any, dtype: Any, who: str) -> tuple[int, Any]:
    """The distance of frames, and the window, filled up with zeros to a frame's size."""
    length = n_fft if win_length is None else win_length
    hop = n_fft // 4 if hop_length is None else hop_length
    if not 0 < length <= n_fft or hop <= 0:
        raise RuntimeError(f"{who}: hop_length must be positive and win_length in [1, n_fft={n_fft}], got {hop} and "
                           f"{length}")  # fmt: skip
    if window is None:
        window = wrap(built(np.ones, length, dtype))
    elif unwrap(window).shape != (length,):
        raise RuntimeError(f"{who}: window must be of shape ({length},), got {unwrap(window).shape}")
    left = (n_fft - length) // 2
    return hop, pad(window, (left, n_fft - length - left)) if length < n_fft else window


def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    r"""Short-time Fourier transform, :math:`X[k, m] = \sum_j w_j x_{m h + j} e^{-2 \pi i j k / n}`.

    Parameters
    ----------
    input : Tensor, shape (length,) or (batch, length), real or complex
    n_fft : int
        Size of a frame.
    hop_length : int, optional
        Distance of frames. Default: a quarter of their size.
    win_length : int, optional
        Size of the window, filled up with zeros on both sides. Default: `n_fft`.
    window : Tensor, shape (win_length,), optional
        Default: ones.
    center : bool
        Frame m has its middle at ``m * hop_length``: half a frame is added on either side.
    pad_mode : str
        How: as in `nn.functional.pad`.
    normalized : bool
        Divided by the root of `n_fft`.
    onesided : bool, optional
        Only frequencies that are not negative; the default where input and window are real.
    return_complex : bool
        With False real and imaginary parts in a last dimension. Must be given where all is real.

    Returns
    -------
    Tensor, shape (..., frequencies, frames), complex

    Raises
    ------
    RuntimeError
        For sizes that do not fit, and where `return_complex` is needed.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.stft(tg.ones(8), 4, window=tg.hann_window(4), return_complex=True).shape
    (3, 9)
    """
    array = unwrap(input)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fc":
        raise RuntimeError(f"stft: input must be one or two dimensions of floats, got {array.dtype} {array.shape}")
    hop, window = _framing(n_fft, hop_length, win_length, window, np.empty(0, array.dtype).real.dtype, "stft")
    is_complex = array.dtype.kind == "c" or unwrap(window).dtype.kind == "c"
    if return_complex is None:
        if not is_complex:
            raise RuntimeError("stft: return_complex must be given for real inputs")
        return_complex = True
    if onesided is None:
        onesided = not is_complex
    if onesided and is_complex:
        raise RuntimeError("stft: onesided=True is for real inputs and windows")
    signal = input if array.ndim == 2 else input[None]
    if center:
        signal = pad(signal[None], (n_fft // 2, n_fft // 2), pad_mode)[0]
    if not 0 < n_fft <= signal.shape[-1]:
        raise RuntimeError(f"stft: n_fft must be in [1, {signal.shape[-1]}], got {n_fft}")
    frames = signal.unfold(-1, n_fft, hop) * window
    forward = real_forward if onesided else complex_forward
    out = forward(frames, None, -1, "ortho" if normalized else None, "stft").transpose(-1, -2)
    out = out if array.ndim == 2 else out[0]
    return out if return_complex else view_as_real(out)


def _overlapped(frames: Any, hop: int) -> Any:
    """The sum of frames, each `hop` behind the one before it: blocks of `hop` entries, added up shifted."""
    *batch, count, n = unwrap(frames).shape
    blocks = -(-n // hop)
    frames = pad(frames, (0, blocks * hop - n)).reshape(*batch, count, blocks, hop)
    total: Any = 0
    for b in range(blocks):
        part = frames[..., b, :].reshape(*batch, count * hop)
        total = total + pad(part, (b * hop, (blocks - 1 - b) * hop))
    return total[..., : (count - 1) * hop + n]


def istft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose `stft` is nearest to the input (Griffin and Lim 1984, equation 6).

    Parameters
    ----------
    input : Tensor, shape (frequencies, frames) or (batch, frequencies, frames), complex
    n_fft : int
    hop_length, win_length : int, optional
    window : Tensor, optional
        Whose squares, at these distances, must leave no gap.
    center, normalized : bool
    onesided : bool, optional
        Default: whether there are only ``n_fft // 2 + 1`` frequencies.
    length : int, optional
        Of the result: the rest is cut off, or zeros. Default: what the frames cover.
    return_complex : bool
        Return the imaginary part, too; needs all frequencies.

    Returns
    -------
    Tensor, shape (length,) or (batch, length)

    Raises
    ------
    RuntimeError
        For sizes that do not fit, and windows that leave a gap.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> window = tg.hann_window(4)
    >>> X = tg.stft(tg.arange(8.0), 4, window=window, return_complex=True)
    >>> tg.istft(X, 4, window=window).round(decimals=3)
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    array = unwrap(input)
    if array.ndim not in (2, 3) or array.dtype.kind != "c":
        raise RuntimeError(f"istft: input must be two or three dimensions, complex, got {array.dtype} {array.shape}")
    half = array.shape[-2] != n_fft if onesided is None else onesided
    if array.shape[-2] != (n_fft // 2 + 1 if half else n_fft) or (half and return_complex):
        raise RuntimeError(f"istft: there must be {n_fft} frequencies, or {n_fft // 2 + 1} for a real result, got "
                           f"{array.shape[-2]} with onesided={onesided}, return_complex={return_complex}")  # fmt: skip
    hop, window = _framing(n_fft, hop_length, win_length, window, np.empty(0, array.dtype).real.dtype, "istft")
    spectrum = (input if array.ndim == 3 else input[None]).transpose(-1, -2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = complex_backward(spectrum, None, -1, norm, "istft")
    else:  # half of them say all of a real signal; the others are not looked at
        frames = real_backward(spectrum[..., : n_fft // 2 + 1], (n_fft,), -1, norm, "istft")
    count = array.shape[-1]
    signal = _overlapped(frames * window, hop)
    weight = _overlapped((window * window).broadcast_to((count, n_fft)), hop)
    start = n_fft // 2 if center else 0
    covered = unwrap(signal).shape[-1]
    end = covered - start if center and length is None else covered if length is None else start + length
    signal, weight = signal[..., start:end], weight[start:end]
    leave_no_gap(unwrap(weight))
    signal = signal / weight
    short = end - start - unwrap(signal).shape[-1]
    signal = pad(signal, (0, short)) if short > 0 else signal
    return signal if array.ndim == 3 else signal[0]


def leave_no_gap(weight: Any) -> None:
    """Raise unless windows whose squares add up to these cover all of a signal."""
    if weight.size == 0 or np.abs(weight).min() < 1e-11:
        raise RuntimeError("istft: the windows must leave no gap, their squares add up to zero somewhere")
