"""The contestants: the steps of one library, in a process of its own that does what it is asked."""

from __future__ import annotations

import gc
import importlib
import inspect
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.kernels.backend import has_numba

from .. import Optimizer
from ..step.declare.formula import formula
from .work import WITH_LOOP, shapes_for, values

OURS = {"plain": "plain", "textbook": "textbook", "serial": "numba 1", "parallel": "numba {}"}
THEIRS = {
    "torch": {"foreach": False, "fused": False},
    "foreach": {"foreach": True, "fused": False},
    "fused": {"foreach": False, "fused": True},
}


class Stream(Optimizer):
    """As many streams as an optimizer with so many states, and nothing to compute: what "of stream" compares with."""

    a: bool = False
    b: bool = False
    c: bool = False
    d: bool = False

    state = ("s0", "s1", "s2", "s3")

    @formula
    def update(p: Any, g: Any, s0: Any, s1: Any, s2: Any, s3: Any, a: bool, b: bool, c: bool, d: bool) -> Any:
        if a:
            s0 = s0 + g
        if b:
            s1 = s1 + g
        if c:
            s2 = s2 + g
        if d:
            s3 = s3 + g
        return p + g, s0, s1, s2, s3


class Contestants:
    """Steps by name, of one library.

    Parameters
    ----------
    threads : int
    """

    products: Callable[[Any, Any, Any], Any]

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.steps: dict[str, Callable[[], Any]] = {}
        self.squares = [[self.array(np.ones((n, n), np.float32)) for _ in range(3)] for n in (64, 96, 128)]

    def array(self, value: Any) -> Any:
        return value

    def prepare(self, peer: str) -> None:
        """Switch to a contestant."""

    def run(self, peer: str, count: int, between: bool = False) -> float:
        """Return the seconds of one of so many steps, each after a few matrix products if `between`."""
        self.prepare(peer)
        step = self.steps[peer]
        if count > 1:
            step()  # its data into the cache; what a switch prepares anew
        total, clock = 0.0, time.perf_counter
        if not between:
            start = clock()
            for _ in range(count):
                step()
            return (clock() - start) / count
        for _ in range(count):
            for a, b, out in self.squares:
                self.products(a, b, out)
            start = clock()
            step()
            total += clock() - start
        return total / count

    def drop(self) -> None:
        """Free all arrays."""
        self.steps.clear()
        gc.collect()


class Ours(Contestants):
    """Steps of this library, and of textbook NumPy."""

    products = staticmethod(np.dot)

    def build(self, name: str, shape: str) -> dict[str, Any]:
        """Prepare an optimizer; return who can run, how many bytes a step moves, and those of the stream."""
        cls, arguments, loop, states = WITH_LOOP.get(name, (name, {}, None, ()))
        shapes = shapes_for(name, shape)
        params = [tg.from_numpy(a).requires_grad_() for a in values(shapes, 0, 0.05)]
        for p, g in zip(params, values(shapes, 1, 1e-3)):
            p.grad = tg.from_numpy(g)
        optimizer = getattr(optim, cls)(params, **arguments)
        optimizer.step()
        size = sum(4 * p.numel() for p in params)
        kept = [a for s in optimizer.state.values() for a in s.values() if isinstance(a, np.ndarray)]
        moved = 3 * size + 2 * sum(a.nbytes for a in kept)
        self.steps = {"plain": optimizer.step}
        if loop is not None:
            self.steps["textbook"] = self.textbook(params, loop, states)
        streamed = 0
        if has_numba():
            full = min(4, round(sum(a.nbytes for a in kept) / size))
            streamed = (3 + 2 * full) * size
            stream = self.stream(size // 4, full)
            for peer in ("serial", "parallel"):
                self.steps |= {peer: optimizer.step, f"stream {peer}": stream}
        return {"peers": list(self.steps), "bytes": moved, "stream bytes": streamed}

    def textbook(self, params: list[Any], loop: Callable[..., None], states: Sequence[str]) -> Callable[[], None]:
        arrays, grads = [p.detach().numpy() for p in params], [p.grad.numpy() for p in params]
        kept, count = {name: [np.zeros_like(a) for a in arrays] for name in states}, itertools.count(1)
        return lambda: loop(arrays, grads, kept, next(count))

    def stream(self, n: int, full: int) -> Callable[[], Any]:
        flat = tg.zeros(n, requires_grad=True)
        flat.grad = tg.full((n,), 1e-6)
        return Stream([flat], a=full > 0, b=full > 1, c=full > 2, d=full > 3).step

    def prepare(self, peer: str) -> None:
        numba = peer.endswith(("serial", "parallel"))
        kernels.use("numba" if numba else "numpy")
        kernels.set_num_threads(self.threads if peer.endswith("parallel") else 1)


class Theirs(Contestants):
    """Steps of PyTorch's variants."""

    def __init__(self, threads: int) -> None:
        self.torch = importlib.import_module("torch")
        self.torch.set_num_threads(threads)
        super().__init__(threads)

    def array(self, value: Any) -> Any:
        return self.torch.from_numpy(value)

    def products(self, a: Any, b: Any, out: Any) -> None:
        self.torch.mm(a, b, out=out)

    def build(self, name: str, shape: str) -> dict[str, Any]:
        """Prepare an optimizer in all variants that there are; they share parameters and gradients."""
        named, arguments, *_ = WITH_LOOP.get(name, (name, {}))
        cls, shapes = getattr(self.torch.optim, named, None), shapes_for(name, shape)
        if cls is None:
            return {"peers": []}
        params = [self.array(a).requires_grad_() for a in values(shapes, 0, 0.05)]
        for p, g in zip(params, values(shapes, 1, 1e-3)):
            p.grad = self.array(g)
        accepted = inspect.signature(cls).parameters
        for peer, chosen in THEIRS.items():
            if any(on and switch not in accepted for switch, on in chosen.items()):
                continue
            try:
                optimizer = cls(params, **arguments, **{k: v for k, v in chosen.items() if k in accepted})
                optimizer.step()
            except (RuntimeError, ValueError):  # fused, but not on this device
                continue
            self.steps[peer] = optimizer.step
        return {"peers": list(self.steps)}


def worker(contestants: Contestants) -> None:
    """Do what is asked for on standard input, a method's name and its arguments; answer with what it returns."""
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(contestants, method)(*arguments)), flush=True)


if __name__ == "__main__":
    worker((Ours if sys.argv[1] == "ours" else Theirs)(int(sys.argv[2])))
