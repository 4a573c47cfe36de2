"""What is measured: the shapes of real models, the optimizers, and how a textbook writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinygrad_lite import optim

from .. import Optimizer

Shape = tuple[int, ...]
Arrays = list[Any]

# --- shapes, from the architectures -----------------------------------------------------------------------------------


def linear(inputs: int, outputs: int) -> list[Shape]:
    return [(outputs, inputs), (outputs,)]


def mlp() -> list[Shape]:
    """784-100-100-100-100-10."""
    sizes = (784, 100, 100, 100, 100, 10)
    return [shape for pair in zip(sizes, sizes[1:]) for shape in linear(*pair)]


def resnet18() -> list[Shape]:
    """He et al. 2016, table 1: four stages of two blocks of two 3x3 convolutions, each with a batch norm."""

    def convolution(inputs: int, outputs: int, size: int) -> list[Shape]:
        return [(outputs, inputs, size, size), (outputs,), (outputs,)]

    found, inputs = convolution(3, 64, 7), 64
    for outputs in (64, 128, 256, 512):
        for first in (True, False):
            found += convolution(inputs if first else outputs, outputs, 3) + convolution(outputs, outputs, 3)
            if first and inputs != outputs:
                found += convolution(inputs, outputs, 1)
        inputs = outputs
    return found + linear(512, 1000)


def gpt2() -> list[Shape]:
    """Radford et al. 2019, the smallest: 12 blocks of width 768; the output shares the embedding's weights."""
    width, vocabulary, positions = 768, 50257, 1024
    norm: list[Shape] = [(width,), (width,)]
    block = [
        *norm, *linear(width, 3 * width), *linear(width, width),
        *norm, *linear(width, 4 * width), *linear(4 * width, width),
    ]  # fmt: skip
    return [(vocabulary, width), (positions, width), *block * 12, *norm]


def small() -> list[Shape]:
    """1,000 tensors of 100."""
    return [(100,)] * 1000


SHAPES: dict[str, Callable[[], list[Shape]]] = {"mlp": mlp, "resnet18": resnet18, "gpt2": gpt2, "small": small}

# --- the optimizers ---------------------------------------------------------------------------------------------------


def sgd_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, lr: float = 1e-3) -> None:
    for i in range(len(params)):
        params[i] -= lr * grads[i]


def momentum_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, lr: float = 1e-3) -> None:
    for i in range(len(params)):
        s["v"][i] = 0.9 * s["v"][i] - lr * grads[i]
        params[i] += s["v"][i]


def adam_loop(
    params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, lr: float = 1e-3, decay: float = 0.0
) -> None:
    for i in range(len(params)):
        if decay:
            params[i] *= 1 - lr * decay
        s["m"][i] = 0.9 * s["m"][i] + (1 - 0.9) * grads[i]
        s["v"][i] = 0.999 * s["v"][i] + (1 - 0.999) * grads[i] ** 2
        m_hat, v_hat = s["m"][i] / (1 - 0.9**t), s["v"][i] / (1 - 0.999**t)
        params[i] -= lr * m_hat / (np.sqrt(v_hat) + 1e-8)


def adamw_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int) -> None:
    adam_loop(params, grads, s, t, decay=1e-2)


def adagrad_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, lr: float = 1e-2) -> None:
    for i in range(len(params)):
        s["h"][i] += grads[i] ** 2
        params[i] -= lr * grads[i] / (np.sqrt(s["h"][i]) + 1e-10)


def rmsprop_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, lr: float = 1e-2) -> None:
    for i in range(len(params)):
        s["h"][i] = 0.99 * s["h"][i] + (1 - 0.99) * grads[i] ** 2
        params[i] -= lr * grads[i] / (np.sqrt(s["h"][i]) + 1e-8)


def adadelta_loop(params: Arrays, grads: Arrays, s: dict[str, Arrays], t: int, eps: float = 1e-6) -> None:
    for i in range(len(params)):
        s["s"][i] = 0.9 * s["s"][i] + (1 - 0.9) * grads[i] ** 2
        x = np.sqrt(s["d"][i] + eps) / np.sqrt(s["s"][i] + eps) * grads[i]
        s["d"][i] = 0.9 * s["d"][i] + (1 - 0.9) * x**2
        params[i] -= x


# A name here -> the class, its arguments, and a textbook's loop with the names of its states.
WITH_LOOP: dict[str, tuple[str, dict[str, Any], Callable[..., None], tuple[str, ...]]] = {
    "SGD": ("SGD", {}, sgd_loop, ()),
    "momentum": ("SGD", {"momentum": 0.9}, momentum_loop, ("v",)),
    "Adam": ("Adam", {}, adam_loop, ("m", "v")),
    "AdamW": ("AdamW", {}, adamw_loop, ("m", "v")),
    "Adagrad": ("Adagrad", {}, adagrad_loop, ("h",)),
    "RMSprop": ("RMSprop", {}, rmsprop_loop, ("h",)),
    "Adadelta": ("Adadelta", {}, adadelta_loop, ("s", "d")),
}
# the base; what steps by closures or wraps another
NOT_A_STEP = {"Optimizer", "LBFGS", "Lookahead", "SAM", "ZeroRedundancyOptimizer"}


def known() -> list[str]:
    """The names of all optimizers that can be measured: those with a textbook's loop, then the library's others."""
    public = {name: getattr(optim, name) for name in optim.__all__ if name not in NOT_A_STEP}
    others = [name for name, c in public.items() if isinstance(c, type) and issubclass(c, Optimizer)]
    return list(dict.fromkeys([*WITH_LOOP, *others]))


def shapes_for(name: str, shape: str) -> list[Shape]:
    """The shapes of an architecture that an optimizer takes: Muon steps matrices only."""
    return [s for s in SHAPES[shape]() if name != "Muon" or len(s) == 2]


def values(shapes: Iterable[Shape], seed: int, scale: float) -> Arrays:
    rng = np.random.default_rng(seed)
    return [np.float32(scale) * rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
