"""LAYERS rows of images and signals, normalizations, activations, distances and the losses with margins."""

from __future__ import annotations

from typing import Any

import numpy as np
from layers_cases import Given, Row, constant, labels, normal

SIZES = {1: (7,), 2: (5, 6), 3: (3, 4, 4)}


def signs(*shape: int) -> Given:
    """The integers 1 and -1."""
    return Given(lambda rng: np.where(rng.random(shape) < 0.5, -1, 1), differentiable=False)


def zeros_and_ones(*shape: int) -> Given:
    return Given(lambda rng: (rng.random(shape) < 0.5).astype(float), differentiable=False)


def positive(*shape: int) -> Given:
    return Given(lambda rng: rng.uniform(0.5, 2.0, shape))


def fixed(values: Any) -> Given:
    return Given(lambda rng: np.asarray(values), differentiable=False)


def _row(layer: str, inputs: tuple[Given, ...], *args: Any, **options: Any) -> Row:
    """A row that builds the layer of its name."""
    kept = {k: options.pop(k) for k in ("in_torch", "random", "refused", "flat", "rtol") if k in options}
    return Row(layer, lambda nn, t: getattr(nn, layer)(*args, **options), inputs, **kept)


def _convolutions() -> list[Row]:
    rows = []
    for dims, size in SIZES.items():
        x, alone = (normal(2, 4, *size),), (normal(4, *size),)
        kernel = (3, 2, 2)[:dims]
        name = f"Conv{dims}d"
        rows += [
            _row(name, x, 4, 3, 3, refused=((2, 3, *size),)),
            _row(name, alone, 4, 6, kernel, 2, 1, groups=2, bias=False, refused=((4,),)),
            _row(name, x, 4, 4, 3, padding="same", dilation=2, groups=4),
            _row(name, x, 4, 3, 2, padding="same", padding_mode="circular"),
            _row(name, x, 4, 3, 3, padding="valid", padding_mode="replicate"),
            _row(name, x, 4, 3, kernel, padding=(1, 2, 1)[:dims], padding_mode="reflect", stride=(1, 2, 1)[:dims]),
        ]
        name = f"ConvTranspose{dims}d"
        rows += [
            _row(name, x, 4, 3, 3, refused=((2, 3, *size),)),
            _row(name, alone, 4, 6, kernel, 2, 1, 1, groups=2, bias=False, refused=((4,),)),
            _row(name, x, 4, 3, 2, stride=3, output_padding=1, dilation=2),
        ]
    return rows


def _pools() -> list[Row]:
    rows = []
    for dims, size in SIZES.items():
        x, alone = (normal(2, 3, *size),), (normal(3, *size),)
        several = (2, 3, 2)[:dims]
        rows += [
            _row(f"MaxPool{dims}d", x, 2, refused=((3,),)),
            _row(f"MaxPool{dims}d", alone, 3, 2, 1, ceil_mode=True),
            _row(f"MaxPool{dims}d", x, several, 1, 1, 2),
            _row(f"AvgPool{dims}d", x, 2, refused=((3,),)),
            _row(f"AvgPool{dims}d", alone, several, 2, 1, ceil_mode=True, count_include_pad=False),
            _row(
                f"LPPool{dims}d",
                x,
                2,
                2 if dims == 1 else several,  # a tuple of one fails in PyTorch
                refused=((2, 3, *(1,) * dims),),
            ),
            _row(f"LPPool{dims}d", (positive(2, 3, *size),), 3, 2, 1, ceil_mode=True),
            _row(f"AdaptiveAvgPool{dims}d", x, (2, None, 3)[:dims], refused=((3,),)),
            _row(f"AdaptiveAvgPool{dims}d", alone, 1),
            _row(f"AdaptiveMaxPool{dims}d", x, (2, None, 3)[:dims], refused=((3,),)),
            _row(f"AdaptiveMaxPool{dims}d", alone, 2),
        ]
        if dims > 1:
            rows += [
                _row(f"AvgPool{dims}d", x, 2, divisor_override=3),
                _row(f"FractionalMaxPool{dims}d", x, 2, output_size=2, random=True, refused=((2, 3, *(1,) * dims),)),
                _row(f"FractionalMaxPool{dims}d", alone, 1, output_ratio=0.6, random=True),
            ]
        places = np.arange(6 * int(np.prod([n // 2 for n in size]))).reshape(2, 3, *[n // 2 for n in size])
        cells = fixed(places * 2 % int(np.prod([n // 2 * 2 for n in size])))
        rows.append(_row(f"MaxUnpool{dims}d", (normal(*places.shape), cells), 2, refused=((2, 3, *size), (2, 3))))
    return [_fractional(row) if row.layer.startswith("Fractional") else row for row in rows]


def _fractional(row: Row) -> Row:
    """In evaluation, too, it draws, so that no comparison is possible; `test_nn_more.py` gives it the numbers."""
    return Row(row.layer, row.build, row.inputs, in_torch=False, random=True, refused=row.refused)


def _pads() -> list[Row]:
    rows = []
    for dims, size in SIZES.items():
        x, alone = (normal(2, 3, *size),), (normal(3, *size),)
        several = (1, 2, 2, 0, 1, 1)[: 2 * dims]
        for kind, values in (
            ("Constant", (0.5,)), ("Zero", ()), ("Reflection", ()), ("Replication", ()), ("Circular", ()),
        ):  # fmt: skip
            name = f"{kind}Pad{dims}d"
            rows.append(_row(name, x, 1, *values, refused=(() if dims > 0 and kind in ("Constant", "Zero") else (3,),)))
            rows.append(_row(name, alone, several, *values))
    return [row if row.refused != ((),) else Row(row.layer, row.build, row.inputs) for row in rows]


def _rearranging() -> list[Row]:
    x = (normal(2, 3, 4, 5),)
    return [
        _row("Upsample", x, scale_factor=2, refused=((3,),)),
        _row("Upsample", (normal(2, 3, 4),), size=7, mode="linear"),
        _row("Upsample", x, size=(3, 8), mode="bilinear", align_corners=True),
        _row("Upsample", x, scale_factor=(1.5, 2), mode="bicubic"),
        _row("Upsample", (normal(1, 2, 3, 2, 3),), scale_factor=2, mode="trilinear", recompute_scale_factor=True),
        _row("UpsamplingNearest2d", x, scale_factor=2, refused=((3,),)),
        _row("UpsamplingNearest2d", x, size=(3, 9)),
        _row("UpsamplingBilinear2d", x, scale_factor=2, refused=((3,),)),
        _row("UpsamplingBilinear2d", x, size=5),
        _row("PixelShuffle", (normal(2, 8, 3, 2),), 2, refused=((2, 7, 3, 2),)),
        _row("PixelUnshuffle", (normal(2, 2, 6, 4),), 2, refused=((2, 2, 5, 4),)),
        _row("ChannelShuffle", (normal(2, 6, 3, 2),), 3, refused=((2, 7, 3, 2),)),
        _row("Unfold", x, 2, refused=((3,),)),
        _row("Unfold", x, (2, 3), dilation=(1, 2), padding=1, stride=2),
        _row("Fold", (normal(2, 12, 12),), (4, 5), 2, refused=((2, 12, 11),)),
        _row("Fold", (normal(12, 15),), output_size=(4, 5), kernel_size=(2, 3), padding=1, stride=(1, 2)),
    ]


def _normalizations() -> list[Row]:
    rows = [
        _row("BatchNorm3d", (normal(2, 3, 2, 3, 2),), 3, refused=((2, 3, 4, 4),)),
        _row("BatchNorm3d", (normal(2, 3, 2, 3, 2),), 3, momentum=None, affine=False),
        _row("LayerNorm", (normal(4, 5),), 5, refused=((4, 6),)),
        _row("LayerNorm", (normal(2, 4, 5),), (4, 5), eps=0.1, bias=False),
        _row("LayerNorm", (normal(2, 4, 5),), [5], elementwise_affine=False),
        _row("RMSNorm", (normal(4, 5),), 5, refused=((4, 6),)),
        _row("RMSNorm", (normal(2, 4, 5),), (4, 5), eps=0.1, elementwise_affine=False),
        _row("GroupNorm", (normal(3, 6, 4),), 3, 6, refused=((3, 5, 4),)),
        _row("GroupNorm", (normal(3, 6, 2, 3),), 1, 6, eps=0.1, affine=False),
        _row("GroupNorm", (normal(3, 6, 2),), 2, 6, bias=False),
        _row("LocalResponseNorm", (normal(2, 5, 3),), 2, refused=((5,),)),
        _row("LocalResponseNorm", (normal(2, 5, 3, 3),), 3, alpha=0.5, beta=0.5, k=2.0),
    ]
    for dims, size in SIZES.items():
        name, x = f"InstanceNorm{dims}d", (normal(2, 3, *size),)
        rows += [
            _row(name, x, 3, refused=((2,),)),
            _row(name, x, 3, affine=True, track_running_stats=True, refused=((2, 4, *size),)),
            _row(name, (normal(3, *size),), 3, eps=0.1, momentum=0.5, affine=True, bias=False),
        ]
    return rows


def _activations() -> list[Row]:
    rows = []
    for name, args in (
        ("ReLU6", ()), ("Hardtanh", (-0.5, 0.7)), ("Hardsigmoid", ()), ("Hardswish", ()), ("Threshold", (0.1, 2.0)),
        ("CELU", (0.7,)), ("SELU", ()), ("Mish", ()),
    ):  # fmt: skip
        rtol = 1e-6 if name in ("Hardsigmoid", "CELU") else 1e-12  # PyTorch rounds 1/6 and 1/alpha to float32
        rows.append(_row(name, (normal(4, 5),), *args, rtol=rtol))
        rows.append(
            Row(
                name,
                lambda nn, t, name=name, args=args: nn.Sequential(
                    nn.Linear(5, 5), getattr(nn, name)(*args, inplace=True)
                ),
                (normal(4, 5),),
                rtol=rtol,
            )
        )
    rows += [_row(name, (normal(4, 5),)) for name in ("Hardshrink", "Softshrink", "Tanhshrink", "Softsign")]
    return [
        *rows,
        _row("Hardtanh", (normal(4, 5),)),
        _row("Hardshrink", (normal(4, 5),), 0.2),
        _row("Softshrink", (normal(4, 5),), 0.2),
        _row("GLU", (normal(4, 6),), refused=((4, 5),)),
        _row("GLU", (normal(4, 6),), dim=0),
        _row("PReLU", (normal(4, 5),)),
        _row("PReLU", (normal(4, 5, 2),), 5, 0.1, refused=((4, 6, 2),)),
        _row("RReLU", (normal(4, 5),), random=True),
        _row("RReLU", (normal(4, 5),), 0.2, 0.3, inplace=False, random=True),
        _row("Softmin", (normal(4, 5),), dim=1, refused=((4,),)),
        _row("Softmax2d", (normal(2, 3, 2, 2),), refused=((3, 3),)),
        _row("Softmax2d", (normal(3, 2, 2),)),
        _row("Dropout1d", (normal(6, 5, 3),), random=True, refused=((5,),)),
        _row("Dropout2d", (normal(6, 5, 3, 2),), 0.3, random=True),
        _row("Dropout3d", (normal(6, 5, 3, 2, 2),), random=True, refused=((2,) * 6,)),
        _row("AlphaDropout", (normal(6, 5),), random=True),
        _row("FeatureAlphaDropout", (normal(6, 5, 3),), 0.2, random=True),
    ]


def _distances() -> list[Row]:
    pair = (normal(4, 5), normal(4, 5))
    return [
        _row("CosineSimilarity", pair, refused=((4, 5), (4, 6))),
        _row("CosineSimilarity", (normal(2, 3, 4), normal(2, 3, 4)), dim=0, eps=0.1),
        _row("PairwiseDistance", pair, refused=((4, 5), (4, 6))),
        _row("PairwiseDistance", pair, p=3.0, eps=0.01, keepdim=True),
        _row("Bilinear", (normal(6, 3), normal(6, 4)), 3, 4, 2, refused=((6, 3), (6, 5))),
        _row("Bilinear", (normal(2, 2, 3), normal(2, 2, 4)), 3, 4, 2, bias=False),
    ]


def _losses() -> list[Row]:
    pair, scores = (normal(4, 5), signs(4, 5)), (normal(6, 4), labels(4, 6))
    vectors = (normal(4, 5), normal(4, 5), normal(4, 5))
    rows = [
        _row("HingeEmbeddingLoss", pair, refused=((4, 5), (3, 4))),
        _row("HingeEmbeddingLoss", pair, 0.5, reduction="none"),
        _row("MarginRankingLoss", (normal(5), normal(5), signs(5)), 0.3, refused=((5,), (4,), (5,))),
        _row("MarginRankingLoss", (normal(5), normal(5), signs(5)), reduction="sum"),
        _row("CosineEmbeddingLoss", (normal(4, 5), normal(4, 5), signs(4)), refused=((4, 5), (4, 6), (4,))),
        _row("CosineEmbeddingLoss", (normal(4, 5), normal(4, 5), signs(4)), -0.4, reduction="none"),
        _row("SoftMarginLoss", pair, refused=((4, 5), (3, 4))),
        _row("MultiLabelMarginLoss", (normal(2, 4), fixed([[2, 0, -1, 1], [3, -1, 0, 0]])), refused=((2, 4), (2, 5))),
        _row("MultiLabelMarginLoss", (normal(4), fixed([2, 0, -1, 1])), reduction="sum"),
        _row("MultiLabelSoftMarginLoss", (normal(4, 5), zeros_and_ones(4, 5)), refused=((4, 5), (3, 5))),
        _row("MultiMarginLoss", scores, refused=((6, 4), (5,))),
        _row("MultiMarginLoss", scores, 2, 0.5, reduction="none"),
        _row("TripletMarginLoss", vectors, refused=((4, 5), (4, 6), (4, 5))),
        _row("TripletMarginLoss", vectors, 2.0, 1.5, 0.01, True, reduction="none"),
        _row("TripletMarginWithDistanceLoss", vectors, refused=((4, 5), (4, 6), (4, 5))),
        _row("TripletMarginWithDistanceLoss", vectors, margin=0.5, swap=True, reduction="sum"),
        _row("PoissonNLLLoss", (normal(4, 5), constant(positive(4, 5))), refused=((4, 5), (3, 4))),
        _row("PoissonNLLLoss", (positive(4, 5), constant(positive(4, 5))), False, True, eps=0.1, reduction="sum"),
        _row("GaussianNLLLoss", (normal(4, 5), normal(4, 5), positive(4, 5)), refused=((4, 5), (3, 4), (4, 5))),
        _row("GaussianNLLLoss", (normal(4, 5), normal(4, 5), positive(4, 1)), full=True, reduction="none"),
        _row("CTCLoss", _sequences(), in_torch=False, refused=((6, 2), (2, 3), (2,), (2,))),
        _row("CTCLoss", _sequences(), 3, "none", zero_infinity=True, in_torch=False),
    ]
    rows += [
        Row(
            "MultiMarginLoss",
            lambda nn, t: nn.MultiMarginLoss(weight=t([0.5, 2.0, 1.0, 0.1]), reduction="sum"),
            scores,
        ),
        Row(
            "MultiLabelSoftMarginLoss",
            lambda nn, t: nn.MultiLabelSoftMarginLoss(t([0.5, 2.0, 1.0]), reduction="none"),
            (normal(4, 3), zeros_and_ones(4, 3)),
        ),
    ]
    return rows


def _sequences() -> tuple[Given, ...]:
    """PyTorch's gradient is right below a log_softmax only; `test_nn_more.py` compares it there."""
    log_probs = Given(lambda rng: np.log(rng.dirichlet(np.ones(4), (6, 2))))
    return log_probs, fixed([[1, 2, 2], [2, 1, 1]]), fixed([6, 5]), fixed([3, 2])


def _holders() -> list[Row]:
    return [
        Row("ParameterList", lambda nn, t: nn.ParameterList([t([1.0, 2.0]), nn.Parameter(t([[1.0]]))])),
        Row("ParameterList", lambda nn, t: nn.ParameterList()),
        Row("ParameterDict", lambda nn, t: nn.ParameterDict({"a": t([1.0, 2.0]), "b": nn.Parameter(t([[1.0]]))})),
        Row("ParameterDict", lambda nn, t: nn.ParameterDict()),
        Row("AdaptiveLogSoftmaxWithLoss", lambda nn, t: nn.AdaptiveLogSoftmaxWithLoss(16, 12, [3, 7], 2.0, True)),
    ]


ROWS = [
    *_convolutions(), *_pools(), *_pads(), *_rearranging(), *_normalizations(), *_activations(), *_distances(),
    *_losses(), *_holders(),
]  # fmt: skip
