"""OPS rows of convolutions, pools, resampling and rearranging pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, array, distinct, fixed, integers, normal, positive

from tinygrad_lite.kernels.spatial.conv_numpy import Geometry
from tinygrad_lite.ops.neural.convolution import conv
from tinygrad_lite.ops.neural.pooling import max_pool
from tinygrad_lite.ops.shape import stencil


def _row(name: str, inputs: tuple[Given, ...], *args: Any, **options: Any) -> Row:
    """A row that calls the function of its name."""
    kept: dict[str, Any] = {k: options.pop(k) for k in ("unlike_torch", "in_torch", "numerical") if k in options}

    def call(m: Any, *tensors: Any) -> Any:
        return getattr(m, name)(*tensors, *args, **options)

    return Row(name, call, inputs, **kept)


def _convolutions() -> list[Row]:
    rows = []
    for dims, size in ((1, (7,)), (2, (4, 5)), (3, (3, 3, 2))):
        kernel = (3, 2, 2)[:dims]
        x, w, b = normal(2, 4, *size), normal(6, 2, *kernel), normal(6)
        name = f"conv{dims}d"
        rows += [
            _row(name, (x, normal(3, 4, *kernel), normal(3))),
            _row(name, (x, normal(3, 4, *kernel)), stride=2, padding=1),
            _row(name, (x, w, b), stride=(2, 1, 3)[:dims], padding=(1, 2, 0)[:dims], dilation=(1, 2, 1)[:dims],
                 groups=2),
            _row(name, (normal(4, *size), w, b), padding="same", dilation=(2, 1, 1)[:dims], groups=2),
            _row(name, (x, w), padding="valid", groups=2),
            _row(name, (x, normal(8, 1, *kernel), normal(8)), padding=1, groups=4),
            _row(name, (x, normal(3, 4, *(1,) * dims), normal(3))),
        ]  # fmt: skip
        small = {1: (5,), 2: (2, 3), 3: (2, 2, 2)}[dims]  # whose results are large, each entry a backward pass
        x, w = normal(2, 4, *small), normal(4, 3, *kernel)
        name = f"conv_transpose{dims}d"
        rows += [
            _row(name, (x, w, normal(3))),
            _row(name, (x, w), stride=2, padding=1, output_padding=1),
            _row(name, (x, normal(4, 2, *kernel), normal(4)), stride=(2, 3, 1)[:dims], padding=(0, 1, 0)[:dims],
                 output_padding=(1, 2, 0)[:dims], groups=2, dilation=(3, 1, 1)[:dims]),
            _row(name, (normal(4, *small), normal(4, 1, *kernel), normal(4)), stride=2, groups=4),
        ]  # fmt: skip
    for size, kernel, options in (
        ((9, 20), (3, 3), {"padding": 1}), ((17, 19), (5, 5), {"padding": 2}),
        ((16, 17), (3, 3), {"stride": 2, "padding": 1}),
        ((21, 13), (7, 7), {"stride": 2, "padding": 3}), ((9, 9), (1, 1), {"stride": 2}), ((5, 35), (2, 3), {}),
    ):  # fmt: skip
        given = normal(3, 5, *size), normal(9, 5, *kernel), normal(9)
        rows.append(_row("conv2d", given, numerical=False, **options))
    rows += [
        _row("conv_tbc", (normal(7, 2, 4), normal(3, 4, 5), normal(5)), 1),
        _row("convolution", (normal(2, 4, 7), normal(6, 2, 3), normal(6)), [2], [1], [1], False, [0], 2),
        _row("convolution", (normal(2, 4, 5, 6), normal(4, 3, 2, 2), normal(3)), [2, 1], [1, 0], [1, 1], True, [1, 0],
             1),
    ]  # fmt: skip
    geometry = Geometry((5, 6), (3, 3), (3, 2), (2, 2), (1, 0), (1, 1))
    rows.append(Row("conv_weight", lambda m, y, x: conv._correlate(y, x, geometry),
                    (normal(2, 3, 3, 3), normal(2, 4, 5, 6)), in_torch=False))  # fmt: skip
    return rows


def _pools() -> list[Row]:
    rows = []
    for dims, size in ((1, (7,)), (2, (5, 6)), (3, (3, 5, 3))):
        planes = (2, 3) if dims < 3 else (2, 2)
        x, alone = (distinct(*planes, *size),), (distinct(2, *size),)
        name = f"max_pool{dims}d"
        rows += [
            _row(name, x, 2),
            _row(name, x, 3, stride=2, padding=1),
            _row(name, alone, 2, 1, 1, 2),
            _row(name, x, (2, 3, 2)[:dims], ceil_mode=True),
            _row(name, x, 3, 2, 1, ceil_mode=True, return_indices=True),
            _row(f"{name}_with_indices", alone, 2),
            _row(f"adaptive_max_pool{dims}d", x, (3, 4, 2)[:dims]),
            _row(f"adaptive_max_pool{dims}d", alone, 3, return_indices=True),
            _row(f"adaptive_max_pool{dims}d_with_indices", x, 2),
        ]
        small = [(n + 1) // 2 for n in size]
        cells = int(np.prod(small))
        order = np.stack([np.random.default_rng(i).permutation(int(np.prod(size)))[:cells] for i in range(6)])
        rows += [
            _row(f"max_unpool{dims}d", (normal(2, 3, *small), array(order.reshape(2, 3, *small))), 2, output_size=size),
            _row(f"max_unpool{dims}d", (normal(6, *small), array(order.reshape(6, *small))), 3, 2, 0),
        ]
        x, alone = (normal(*planes, *size),), (normal(2, *size),)
        name = f"avg_pool{dims}d"
        rows += [
            _row(name, x, 2, unlike_torch="int64"),
            _row(name, alone, 3, stride=2, padding=1, unlike_torch="int64"),
            _row(name, x, 3, 2, 1, ceil_mode=True, count_include_pad=False, unlike_torch="int64"),
            _row(name, x, (3, 2, 2)[:dims], ceil_mode=True, unlike_torch="int64"),
            _row(f"adaptive_avg_pool{dims}d", x, (3, 4, 2)[:dims]),
            _row(f"adaptive_avg_pool{dims}d", alone, 1),
        ]
        if dims > 1:
            options = {"stride": 2, "divisor_override": 3, "ceil_mode": True, "padding": 1, "unlike_torch": "int64"}
            rows += [_row(name, x, 3, **options), _row(f"adaptive_avg_pool{dims}d", x, (None, 4, 2)[:dims])]
        positives = (positive(2, 2, *size),)
        name = f"lp_pool{dims}d"
        rows += [
            _row(name, positives, 2, 2, unlike_torch="int64 int32 uint8 bool"),
            _row(name, positives, 3.5, 2, stride=1, ceil_mode=True, unlike_torch="int64 int32 uint8 bool"),
            _row(name, (distinct(2, 2, *size),), float("inf"), 2),
            _row(name, (distinct(2, 2, *size),), float("-inf"), 2),
        ]
    for dims, size in ((2, (6, 7)), (3, (5, 5, 5))):
        samples = fixed(Given(lambda r, s: r.uniform(0, 1, s), (2, 2, dims)))
        x = distinct(2, 2, *size)
        for name in (f"fractional_max_pool{dims}d", f"fractional_max_pool{dims}d_with_indices"):
            rows += [
                Row(name, lambda m, x, s, name=name: getattr(m, name)(x, 2, output_size=3, _random_samples=s),
                    (x, samples)),
                Row(name, lambda m, x, s, name=name, ratio=(0.7, 0.6, 0.5)[:dims]:
                    getattr(m, name)(x, 2, None, ratio, True, s), (x, samples)),
            ]  # fmt: skip
    return rows


def _resampling() -> list[Row]:
    rows = []
    for dims, size in ((1, (5,)), (2, (4, 5)), (3, (3, 2, 4))):
        x, target = (normal(2, 2, *size),), {1: (7,), 2: (7, 3), 3: (4, 3, 5)}[dims]
        for mode in ("nearest", "nearest-exact", "area"):
            rows += [
                _row("interpolate", x, target, mode=mode, unlike_torch="uint8"),
                _row("interpolate", x, scale_factor=1.7, mode=mode, unlike_torch="uint8"),
                _row("interpolate", x, scale_factor=0.6, mode=mode, recompute_scale_factor=True, unlike_torch="uint8"),
            ]
        for mode in {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}[dims]:
            for align in (False, True):
                rows += [
                    _row("interpolate", x, target, mode=mode, align_corners=align, unlike_torch="uint8"),
                    _row("upsample", x, scale_factor=1.7, mode=mode, align_corners=align, unlike_torch="uint8"),
                    _row("interpolate", x, scale_factor=0.6, mode=mode, align_corners=align, unlike_torch="uint8"),
                ]
        rows.append(_row("interpolate", x, 1, mode=mode, align_corners=True, unlike_torch="uint8"))
    x = (normal(1, 2, 7, 6),)
    for mode in ("bilinear", "bicubic"):
        for size in ((3, 4), (9, 2)):
            rows.append(_row("interpolate", x, size, mode=mode, antialias=True, unlike_torch="uint8"))
    table = stencil.Stencil(4, [2, 0, 3], [0, 1, 1, 1, 3], [0.5, 2.0, -1.0, 0.25, 1.0])
    return [
        *rows,
        _row("upsample_nearest", x, (3, 8), unlike_torch="uint8"),
        _row("upsample_bilinear", x, scale_factor=2, unlike_torch="uint8"),
        Row("blend", lambda m, x: stencil.blend(x, [None, table]), (normal(2, 3, 4),), in_torch=False),
        Row("blend", lambda m, x: stencil.blend(x, [table, None]), (normal(2, 4, 3),), in_torch=False),
    ]


def _grids() -> list[Row]:
    rows = []
    between: Callable[..., Given] = lambda *s: Given(lambda r, s: r.uniform(-1.3, 1.3, s), s)  # noqa: E731
    for align in (False, True):
        for padding in ("zeros", "border", "reflection"):
            for mode in ("bilinear", "nearest", "bicubic"):
                places = fixed(between(2, 1, 3, 2)) if mode == "nearest" else between(2, 1, 3, 2)
                rows.append(_row("grid_sample", (normal(2, 2, 2, 3), places), mode, padding, align))
            for mode in ("bilinear", "nearest"):
                places = fixed(between(1, 2, 1, 2, 3)) if mode == "nearest" else between(1, 2, 1, 2, 3)
                rows.append(_row("grid_sample", (normal(1, 2, 2, 2, 3), places), mode, padding, align))
        rows += [
            _row("affine_grid", (normal(2, 2, 3),), (2, 1, 3, 4), align),
            _row("affine_grid", (normal(2, 3, 4),), [2, 3, 2, 2 if align else 1, 3], align_corners=align),
        ]
    image, volume = (normal(2, 2, 2, 3), between(2, 1, 3, 2)), (normal(1, 2, 2, 2, 3), between(1, 2, 1, 2, 3))
    return [
        *rows,
        _row("grid_sampler", image, 2, 1, False),
        _row("grid_sampler_2d", image, 0, 2, True),
        _row("grid_sampler_3d", volume, 0, 0, False),
    ]


def _rearranged() -> list[Row]:
    x, column = normal(2, 2, 4, 5), normal(2, 8, 12)
    return [
        Row("unfold_patches", lambda m, x: m.nn.functional.unfold(x, 2), (x,)),
        Row("unfold_patches", lambda m, x: m.nn.functional.unfold(x, (3, 2), (1, 2), padding=(1, 0), stride=2), (x,)),
        Row("unfold_patches", lambda m, x: m.nn.functional.unfold(x, 3, padding=1), (normal(3, 4, 4),)),
        Row("fold", lambda m, x: m.nn.functional.fold(x, (4, 5), 2), (column,)),
        Row(
            "fold",
            lambda m, x: m.nn.functional.fold(x, (7, 9), (2, 3), dilation=2, padding=1, stride=2),
            (normal(2, 12, 16),),
        ),
        Row("fold", lambda m, x: m.nn.functional.fold(x, 4, 2, stride=2), (normal(8, 4),)),
        _row("pixel_shuffle", (normal(2, 8, 2, 3),), 2),
        _row("pixel_shuffle", (normal(9, 2, 1),), 3),
        _row("pixel_unshuffle", (normal(2, 2, 4, 6),), 2),
        _row("pixel_unshuffle", (normal(1, 2, 1, 3, 9),), downscale_factor=3),
        _row("channel_shuffle", (normal(2, 6, 2, 3),), 3),
        _row("channel_shuffle", (normal(2, 6, 4),), groups=2),
    ]


def _parts() -> list[Row]:
    index = integers(0, 20, 2, 3, 2, 4)
    return [
        Row("pick", lambda m, x, i: max_pool.pick(x, i.numpy(), (4, 5)), (normal(2, 3, 4, 5), index), in_torch=False),
        Row("scatter_back", lambda m, y, i: max_pool.scatter(y, i.numpy(), (4, 5)), (normal(2, 3, 2, 4), index),
            in_torch=False),
    ]  # fmt: skip


ROWS: list[Row] = [*_convolutions(), *_pools(), *_resampling(), *_grids(), *_rearranged(), *_parts()]
