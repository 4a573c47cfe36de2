"""`ARGUMENTS` and `SAMPLES`: small arguments that every operation can be called with.

`ARGUMENTS` are tried in turn; a function whose arguments are like no other's has its own among `SAMPLES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import wrap

__all__ = ["ARGUMENTS", "SAMPLES", "Leaf"]

Leaf = Callable[[Any], Any]

_V, _W, _U = [0.3, 0.6, 0.8], [0.5, 0.2, 0.9], [0.7, 0.4, 0.1]
_M = [[2.0, 0.3, 0.1], [0.3, 3.0, 0.2], [0.1, 0.2, 4.0]]
_IMAGE = (np.arange(32.0).reshape(1, 2, 4, 4) % 7 / 7).tolist()
_FILTER = (np.arange(8.0).reshape(1, 2, 2, 2) % 3 / 3).tolist()
_BATCH = [_M, _M]


def _index(values: Any) -> Any:
    return wrap(np.array(values, np.int64))


def _plain(values: Any) -> Any:
    """A tensor for functions without a gradient, which refuse one that requires it."""
    return wrap(np.array(values, np.float32))


_MASK = wrap(np.array([True, False, True]))

ARGUMENTS: tuple[Callable[[Leaf], tuple[Any, ...]], ...] = (
    lambda f: (f(_V),),
    lambda f: (f(_M),),
    lambda f: (f(_V), f(_W)),
    lambda f: (f(_M), f(_M)),
    lambda f: (f(_M), f(_V)),
    lambda f: (f(_V), f(_W), f(_U)),
    lambda f: (f(_V), f(_M), f(_U)),
    lambda f: (f(_M), f(_M), f(_M)),
    lambda f: (f(_M), f(_V), f(_W)),
    lambda f: (f(_BATCH), f(_BATCH)),
    lambda f: (f(_M), f(_BATCH), f(_BATCH)),
    lambda f: (f(_BATCH), f(_BATCH), f(_BATCH)),
    lambda f: (f(_IMAGE),),
    lambda f: (f(_IMAGE), f(_FILTER)),
    lambda f: (f(_IMAGE), 2),
    lambda f: (f(_V), 0.4),
    lambda f: (f(_V), 1),
    lambda f: (f(_M), 1),
    lambda f: (f(_M), 2),
    lambda f: (f(_V), (3, 1)),
    lambda f: (f(_V), (3,)),
    lambda f: (f(_M), (0, 1)),
    lambda f: (f(_M), 0, 1),
    lambda f: (f(_M), 0, 0, 2),
    lambda f: (f(_M), 0, (1, 3)),
    lambda f: (f(_M), 2, 0),
    lambda f: (f(_M), 1, (0, 1)),
    lambda f: (f(_V), 0.2, 0.7),
    lambda f: (f(_M), 2, 0, 1.0),
    lambda f: (f(_V), 0, 2, 1),
    lambda f: ([f(_V), f(_W)],),
    lambda f: ([f(_M), f(_M)],),
    lambda f: (f(_V), _MASK),
    lambda f: (f(_V), _MASK, 0.5),
    lambda f: (f(_V), _MASK, f(_W)),
    lambda f: (_MASK, f(_V), f(_W)),
    lambda f: (f(_V), _index([2, 0])),
    lambda f: (f(_V), _index([2, 0, 1])),
    lambda f: (f(_M), _index([2, 0, 1])),
    lambda f: (_index([2, 0, 1]), f(_M)),
    lambda f: (f(_V), 0, _index([2, 0, 1])),
    lambda f: (f(_M), 0, _index([2, 0])),
    lambda f: (f(_V), 0, _index([2, 0, 1]), f(_W)),
    lambda f: (f(_V), 0, _index([2, 0, 1]), 0.5),
    lambda f: (f(_V), 0, _index([2, 0, 1]), f(_W), "sum"),
    lambda f: (f(_V), (_index([2, 0, 1]),), f(_W)),
    lambda f: (f(_V), _index([2, 0, 1]), f(_W)),
    lambda f: (f(_M), f(_V), 0),
    lambda f: (f(_M), f(_V), 0, 1),
    lambda f: (f(_V), f(_W), _index([1, -1, 1])),
    lambda f: (f(_M), f(_M), _index([1, -1, 1])),
    lambda f: (f(_V), f(_W), 0.5),
    lambda f: ("i,i->i", f(_V), f(_W)),
    lambda f: (f(_V), f(_W), 1),
    lambda f: (f(_M), 2, 0, 1),
    lambda f: (f(_M), [1, 2]),
    lambda f: (1, f(_V)),
    lambda f: (f(_V) * 1j,),
    lambda f: (f([_V[:2], _W[:2]]),),
    lambda f: (f(_IMAGE).reshape(1, 8, 2, 2), 2),
    lambda f: (f(_IMAGE), 2.0, 2),
    lambda f: (f(_IMAGE[0]), 2.0, 2),
    lambda f: (f([_IMAGE]), 2.0, 2),
    lambda f: (f(_IMAGE[0]), f(_FILTER[0])),
    lambda f: (f(_IMAGE[0]), f(_BATCH)[:, :2]),
    lambda f: (f(_IMAGE), f(_FILTER).reshape(2, 1, 2, 2)),
    lambda f: (f([_IMAGE]), f([_FILTER]).reshape(1, 1, 2, 2, 2)),
    lambda f: (f(_M), f(_M), False),
    lambda f: (f(_M), _index([2, 0, 1])[None], 0),
    lambda f: (f(_M), f(_M), _index([0, 0, 2, 1])),
    lambda f: (_index([1, 2, 0]),),
    lambda f: (_index([1, 2, 0]), _index([2, 1, 1])),
    lambda f: (_index([1, 2, 0]), 1),
)


def _network(gates: int, states: int = 1, step: bool = False) -> Callable[[Callable[..., Any], Leaf], Any]:
    """A recurrent network of three inputs and two units: a whole one, or a step of it."""

    def call(function: Callable[..., Any], f: Leaf) -> Any:
        weights = f([_V] * (2 * gates)), f([_V[:2]] * (2 * gates))
        batch = [_V[:2]] * 3 if step else [[_V[:2]] * 3]
        hx = [f(batch) for _ in range(states)]
        given = f(_M if step else _BATCH), hx[0] if states == 1 else hx
        return function(*given, *weights) if step else function(*given, weights, False, 1, 0.0, False, False)

    return call


SAMPLES: dict[str, Callable[[Callable[..., Any], Leaf], Any]] = {  # whose arguments are like no other's
    "fft.fftfreq": lambda f, t: f(4),
    "fft.rfftfreq": lambda f, t: f(4),
    "affine_grid": lambda call, f: call(f([_M[:2]]), (1, 1, 2, 2)),
    "as_strided_scatter": lambda call, f: call(f(_M), f(_V), (3,), (2,)),
    "conv_transpose1d": lambda call, f: call(f(_IMAGE).reshape(2, 2, 8), f(_FILTER[0])),
    "ctc_loss": lambda call, f: call(f([_M] * 3).log_softmax(-1), _index([[1], [2], [1]]), (3, 3, 3), (1, 1, 1)),
    "batch_norm": lambda call, f: call(f(_M), f(_V), f(_W), None, None, True),
    "conv_tbc": lambda call, f: call(f(_BATCH), f(_BATCH), f(_V), 1),
    "convolution": lambda call, f: call(f(_IMAGE), f(_FILTER), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1),
    "embedding_renorm_": lambda call, f: call(f(_M), _index([2, 0, 1]), 1.0, 2.0),
    "embedding_bag": lambda call, f: call(f(_M), _index([2, 0, 1]), _index([0, 2])),
    **{f"fractional_max_pool2d{end}": lambda call, f: call(f(_IMAGE), 2, 2) for end in ("", "_with_indices")},
    **{
        f"fractional_max_pool3d{end}": lambda call, f: call(f(_IMAGE * 4).reshape(1, 2, 4, 4, 4), 2, 2)
        for end in ("", "_with_indices")
    },
    **{f"linalg.ldl_factor{end}": lambda call, f: call(_plain(_M)) for end in ("", "_ex")},
    "linalg.ldl_solve": lambda call, f: call(_plain(_M), wrap(np.array([1, 2, 3], np.int32)), _plain(_M)),
    "lu_solve": lambda call, f: call(f(_M), f(_M), wrap(np.array([1, 2, 3], np.int32))),
    "geqrf": lambda call, f: call(_plain(_M)),
    **{f"grid_sampler{end}": lambda call, f: call(f([[_M]]), f([[[[0.1, -0.3]]]]), 0, 0, False) for end in ("", "_2d")},
    "grid_sampler_3d": lambda call, f: call(f([[[_M] * 2]]), f([[[[[0.1, -0.3, 0.2]]]]]), 0, 0, False),
    "native_batch_norm": lambda call, f: call(f(_M), f(_V), f(_W), None, None, True, 0.1, 1e-5),
    "native_group_norm": lambda call, f: call(f([_M]), f(_V), f(_W), 1, 3, 3, 1, 1e-5),
    "linear_cross_entropy": lambda call, f: call(f(_M), f(_M), _index([2, 0, 1])),
    "max_pool2d_with_indices_backward": lambda call, f: call(
        f([[_V[:1]]]), f([_M]), 2, 3, 0, 1, False, _index([[[4]]])
    ),
    "native_channel_shuffle": lambda call, f: call(f(_IMAGE).reshape(1, 2, -1), 2),
    "native_layer_norm": lambda call, f: call(f(_M), [3], f(_V), f(_W), 1e-5),
    "segment_reduce": lambda call, f: call(f(_V), "sum", lengths=_index([2, 1])),
    "gru": _network(3), "gru_cell": _network(3, step=True),
    "lstm": _network(4, 2), "lstm_cell": _network(4, 2, step=True),
    **{f"rnn_{bend}": _network(1) for bend in ("tanh", "relu")},
    **{f"rnn_{bend}_cell": _network(1, step=True) for bend in ("tanh", "relu")},
    "index_reduce": lambda call, f: call(f(_V), 0, _index([2, 0, 1]), f(_W), "prod"),
    "istft": lambda call, f: call(f(_M) * (1 + 1j), 4),
    "linalg.lu_solve": lambda call, f: call(f(_M), wrap(np.array([1, 2, 3], np.int32)), f(_M)),
    "linalg.solve_triangular": lambda call, f: call(f(_M), f(_M), upper=True),
    "max_unpool1d": lambda call, f: call(f([[_V]]), _index([[[0, 2, 5]]]), 2),
    "max_unpool2d": lambda call, f: call(f([[_M]]), _index(np.arange(0, 18, 2).reshape(1, 1, 3, 3)), 2),
    "max_unpool3d": lambda call, f: call(f([[[_M] * 3]]), _index(np.arange(27).reshape(1, 1, 3, 3, 3)), 2),
    "multi_head_attention_forward": lambda call, f: call(
        f(_BATCH), f(_BATCH), f(_BATCH), 3, 1, f(_M * 3), f(_V * 3), None, None, False, 0.0, f(_M), f(_V)
    ),
    "nonzero_static": lambda call, f: call(_index([0, 2]), size=3),
    "ormqr": lambda call, f: call(f(_M), f(_V), f(_M)),
    "nn.functional.fold": lambda call, f: call(f([_M]), (1, 3), 1),
    "stft": lambda call, f: call(f(_V * 3), 4, return_complex=True),
    "unravel_index": lambda call, f: call(_index([2, 0, 1]), (2, 2)),
}  # fmt: skip
