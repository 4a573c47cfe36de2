"""The speed of operations, forward and backward, beside PyTorch's."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import turns

Prepare = Callable[[], Callable[[], Any]]

POINTWISE: dict[str, Callable[..., Any]] = {
    "add": lambda T, F, x, y: x + y, "mul": lambda T, F, x, y: x * y, "div": lambda T, F, x, y: x / y,
    "exp": lambda T, F, x, y: x.exp(), "log": lambda T, F, x, y: x.log(), "sqrt": lambda T, F, x, y: x.sqrt(),
    "tanh": lambda T, F, x, y: x.tanh(), "sigmoid": lambda T, F, x, y: x.sigmoid(), "relu": lambda T, F, x, y: x.relu(),
    "gelu": lambda T, F, x, y: F.gelu(x), "maximum": lambda T, F, x, y: T.maximum(x, y),
    "where": lambda T, F, x, y: T.where(x > y, x, y), "x ** 3": lambda T, F, x, y: x**3,
    "sum": lambda T, F, x, y: x.sum(), "mean": lambda T, F, x, y: x.mean(), "max": lambda T, F, x, y: x.max(),
    "var": lambda T, F, x, y: x.var(),
}  # fmt: skip


def sized(T: Any, np: Any, *shapes: tuple[int, ...]) -> list[Any]:
    """Positive numbers that require grad."""
    rng = np.random.default_rng(0)
    return [T.tensor(rng.uniform(0.5, 1.5, shape).astype("f"), requires_grad=True) for shape in shapes]


def both_ways(function: Callable[..., Any], inputs: list[Any]) -> Callable[[], Any]:
    """Forward, and backward from ones."""
    leaves = [x for x in inputs if getattr(x, "requires_grad", False)]
    ones: list[Any] = []

    def run() -> None:
        for x in leaves:
            x.grad = None
        out = function(*inputs)
        if not ones:
            ones.append(out.detach() * 0 + 1)
        out.backward(ones[0])

    return run


def cases(library: str) -> dict[str, Prepare]:
    """What prepares each case."""
    T, np = importlib.import_module(library), importlib.import_module("numpy")
    F = T.nn.functional
    found: dict[str, Prepare] = {}

    def case(name: str, function: Any, *shapes: tuple[int, ...], also: Callable[[], list[Any]] = list) -> None:
        found[name] = lambda: both_ways(function, [*sized(T, np, *shapes), *also()])

    for size in (10, 10_000, 1_000_000):
        for name, function in POINTWISE.items():
            case(f"{name}, {size:,} elements", lambda x, y, f=function: f(T, F, x, y), (size,), (size,))
    case("softmax 128 x 1000", lambda x: x.softmax(1), (128, 1000))
    case("log_softmax 128 x 10", lambda x: x.log_softmax(1), (128, 10))
    labels = lambda n, k: lambda: [T.tensor(np.random.default_rng(1).integers(0, k, n))]  # noqa: E731
    case("cross_entropy 128 x 10", F.cross_entropy, (128, 10), also=labels(128, 10))
    case("cross_entropy 1024 x 1000", F.cross_entropy, (1024, 1000), also=labels(1024, 1000))
    case("gelu 16 x 64 x 512", F.gelu, (16, 64, 512))
    case("layer_norm 16 x 64 x 128", lambda x, w, b: F.layer_norm(x, (128,), w, b), (16, 64, 128), (128,), (128,))
    case("layer_norm 1024 x 768", lambda x, w, b: F.layer_norm(x, (768,), w, b), (1024, 768), (768,), (768,))
    for n in (10, 128, 1024):
        case(f"matmul {n} x {n}", lambda x, y: x @ y, (n, n), (n, n))
    strided = {"stride": 2, "padding": 1}
    for name, x, w, options in [
        ("LeNet 1, 64 x 1 x 28 x 28, 6 of 5 x 5", (64, 1, 28, 28), (6, 1, 5, 5), {"padding": 2}),
        ("LeNet 2, 64 x 6 x 14 x 14, 16 of 5 x 5", (64, 6, 14, 14), (16, 6, 5, 5), {}),
        ("ResNet, 8 x 64 x 56 x 56, 64 of 3 x 3", (8, 64, 56, 56), (64, 64, 3, 3), {"padding": 1}),
        ("ResNet, 8 x 128 x 28 x 28, 128 of 3 x 3", (8, 128, 28, 28), (128, 128, 3, 3), {"padding": 1}),
        ("ResNet, 8 x 128 x 56 x 56, 256 of 3 x 3 / 2", (8, 128, 56, 56), (256, 128, 3, 3), strided),
        ("ResNet, 8 x 512 x 7 x 7, 512 of 3 x 3", (8, 512, 7, 7), (512, 512, 3, 3), {"padding": 1}),
        ("ResNet, 8 x 3 x 224 x 224, 64 of 7 x 7 / 2", (8, 3, 224, 224), (64, 3, 7, 7), {"padding": 3, "stride": 2}),
        ("ResNet, 8 x 64 x 56 x 56, 128 of 1 x 1 / 2", (8, 64, 56, 56), (128, 64, 1, 1), {"stride": 2}),
    ]:
        case(f"conv2d {name}", lambda x, w, b, o=options: F.conv2d(x, w, b, **o), x, w, (w[0],))
    for n, channels, size, kernel, stride in [
        (16, 32, 32, 3, 1), (16, 64, 32, 3, 2), (16, 128, 16, 3, 1), (16, 256, 8, 3, 1), (16, 144, 8, 5, 2),
        (16, 672, 2, 5, 1), (16, 1152, 1, 3, 1), (4, 32, 112, 3, 1), (4, 96, 112, 3, 2), (4, 144, 56, 5, 2),
        (4, 240, 28, 5, 1), (4, 480, 14, 3, 1), (4, 672, 14, 5, 1), (4, 1152, 7, 5, 1),
    ]:  # fmt: skip
        options = {"padding": kernel // 2, "stride": stride, "groups": channels}
        name = f"depthwise {n} x {channels} x {size} x {size}, {kernel} x {kernel} / {stride}"
        x, w = (n, channels, size, size), (channels, 1, kernel, kernel)
        case(name, lambda x, w, o=options: F.conv2d(x, w, **o), x, w)
    case("grouped 4 x 128 x 56 x 56, 32 groups, 3 x 3", lambda x, w: F.conv2d(x, w, padding=1, groups=32),
         (4, 128, 56, 56), (128, 4, 3, 3))  # fmt: skip
    case("max_pool2d 2 x 2 of 64 x 6 x 28 x 28", lambda x: F.max_pool2d(x, 2), (64, 6, 28, 28))
    case("max_pool2d 3 x 3 / 2 of 8 x 64 x 112 x 112", lambda x: F.max_pool2d(x, 3, 2, 1), (8, 64, 112, 112))
    case("embedding 4096 of 20000 x 64", lambda w, i: F.embedding(i, w), (20000, 64), also=labels(4096, 20000))
    heads = (16, 4, 64, 32)
    case("attention 16 x 4 x 64 x 32, causal",
         lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), heads, heads, heads)  # fmt: skip
    return found


def main(
    rounds: int = 7, seconds: float = 0.05, threads: tuple[int, ...] = (1, 2), only: str = "", out: str | None = None
) -> dict[str, Any]:
    """Measure and print; returns the times in seconds."""
    results = {f"{n} threads": turns.compare(__file__, cases, n, rounds, seconds, only) for n in threads}
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    turns.run(main, cases, turns.parser(__doc__, rounds=7, seconds=0.05))
