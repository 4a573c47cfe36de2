"""Random calls of the functions of images: ``CALLS[family](rng)`` gives ``(call, arrays)``.

``call(m, *tensors)`` is one call for both libraries, with hyperparameters that PyTorch takes; sizes are small, so that
windows lie in padding, behind the input and over all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Rng = np.random.Generator
Call = tuple[Callable[..., Any], list[Any]]


def several(rng: Rng, dims: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(rng.integers(low, high + 1, dims).tolist())


def floats(rng: Rng, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(rng.choice(["float32", "float64"]))


def _convolution(rng: Rng, transposed: bool) -> Call:
    dims, groups = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    into, out = groups * int(rng.choice([1, 2, 9, 17])), groups * int(rng.choice([1, 2, 5]))
    kernel, stride, dilation = several(rng, dims, 1, 3), several(rng, dims, 1, 3), several(rng, dims, 1, 3)
    padding = several(rng, dims, 0, 2 if transposed else 6)
    x = floats(rng, int(rng.integers(0, 3)), into, *several(rng, dims, 4 if transposed else 1, 7))
    w = floats(rng, *((into, out // groups) if transposed else (out, into // groups)), *kernel).astype(x.dtype)
    if transposed:
        extra = tuple(int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation))
        name, options = f"conv_transpose{dims}d", (stride, padding, extra, groups, dilation)
    else:
        large = tuple(max(p, d * (k - 1)) for p, d, k in zip(padding, dilation, kernel))
        name, options = f"conv{dims}d", (stride, large, dilation, groups)
    return lambda m, *ts: getattr(m, name)(*ts, *options), [x, w, floats(rng, out).astype(x.dtype)]


def _winograd(rng: Rng) -> Call:
    """Enough tiles and channels for it."""
    into, out = (int(rng.choice([16, 17, 33])) for _ in range(2))
    x = rng.standard_normal((4, into, *several(rng, 2, 14, 24))).astype("float32")
    w, padding = rng.standard_normal((out, into, 3, 3)).astype("float32") / into, several(rng, 2, 0, 2)
    return lambda m, *ts: m.conv2d(*ts, padding=padding), [x, w, floats(rng, out).astype("float32")]


def _windows(rng: Rng, dims: int) -> tuple[Any, Any, Any]:
    kernel = several(rng, dims, 1, 4)
    return kernel, several(rng, dims, 1, 3), tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)


def _max_pool(rng: Rng) -> Call:
    dims = int(rng.integers(1, 4))
    (kernel, stride, padding), dilation = _windows(rng, dims), several(rng, dims, 1, 4)
    sizes = [n + max(d * (k - 1) + 1 - 2 * p, 1) - 1
             for n, k, p, d in zip(several(rng, dims, 1, 5), kernel, padding, dilation)]  # fmt: skip
    x = np.rint(2 * floats(rng, int(rng.integers(0, 3)), 2, *sizes))  # ties
    ceil = bool(rng.integers(2))
    return lambda m, x: getattr(m, f"max_pool{dims}d")(x, kernel, stride, padding, dilation, ceil, True), [x]


def _avg_pool(rng: Rng) -> Call:
    dims = int(rng.integers(1, 4))
    options = (*_windows(rng, dims), bool(rng.integers(2)), bool(rng.integers(2)))
    return lambda m, x: getattr(m, f"avg_pool{dims}d")(x, *options), [floats(rng, 2, 2, *several(rng, dims, 4, 7))]


def _adaptive_pool(rng: Rng) -> Call:
    dims, kind = int(rng.integers(1, 4)), rng.choice(["avg", "max"])
    x, sizes = floats(rng, 2, 2, *several(rng, dims, 1, 9)), several(rng, dims, 1, 5)
    return lambda m, x: getattr(m, f"adaptive_{kind}_pool{dims}d")(x, sizes), [x]


def _interpolate(rng: Rng) -> Call:
    dims = int(rng.integers(1, 4))
    smooth = ["linear"], ["bilinear", "bicubic"], ["trilinear"]
    options: dict[str, Any] = {"mode": str(rng.choice(["nearest", "nearest-exact", "area", *smooth[dims - 1]]))}
    if options["mode"] in smooth[dims - 1]:
        options["align_corners"] = bool(rng.integers(2))
    if options["mode"].startswith("bi"):
        options["antialias"] = bool(rng.integers(2))
    if rng.integers(2):
        options["size"] = several(rng, dims, 1, 9)
    else:
        options["scale_factor"] = tuple(rng.choice([0.5, 1.0, 1.5, 2.0, 2.7], dims).tolist())
    return lambda m, x: m.interpolate(x, **options), [floats(rng, 2, 2, *several(rng, dims, 2, 7))]


def _grid_sample(rng: Rng) -> Call:
    """Places at, between and beyond pixels."""
    dims = int(rng.integers(2, 4))
    mode = str(rng.choice(["bilinear", "nearest"] + ["bicubic"] * (dims == 2)))
    options = mode, str(rng.choice(["zeros", "border", "reflection"])), bool(rng.integers(2))
    x = floats(rng, int(rng.integers(1, 3)), 2, *several(rng, dims, 1, 5))
    grid = rng.integers(-20, 21, (len(x), *several(rng, dims, 1, 4), dims)) / 8 + rng.choice([0.0, 0.01])
    return lambda m, x, grid: m.grid_sample(x, grid, *options), [x, grid.astype(x.dtype)]


def _fold(rng: Rng) -> Call:
    kernel, stride, dilation = several(rng, 2, 1, 3), several(rng, 2, 1, 3), several(rng, 2, 1, 3)
    padding = tuple(d * (k - 1) + int(rng.integers(0, 3)) for d, k in zip(dilation, kernel))
    x = floats(rng, int(rng.integers(1, 3)), 2, *several(rng, 2, 1, 5))

    def call(m: Any, x: Any) -> Any:
        columns = m.unfold(x, kernel, dilation, padding, stride)
        return columns, m.fold(columns, x.shape[2:], kernel, dilation, padding, stride)

    return call, [x]


CALLS: dict[str, Callable[[Rng], Call]] = {
    "conv": lambda rng: _convolution(rng, False),
    "conv_transpose": lambda rng: _convolution(rng, True),
    "winograd": _winograd,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_pool": _adaptive_pool,
    "interpolate": _interpolate,
    "grid_sample": _grid_sample,
    "fold": _fold,
}
