"""Run a program with random numbers that are NumPy's, whichever library `torch` is, and write its losses to a file.

    python same_draws.py FILE STEPS DTYPE SCRIPT [ARGUMENT ...]

`compare` runs it in PyTorch, and by ``python -m tinygrad_lite run`` in this library. What a program draws by functions
and methods comes from one generator of NumPy's; parameters that were drawn get numbers of their place among all, when
their module is called or an optimizer takes them; dropout is made of the same numbers, but for what is drawn within
attention and recurrent layers, where it is switched off. A program ends with its last step.
"""

from __future__ import annotations

import functools
import importlib
import json
import random
import runpy
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7


class Enough(BaseException):
    """Ends a program whose steps are counted."""


class Draws:
    """What a library draws, from a generator of NumPy's."""

    def __init__(self, torch: Any) -> None:
        self.torch, self.generator = torch, np.random.RandomState(SEED)
        self.filled: dict[int, Any] = {}

    def tensor(self, array: Any, options: dict[str, Any], dtype: Any = None) -> Any:
        """An array as a tensor, with what a factory is given besides sizes."""
        dtype = options.get("dtype") or dtype or self.torch.get_default_dtype()
        made = self.torch.tensor(np.ascontiguousarray(array)).to(dtype)
        return made.requires_grad_() if options.get("requires_grad") else made

    def written(self, tensor: Any, array: Any) -> Any:
        """The tensor, with an array's numbers in it."""
        with self.torch.no_grad():
            return tensor.copy_(self.torch.tensor(np.asarray(array)).to(tensor.dtype))

    # --- functions ------------------------------------------------------------------------------------------------

    def rand(self, *size: Any, **options: Any) -> Any:
        """Uniform numbers."""
        return self.tensor(self.generator.rand(*_sizes(size, options)), options)

    def randn(self, *size: Any, **options: Any) -> Any:
        """Normal numbers."""
        return self.tensor(self.generator.randn(*_sizes(size, options)), options)

    def rand_like(self, input: Any, **options: Any) -> Any:
        """Uniform numbers."""
        return self.tensor(self.generator.rand(*input.shape), options, input.dtype)

    def randn_like(self, input: Any, **options: Any) -> Any:
        """Normal numbers."""
        return self.tensor(self.generator.randn(*input.shape), options, input.dtype)

    def randint(self, low: Any, high: Any = None, size: Any = None, **options: Any) -> Any:
        """Integers below a bound."""
        if size is None:
            low, high, size = 0, low, high
        if high is None:
            low, high = 0, low
        drawn = self.generator.randint(int(low), int(high), tuple(map(int, size)))
        return self.tensor(drawn, options, self.torch.int64)

    def randperm(self, n: Any, **options: Any) -> Any:
        """A permutation."""
        return self.tensor(self.generator.permutation(int(n)), options, self.torch.int64)

    def normal(self, mean: Any = 0.0, std: Any = 1.0, size: Any = None, **options: Any) -> Any:
        """Normal numbers about a mean."""
        shape = tuple(size) if size is not None else np.broadcast_shapes(np.shape(mean), np.shape(std))
        tensors = [v for v in (mean, std) if self.torch.is_tensor(v)]
        drawn = self.tensor(self.generator.randn(*shape), options, tensors[0].dtype if tensors else None)
        return mean + std * drawn

    def bernoulli(self, input: Any, *args: Any, **options: Any) -> Any:
        """Ones by their probabilities."""
        return self.tensor(self.generator.rand(*input.shape) < input.detach().numpy(), {}, input.dtype)

    def multinomial(self, input: Any, num_samples: int, replacement: bool = False, **options: Any) -> Any:
        """Places by their weights."""
        weights = np.atleast_2d(input.detach().numpy().astype(np.float64))
        rows = [self.generator.choice(len(row), num_samples, replacement, row / row.sum()) for row in weights]
        return self.torch.tensor(np.array(rows[0] if input.ndim == 1 else rows))

    def dropout(
        self, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, kept: Any = None
    ) -> Any:
        """The input times a mask, whose shape is that of what is kept or dropped as a whole."""
        if not training or not p:
            return input
        shape = tuple(input.shape) if kept is None else kept(input)
        mask = self.tensor((self.generator.rand(*shape) >= p) / max(1 - p, 1e-9), {}, input.dtype)
        return input.mul_(mask) if inplace and not input.requires_grad else input * mask

    def orthogonal_(self, tensor: Any, gain: float = 1.0, **options: Any) -> Any:
        """A random rotation, or a part of one."""
        rows = tensor.shape[0]
        drawn = self.generator.randn(rows, tensor.numel() // rows)
        wide = drawn.shape[0] < drawn.shape[1]
        rotation = np.linalg.qr(drawn.T if wide else drawn)[0]
        return self.written(tensor, gain * (rotation.T if wide else rotation).reshape(tensor.shape))

    # --- in their places ------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Put all of them where the library has its own."""
        torch, kind, draw = self.torch, self.torch.Tensor, self.generator
        nn: Any = importlib.import_module("torch.nn")
        functional: Any = importlib.import_module("torch.nn.functional")
        names = "rand randn rand_like randn_like randint randperm normal bernoulli multinomial dropout".split()
        for name in names:
            setattr(torch, name, getattr(self, name))
        write = self.written
        kind.normal_ = lambda t, mean=0, std=1, **_: write(t, draw.randn(*t.shape) * std + mean)
        kind.uniform_ = lambda t, low=0, high=1, **_: write(t, draw.rand(*t.shape) * (high - low) + low)
        kind.exponential_ = lambda t, lambd=1, **_: write(t, draw.exponential(1 / lambd, t.shape))
        kind.bernoulli_ = lambda t, p=0.5, **_: write(t, draw.rand(*t.shape) < np.asarray(p))
        kind.bernoulli, kind.multinomial = (lambda t, *_, **__: self.bernoulli(t)), self.multinomial
        by_channel = functools.partial(self.dropout, kept=lambda x: (*x.shape[:2], *([1] * (x.ndim - 2))))
        init: Any = importlib.import_module("torch.nn.init")  # of what no parameter is, for those are filled
        init.normal_ = lambda t, mean=0.0, std=1.0, *_, **__: t.normal_(mean, std)
        init.uniform_ = lambda t, a=0.0, b=1.0, *_, **__: t.uniform_(a, b)
        init.orthogonal_ = self.orthogonal_
        channels = functools.update_wrapper(by_channel, self.dropout)  # functions of PyTorch's are asked their names
        for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"):
            one = self.dropout if name == "Dropout" else channels
            setattr(functional, name.lower(), one)
            getattr(nn, name).forward = lambda m, x, one=one: one(x, m.p, m.training, m.inplace)
        for name in ("AlphaDropout", "FeatureAlphaDropout"):
            getattr(nn, name).forward = lambda m, x: x
        attention = functional.scaled_dot_product_attention
        functional.scaled_dot_product_attention = lambda q, k, v, attn_mask=None, dropout_p=0.0, *args, **options: (
            attention(q, k, v, attn_mask, 0.0, *args, **options)
        )
        for name in ("MultiheadAttention", "RNN", "LSTM", "GRU"):
            self._without_dropout(getattr(nn, name))
        sampler = importlib.import_module("torch.utils.data").RandomSampler
        sampler.__iter__ = lambda s: iter(draw.permutation(len(s.data_source)).tolist())
        self._fill_on_use(nn.Module, importlib.import_module("torch.optim").Optimizer)

    @staticmethod
    def _without_dropout(layer: Any) -> None:
        init = layer.__init__

        def made(self: Any, *args: Any, **options: Any) -> None:
            init(self, *args, **options)
            self.dropout = 0.0

        layer.__init__ = made

    def _fill_on_use(self, module: Any, optimizer: Any) -> None:
        call, init, depth = module.__call__, optimizer.__init__, [0]

        def called(m: Any, *args: Any, **options: Any) -> Any:
            if depth[0] == 0:
                self.fill(list(m.parameters()))
            depth[0] += 1
            try:
                return call(m, *args, **options)
            finally:
                depth[0] -= 1

        def made(o: Any, params: Any, *args: Any, **options: Any) -> None:
            params = list(params.items()) if isinstance(params, dict) else list(params)
            each = [p["params"] if isinstance(p, dict) else p for p in params]
            self.fill([q for p in each for q in (p if isinstance(p, (list, tuple)) else [p])])
            init(o, params, *args, **options)

        module.__call__, optimizer.__init__ = called, made

    def fill(self, parameters: list[Any]) -> None:
        """Give parameters that were drawn, and not filled yet, numbers of their place among all."""
        new = [p for p in parameters if isinstance(p, self.torch.nn.Parameter) and id(p) not in self.filled]
        if new:
            self.generator.seed(SEED + len(self.filled))  # what was drawn for them may differ
        for p in new:
            self.filled[id(p)] = p
            if type(p).__name__.startswith("Uninitialized") or not p.is_floating_point() or p.numel() < 2:
                continue
            values = p.detach().to(self.torch.float64).numpy()
            if np.all(values == values.flat[0]):  # ones and zeros are what they are
                continue
            width = max(1, int(np.prod(values.shape[1:])) if values.ndim > 1 else values.size)
            drawn = np.random.RandomState(1000 + len(self.filled)).uniform(-1, 1, values.shape)
            self.written(p, drawn / np.sqrt(width))


def _sizes(size: tuple[Any, ...], options: dict[str, Any]) -> tuple[int, ...]:
    size = size or (options.get("size", ()),)
    if len(size) == 1 and not isinstance(size[0], int) and np.ndim(size[0]):
        size = tuple(size[0])
    return tuple(int(n) for n in size if not isinstance(n, tuple))


def watch_losses(torch: Any, losses: list[float], steps: int) -> None:
    """Note what backward passes begin with, and end the program after some of them."""
    within: list[Any] = []  # a tensor's method calls the function

    def watched(backward: Callable[..., Any]) -> Callable[..., Any]:
        def noting(tensors: Any, *args: Any, **options: Any) -> Any:
            if within:
                return backward(tensors, *args, **options)
            for t in tensors if isinstance(tensors, (tuple, list)) else [tensors]:
                losses.append(float(t.detach().to(torch.float64).sum()))
            if len(losses) >= steps:
                raise Enough
            within.append(tensors)
            try:
                return backward(tensors, *args, **options)
            finally:
                within.pop()

        return noting

    torch.Tensor.backward = watched(torch.Tensor.backward)
    autograd: Any = importlib.import_module("torch.autograd")
    autograd.backward = watched(autograd.backward)


def main(arguments: list[str]) -> None:
    """Run the program; see the top of this file."""
    file, steps, dtype, script, *rest = arguments
    torch: Any = importlib.import_module("torch")
    losses: list[float] = []
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002  from which programs draw
    torch.set_num_threads(1)
    torch.set_default_dtype(getattr(torch, dtype))
    Draws(torch).install()
    watch_losses(torch, losses, int(steps))
    sys.argv[:], sys.path[0] = [script, *rest], str(Path(script).resolve().parent)
    failed, began = "", time.process_time()
    try:
        runpy.run_path(script, run_name="__main__")
    except Enough:
        pass
    except SystemExit as end:
        failed = f"ended with {end.code}" if end.code else ""
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        failed = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
        traceback.print_exc()
    result = {"losses": losses, "failed": failed, "seconds": time.process_time() - began}
    Path(file).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
