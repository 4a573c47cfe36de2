"""`forward`, `backward`: a recurrent layer over all steps, which are compiled or NumPy's.

The steps of a batch stand one below the other in rows. So the products with the input's weights are one product for all
steps, as are backward those that give the gradients of the weights.

The compiled module loads LLVM, hence it is imported by the first call that it serves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernel import late
from ..linalg.matrix_product import matrix_product, product_plus
from . import rnn_numpy
from .rnn_numpy import GRU, LSTM

FEW, LARGE = 16, 2 << 20  # examples, and bytes of weights: for one step of fewer, or by more, packing does not pay


def _served(kind: int, h: Any, c: Any, w_hh: Any, w_hr: Any, *args: Any) -> bool:
    """float32 and float64, of no empty batch, without a projection, where the weights are worth packing."""
    if h.dtype.char not in "fd" or not h.size or w_hr is not None:
        return False
    return len(args[-1]) > len(h) or (len(h) >= FEW and w_hh.nbytes < LARGE)


_forward_all = late(f"{__package__}.rnn", "forward_all", when=_served)(rnn_numpy.forward_all)
_backward_all = late(f"{__package__}.rnn", "backward_all", when=_served)(rnn_numpy.backward_all)


def forward(
    kind: int, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, steps: Any, w_hr: Any = None
) -> tuple[Any, Any, Any]:
    """All steps of a layer.

    Parameters
    ----------
    kind : {LSTM, GRU, TANH, RELU}
    x : array, shape (N, I), floating
    h, c : array, shape (B, P) and (B, H)
        The states, overwritten by the last ones; `c` is that of an LSTM, else the same as `h`.
    w_ih, w_hh : array, shape (G H, I) and (G H, P)
        Of G gates; P is H without `w_hr`.
    b_ih, b_hh : array, shape (G H,), or None
    steps : array, shape (T, 2), intp
        For each step, in their order, where its rows begin and how many there are.
    w_hr : array, shape (P, H), optional
        The projection of an LSTM.

    Returns
    -------
    gates : array, shape (N, G H)
        Of the plain cell these are the hidden states.
    kept : array, shape (N, H)
        The cell states of an LSTM; for a GRU what the hidden states contribute to n.
    rows : array, shape (N, P)
        The hidden states.
    """
    bias, own = b_ih, b_hh if kind == GRU else None
    if b_hh is not None and kind != GRU:
        bias = b_hh if bias is None else bias + b_hh
    gates = matrix_product(x, w_ih.T) if bias is None else product_plus(x, w_ih.T, bias)
    kept = rows = gates
    if kind in (LSTM, GRU):
        kept, rows = np.empty((len(x), c.shape[1]), x.dtype), np.empty((len(x), h.shape[1]), x.dtype)
    _forward_all(kind, h, c, w_hh, w_hr, own, steps, gates, kept, rows)
    return gates, kept, rows


def backward(
    kind: int, x: Any, h0: Any, c0: Any, w_ih: Any, w_hh: Any, steps: Any, gates: Any, kept: Any, rows: Any,
    grows: Any, gh: Any, gc: Any, needs_x: bool, w_hr: Any = None,
) -> tuple[Any, Any, Any, Any, Any]:  # fmt: skip
    """All steps of a layer, backward; other arguments as of `forward`.

    Parameters
    ----------
    h0, c0 : array, shape (B, P) and (B, H)
        The first states.
    grows : array, shape (N, P)
        The gradient of the hidden states.
    gh, gc : array, shape (B, P) and (B, H)
        The gradients of the last states, overwritten by those of the first.
    needs_x : bool

    Returns
    -------
    tuple
        The gradients of x (None where it is not wanted), w_ih, w_hh, the biases (shape (1, G H), or (2, G H) where
        those of b_ih and b_hh differ), and w_hr.
    """
    slopes, states = np.empty(gates.shape, gates.dtype), np.empty(rows.shape, rows.dtype)
    more = np.empty(gates.shape, gates.dtype) if kind == GRU else slopes
    shown = states if w_hr is None else np.empty(rows.shape, rows.dtype)
    bias = _backward_all(kind, h0, c0, w_hh, w_hr, steps, gates, kept, grows, gh, gc, slopes, more, states, shown, rows)
    project = None
    if w_hr is not None:
        project = matrix_product(shown.T, gates[:, 3 * kept.shape[1] :] * np.tanh(kept))
    gx = matrix_product(slopes, w_ih) if needs_x else None
    return gx, matrix_product(slopes.T, x), matrix_product(more.T, states), bias, project
