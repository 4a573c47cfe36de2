"""`warm`: the kernels of operations compiled ahead, by calls that are large enough for their loops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np


def _function(name: str, tg: Any, x: Any) -> Any:
    """A function of `nn.functional` that takes a tensor alone."""
    return getattr(tg.nn.functional, name)(x)


def _images(tg: Any, x: Any, channels: int, out: int, size: int, groups: int = 1, **options: Any) -> Any:
    """A convolution of images that a matrix is cut into."""
    side = int((x.numel() // channels) ** 0.5)
    images = x.reshape(-1)[: channels * side * side].reshape(1, channels, side, side)
    weight = tg.ones(out, channels // groups, size, size, dtype=x.dtype, requires_grad=True)
    return tg.nn.functional.conv2d(images, weight, None, groups=groups, **options)


def _tiles(tg: Any, x: Any, images: int) -> Any:
    """A convolution of as many images as are worth Winograd's way."""
    weight = tg.ones(16, 16, 3, 3, dtype=x.dtype, requires_grad=True)
    return tg.nn.functional.conv2d(x.reshape(1, 16, 16, 16).expand(images, -1, -1, -1), weight, None, padding=1)


def _recurrent(tg: Any, x: Any, layer: str) -> Any:
    """A recurrent layer over 8 steps of 8 examples."""
    made = getattr(tg.nn, layer)(64, 16)
    return made.to(x.dtype)(x.reshape(8, 8, 64))[0]


def _heads(tg: Any, x: Any, causal: bool) -> Any:
    q = x.reshape(2, 2, 16, 64)
    return tg.nn.functional.scaled_dot_product_attention(q, q * 2, q * 3, is_causal=causal)


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {  # of the library and a matrix (64, 64) that requires grad
    **{name: partial(_function, name) for name in (
        "relu", "sigmoid", "gelu", "silu", "mish", "softplus", "elu", "leaky_relu", "hardswish", "logsigmoid",
    )},
    "gelu_tanh": lambda tg, x: tg.nn.functional.gelu(x, approximate="tanh"),
    "softmax": lambda tg, x: x.softmax(1),
    "log_softmax": lambda tg, x: x.log_softmax(1),
    "cross_entropy": lambda tg, x: tg.cross_entropy(x, tg.arange(64)),
    "sum": lambda tg, x: x.sum() + x.mean(1).sum(),
    "cumsum": lambda tg, x: x.cumsum(1),
    "index": lambda tg, x: x[tg.tensor([0, 2, 2])],
    "embedding": lambda tg, x: tg.nn.functional.embedding(tg.arange(64), x),
    "layer_norm": lambda tg, x: tg.layer_norm(x, (64,), x[0], x[1]),
    "batch_norm": lambda tg, x: tg.nn.functional.batch_norm(x.reshape(4, 4, 16, 16), None, None, training=True),
    "group_norm": lambda tg, x: tg.nn.functional.group_norm(x.reshape(4, 4, 16, 16), 2),
    "conv2d": lambda tg, x: _images(tg, x, 16, 16, 3, padding=1),
    "conv2d_many_tiles": lambda tg, x: _tiles(tg, x, 8),
    "conv2d_few_tiles": lambda tg, x: _tiles(tg, x, 3),
    "conv2d_few_channels": lambda tg, x: _images(tg, x, 1, 6, 5),
    "conv2d_strided": lambda tg, x: _images(tg, x, 16, 32, 3, padding=1, stride=2),
    "conv2d_pointwise": lambda tg, x: _images(tg, x, 16, 32, 1),
    "conv2d_depthwise": lambda tg, x: _images(tg, x, 16, 16, 3, groups=16, padding=1),
    "max_pool2d": lambda tg, x: tg.nn.functional.max_pool2d(x.reshape(4, 4, 16, 16), 2),
    "avg_pool2d": lambda tg, x: tg.nn.functional.avg_pool2d(x.reshape(4, 4, 16, 16), 2),
    "attention": lambda tg, x: _heads(tg, x, False) + _heads(tg, x, True),
    "lstm": lambda tg, x: _recurrent(tg, x, "LSTM"),
    "gru": lambda tg, x: _recurrent(tg, x, "GRU"),
    "rnn": lambda tg, x: _recurrent(tg, x, "RNN"),
}  # fmt: skip


def warm(operations: Iterable[str] | None = None, dtypes: Iterable[Any] = (np.float32,)) -> int:
    """Run programs of the table with every dtype; return how many.

    Raises
    ------
    ValueError
        For a name that the table does not have.
    """
    import tinygrad_lite as tg

    names = list(PROGRAMS) if operations is None else list(operations)
    if unknown := [name for name in names if name not in PROGRAMS]:
        raise ValueError(f"warm: unknown operations {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    from ..kernels.native.codegen.loop import compile_entries, compiled
    from ..kernels.native.openblas import jobs
    from ..kernels.native.worker_threads import GONE, dismiss, enlist, serve, slots

    crew = slots(1)
    crew[1, 0] = GONE
    compile_entries()
    compiled(enlist)(int(crew[1].ctypes.data))
    compiled(dismiss)(int(crew.ctypes.data), 1)
    compiled(serve)(crew, 1, 0)  # the first launch that is shared needs it
    jobs.code()  # and products then
    with tg.kernels.use("numba"):
        for dtype in dtypes:
            for name in names:
                x = tg.full((64, 64), 0.5, dtype=dtype, requires_grad=True)
                PROGRAMS[name](tg, x).sum().backward()
    return len(names)
