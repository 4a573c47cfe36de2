"""OPS rows of `nn.functional` apart from space: activations, norms, dropout, embeddings, attention, losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops_cases import (
    Given,
    Row,
    array,
    distribution,
    fixed,
    integers,
    mask,
    nonzero,
    normal,
    positive,
    probability,
    spread,
)

Calls = Callable[..., Any]
INTEGERS = "int64 int32 uint8 bool"


def _row(name: str, inputs: tuple[Given, ...], *args: Any, **options: Any) -> Row:
    """A row that calls the function of its name."""
    kept: dict[str, Any] = {
        k: options.pop(k) for k in ("unlike_torch", "in_torch", "numerical", "pointwise", "flat") if k in options
    }
    return Row(name, lambda m, *tensors: getattr(m, name)(*tensors, *args, **options), inputs, **kept)


signs = lambda *shape: Given(lambda rng, s: rng.choice([-1.0, 1.0], s), shape, differentiable=False)  # noqa: E731
large = (normal(40, 60),)  # enough for the compiled loops


# --- activations ------------------------------------------------------------------------------------------------


def _activations() -> list[Row]:
    one = (nonzero(3, 4),)
    rows = [
        _row(name, (given(3, 4),), pointwise=True, unlike_torch=unlike)
        for name, given, unlike in (
            ("mish", normal, ""), ("selu", nonzero, ""), ("celu", nonzero, ""), ("softsign", nonzero, INTEGERS),
            ("tanhshrink", normal, ""), ("hardtanh", nonzero, "uint8 bool"), ("relu6", nonzero, "bool"),
            ("hardswish", normal, ""), ("softshrink", nonzero, ""),
            ("hardshrink", nonzero, ""),
        )
    ]  # fmt: skip
    rows += [
        _row("hardsigmoid", one, in_torch=False),  # PyTorch's gradient of float64 is rounded to float32
        _row("leaky_relu", one, negative_slope=0.3), _row("elu", one, 0.4),
        _row("celu", one, alpha=2.0), _row("celu", one, -0.5), _row("hardtanh", one, -0.7, 1.1),
        _row("hardshrink", one, lambd=1.0), _row("softshrink", one, 1.0),
        _row("threshold", one, 0.5, 2.0), _row("threshold", one, threshold=-0.5, value=-3),
        _row("prelu", (nonzero(3, 4), normal(1))), _row("prelu", (nonzero(3, 4), normal(4))),
        _row("prelu", (nonzero(2, 3, 2), normal(3))), _row("prelu", (nonzero(4), normal(1))),
        _row("rrelu", one, 0.1, 0.5), _row("glu", (normal(3, 4),)), _row("glu", (normal(4, 3, 2),), dim=0),
        _row("softmin", (normal(3, 4),), dim=1), _row("softmin", (normal(3, 4),), dim=0, dtype=None),
        Row("rrelu in training", lambda m, x: m.rrelu(x, training=True, generator=m.Generator().manual_seed(1)), one,
            in_torch=False),
        Row("gumbel_softmax", lambda m, x: m.gumbel_softmax(x, 0.7, dim=0, generator=m.Generator().manual_seed(1)), one,
            in_torch=False),
        Row("gumbel_softmax hard",
            lambda m, x: m.gumbel_softmax(x, hard=True, generator=m.Generator().manual_seed(1)), one, in_torch=False,
            numerical=False),
    ]  # fmt: skip
    rows += [_row(name, large, numerical=False) for name in ("gelu", "silu", "mish")]
    return rows + [
        _row("gelu", large, approximate="tanh", numerical=False),
        _row("softmax", large, dim=1, numerical=False), _row("log_softmax", large, dim=1, numerical=False),
    ]  # fmt: skip


# --- norms, dropout ---------------------------------------------------------------------------------------------


def _norms() -> list[Row]:
    x, w, b = normal(3, 4), normal(4), normal(4)
    image, channels = normal(2, 4, 3, 2), (normal(4), normal(4))
    wide = normal(40, 60)
    statistics = (fixed(normal(4)), fixed(positive(4)))

    def layer(m: Any, x: Any, *affine: Any) -> Any:
        return m.layer_norm(x, tuple(x.shape[1:]), *affine)

    def rms(m: Any, x: Any, *weight: Any) -> Any:
        return m.rms_norm(x, tuple(x.shape[1:]), *weight)

    def running(m: Any, x: Any, mean: Any, var: Any) -> Any:
        return m.nn.functional.instance_norm(x, mean, var, use_input_stats=False, eps=0.1)

    def moving(m: Any, x: Any, mean: Any, var: Any, w: Any, b: Any) -> Any:
        mean, var = mean.clone(), var.clone()
        return m.nn.functional.instance_norm(x, mean, var, w, b, momentum=0.3), mean, var

    return [
        Row("layer_norm", layer, (x, w, b)), Row("layer_norm", layer, (x,)), Row("layer_norm", layer, (x, w)),
        Row("layer_norm", layer, (normal(2, 3, 2), normal(3, 2), normal(3, 2))),
        Row("layer_norm", layer, (wide, normal(60), normal(60)), numerical=False),
        Row("layer_norm", lambda m, x: m.layer_norm(x, [4], eps=0.5), (x,)),
        Row("rms_norm", rms, (x, w)), Row("rms_norm", rms, (x,)), Row("rms_norm", rms, (wide, normal(60)),
            numerical=False),
        Row("rms_norm", lambda m, x: m.rms_norm(x, (4,), eps=0.5), (x,)),
        Row("group_norm", lambda m, x, w, b: m.group_norm(x, 2, w, b), (image, *channels)),
        Row("group_norm", lambda m, x: m.group_norm(x, num_groups=4, eps=0.1), (normal(2, 8),)),
        Row("instance_norm", lambda m, x, w, b: m.nn.functional.instance_norm(x, weight=w, bias=b), (image, *channels)),
        Row("instance_norm", lambda m, x: m.nn.functional.instance_norm(x), (normal(2, 3, 5),)),
        Row("instance_norm", running, (image, *statistics)),
        Row("instance_norm", moving, (image, *statistics, *channels)),
        _row("local_response_norm", (image,), 3, unlike_torch=INTEGERS, alpha=0.5, beta=0.6, k=1.5),
        _row("local_response_norm", (normal(2, 5, 2),), size=4, unlike_torch=INTEGERS),
        _row("normalize", (x,)), _row("normalize", (normal(2, 3, 2),), p=3.0, dim=-1),
        _row("normalize", (nonzero(5),), 1, 0),
    ]  # fmt: skip


def _dropouts() -> list[Row]:
    def seeded(name: str, shape: tuple[int, ...]) -> list[Row]:
        return [
            Row(name, lambda m, x: getattr(m, name)(x, 0.4, True, generator=m.Generator().manual_seed(1)),
                (normal(*shape),), in_torch=False),
            Row(name, lambda m, x: getattr(m, name)(x, p=0.4, training=False), (normal(*shape),)),
            Row(name, lambda m, x: getattr(m, name)(x, 1.0, True), (normal(*shape),), flat=True),
        ]  # fmt: skip

    shapes = {"dropout1d": (2, 3, 4), "dropout2d": (2, 3, 2, 2), "dropout3d": (3, 2, 2, 2), "alpha_dropout": (3, 4),
              "feature_alpha_dropout": (3, 4, 2)}  # fmt: skip
    vector = Row("feature_alpha_dropout", lambda m, x: m.feature_alpha_dropout(x, 0.4, training=False), (normal(3),))
    return [vector, *(row for name, shape in shapes.items() for row in seeded(name, shape))]


# --- tables, attention ------------------------------------------------------------------------------------------


def _embeddings() -> list[Row]:
    table = normal(5, 3)
    at = integers(0, 5, 2, 4)
    flat, offsets = integers(0, 5, 7), array([0, 2, 2, 5])

    def bag(mode: str, **options: Any) -> Callable[..., Any]:
        return lambda m, w, i, o=None: m.nn.functional.embedding_bag(i, w, o, mode=mode, **options)

    def weighted(m: Any, w: Any, i: Any, o: Any, s: Any) -> Any:
        return m.nn.functional.embedding_bag(i, w, o, mode="sum", per_sample_weights=s)

    def padded(m: Any, w: Any, i: Any, s: Any) -> Any:
        return m.nn.functional.embedding_bag(i, w, None, mode="sum", per_sample_weights=s, padding_idx=2)

    rows = [
        Row("embedding", lambda m, w, i: m.nn.functional.embedding(i, w), (table, at)),
        Row("embedding", lambda m, w, i: m.nn.functional.embedding(i, w, padding_idx=-2), (table, at)),
        Row("embedding", lambda m, w, i: m.nn.functional.embedding(i, w, 1, scale_grad_by_freq=True), (table, at)),
        Row("embedding", lambda m, w, i: m.nn.functional.embedding(i, w), (table, integers(0, 5))),
        Row("embedding of many", lambda m, w, i: m.nn.functional.embedding(i, w), (normal(9, 200), integers(0, 9, 500)),
            numerical=False),
        Row("embedding_bag", weighted, (table, flat, offsets, normal(7))),
        Row("embedding_bag", padded, (table, at, normal(2, 4))),
    ]  # fmt: skip
    for mode in ("sum", "mean", "max"):
        rows += [
            Row("embedding_bag", bag(mode), (table, at)),
            Row("embedding_bag", bag(mode), (table, flat, offsets)),
            Row("embedding_bag", bag(mode, include_last_offset=True), (table, flat, array([0, 3, 3, 7]))),
            Row("embedding_bag", bag(mode, padding_idx=1), (table, flat, offsets)),
        ]
    freely = Row(
        "embedding_bag", bag("mean", scale_grad_by_freq=True), (table, flat, offsets), numerical=False, in_torch=False
    )  # PyTorch divides by the frequency of another row
    rows[2] = Row(rows[2].name, rows[2].call, rows[2].inputs, numerical=False)  # no derivative, but what PyTorch gives
    rows[1] = Row(rows[1].name, rows[1].call, rows[1].inputs, numerical=False)
    return [*rows, freely]


def _attentions() -> list[Row]:
    q, k, v = normal(2, 2, 3, 4), normal(2, 2, 4, 4), normal(2, 2, 4, 2)
    name = "scaled_dot_product_attention"
    rows = [
        _row(name, (q, k, v)), _row(name, (q, k, v), is_causal=True), _row(name, (q, k, v), scale=0.3),
        _row(name, (q, k, v, normal(3, 4))), _row(name, (q, k, v, mask(2, 3, 4))),
        _row(name, (normal(4, 5), normal(6, 5), normal(6, 2))),
        _row(name, (normal(2, 4, 3, 3), normal(2, 2, 4, 3), normal(2, 2, 4, 2)), enable_gqa=True),
        _row(name, (normal(4, 32, 5), normal(4, 32, 5), normal(4, 32, 5)), is_causal=True, numerical=False),
        Row(name, lambda m, q, k, v: m.scaled_dot_product_attention(
            q, k, v, dropout_p=0.4, generator=m.Generator().manual_seed(1)), (q, k, v), in_torch=False),
    ]  # fmt: skip
    x, w, b, o, ob = normal(3, 2, 4), normal(12, 4), normal(12), normal(4, 4), normal(4)

    def whole(**options: Any) -> Calls:
        def call(m: Any, x: Any, w: Any, b: Any, o: Any, ob: Any, *masks: Any) -> Any:
            given = dict(zip(("key_padding_mask", "attn_mask"), masks))
            out = m.multi_head_attention_forward(
                x, x, x, 4, 2, w, b, None, None, options.pop("zero", False), 0.0, o, ob, **given, **options
            )
            return [t for t in out if t is not None]

        return call

    def apart(m: Any, q: Any, k: Any, v: Any, wq: Any, wk: Any, wv: Any, bk: Any, bv: Any, o: Any) -> Any:
        return m.multi_head_attention_forward(
            q, k, v, 4, 2, None, None, bk, bv, True, 0.0, o, None, use_separate_proj_weight=True, q_proj_weight=wq,
            k_proj_weight=wk, v_proj_weight=wv, average_attn_weights=False,
        )  # fmt: skip

    padding = array([[False, False, True], [False, False, False]])
    given = (x, w, b, o, ob)
    name = "multi_head_attention_forward"
    return rows + [
        Row(name, whole(), given), Row(name, whole(need_weights=False), given),
        Row(name, whole(), (*given, padding)), Row(name, whole(need_weights=False), (*given, padding, normal(3, 3))),
        Row(name, whole(),
            (*given, padding, array([[False, True, True], [False, False, True], [False, False, False]]))),
        Row(name, whole(), (normal(3, 4), w, b, o, ob)),
        Row(name, apart, (normal(3, 2, 4), normal(5, 2, 3), normal(5, 2, 6), normal(4, 4), normal(4, 3), normal(4, 6),
                          normal(1, 1, 4), normal(1, 1, 4), normal(4, 4))),
    ]  # fmt: skip


# --- losses -----------------------------------------------------------------------------------------------------


def _losses() -> list[Row]:
    pair = (normal(4, 3), normal(4, 3))
    rows = [
        _row("cosine_similarity", pair), _row("cosine_similarity", (normal(3, 1, 4), normal(2, 4)), dim=-1, eps=1e-3),
        _row("pairwise_distance", pair), _row("pairwise_distance", pair, 1.0, 0.01, True),
        _row("pairwise_distance", (normal(3), normal(4, 3))),
        Row("mse_loss", lambda m, x, y, w: m.mse_loss(x, y, weight=w), (*pair, positive(4, 3))),
        Row("l1_loss", lambda m, x, y, w: m.l1_loss(x, y, weight=w), (*pair, fixed(positive(4, 3)))),
        Row("huber_loss", lambda m, x, y, w: m.huber_loss(x, y, weight=w), (*pair, positive(4, 3))),
        Row("triplet_margin_with_distance_loss", lambda m, a, p, n: m.triplet_margin_with_distance_loss(
            a, p, n, distance_function=lambda x, y: ((x - y) ** 2).sum(-1), margin=2.0, swap=True),
            (*pair, normal(4, 3))),
    ]  # fmt: skip
    table: list[tuple[str, tuple[Given, ...], dict[str, Any]]] = [
        ("huber_loss", pair, {}), ("huber_loss", pair, {"delta": 0.4}),
        ("smooth_l1_loss", pair, {}), ("smooth_l1_loss", pair, {"beta": 0.3}), ("smooth_l1_loss", pair, {"beta": 0.0}),
        ("kl_div", (normal(4, 3), distribution(4, 3)), {}),
        ("kl_div", (normal(4, 3), normal(4, 3)), {"log_target": True}),
        ("poisson_nll_loss", (normal(4, 3), fixed(spread(4, 3))), {}),
        ("poisson_nll_loss", (normal(4, 3), integers(0, 6, 4, 3)), {"full": True}),
        ("poisson_nll_loss", (positive(4, 3), integers(0, 6, 4, 3)), {"log_input": False, "eps": 1e-3}),
        ("gaussian_nll_loss", (*pair, positive(4, 3)), {}), ("gaussian_nll_loss", (*pair, positive(4)), {"full": True}),
        ("gaussian_nll_loss", (*pair, positive(4, 1)), {}), ("gaussian_nll_loss", pair, {"var": 0.7}),
        ("hinge_embedding_loss", (normal(4, 3), signs(4, 3)), {}),
        ("hinge_embedding_loss", (normal(4, 3), signs(4, 3)), {"margin": 0.3}),
        ("margin_ranking_loss", (*pair, signs(4, 3)), {}), ("margin_ranking_loss", (*pair, signs(4, 3)),
        {"margin": 0.5}),
        ("soft_margin_loss", (normal(4, 3), signs(4, 3)), {}),
        ("cosine_embedding_loss", (*pair, signs(4)), {}), ("cosine_embedding_loss", (*pair, signs(4)),
        {"margin": -0.5}),
        ("cosine_embedding_loss", (normal(3), normal(3), array(1)), {}),
        ("triplet_margin_loss", (*pair, normal(4, 3)), {}),
        ("triplet_margin_loss", (*pair, normal(4, 3)), {"p": 1.0, "swap": True, "margin": 2.0}),
        ("triplet_margin_loss", (normal(3), normal(3), normal(3)), {}),
        ("triplet_margin_with_distance_loss", (*pair, normal(4, 3)), {}),
        ("multi_margin_loss", (normal(4, 3), integers(0, 3, 4)), {}),
        ("multi_margin_loss", (normal(4, 3), integers(0, 3, 4)), {"p": 2, "margin": 0.5}),
        ("multi_margin_loss", (normal(3), integers(0, 3)), {}),
        ("multilabel_margin_loss", (normal(2, 4), array([[3, 0, -1, 1], [1, 2, 3, 0]])), {}),
        ("multilabel_margin_loss", (normal(4), array([1, 1, -1, 0])), {}),
        ("multilabel_soft_margin_loss", (normal(4, 3), fixed(probability(4, 3))), {}),
        ("multilabel_soft_margin_loss", (normal(3), fixed(probability(3))), {}),
        ("mse_loss", pair, {}),
    ]  # fmt: skip
    unlike = {"hinge_embedding_loss": INTEGERS, "margin_ranking_loss": INTEGERS}
    for name, inputs, options in table:
        rows += [
            _row(name, inputs, reduction=r, unlike_torch=unlike.get(name, "bool"), **options)
            for r in ("batchmean" if name == "kl_div" else "mean", "sum", "none")  # whose "mean" warns
        ]

    for name in ("multi_margin_loss", "multilabel_margin_loss"):  # of one class
        rows.append(Row(name, lambda m, x, t, n=name: getattr(m, n)(x, t), (normal(), array(0)), flat=True))

    def weighted(name: str) -> Calls:
        return lambda m, x, t, w: getattr(m, name)(x, t, weight=w)

    rows += [
        _row("kl_div", (normal(4, 3), distribution(4, 3)), reduction="batchmean"),
        Row("multi_margin_loss", weighted("multi_margin_loss"), (normal(4, 3), integers(0, 3, 4), fixed(positive(3)))),
        Row("multilabel_soft_margin_loss", weighted("multilabel_soft_margin_loss"),
            (normal(4, 3), fixed(probability(4, 3)), fixed(positive(3)))),
    ]  # fmt: skip
    texts = array([[1, 2, 2], [3, 1, 0], [2, 0, 0]])

    def ctc(reduction: str, **options: Any) -> Calls:
        def call(m: Any, x: Any, t: Any, a: Any, b: Any) -> Any:
            return m.ctc_loss(m.log_softmax(x, -1), t, a, b, reduction=reduction, **options)

        return call

    rows += [
        Row("ctc_loss", ctc(r), (normal(6, 3, 4), texts, array([6, 5, 3]), array([3, 2, 1])))
        for r in ("mean", "sum", "none")
    ]
    return rows + [
        Row("ctc_loss", ctc("mean", blank=3), (normal(5, 2, 4), array([0, 1, 1, 2]), array([5, 4]), array([3, 1]))),
        Row("ctc_loss", ctc("sum", zero_infinity=True), (normal(3, 2, 4), array([[1, 1], [2, 1]]), array([2, 3]),
            array([2, 2]))),
        Row("ctc_loss", ctc("none"), (normal(5, 4), array([1, 2]), array([5]), array([2]))),
    ]  # fmt: skip


def _natives() -> list[Row]:
    """Of the statistics PyTorch has no gradient."""
    x, w = normal(2, 4, 3), normal(4)
    none = (None, None, True, 0.1, 1e-3)
    rows = []
    for three, torchs in ((slice(3), False), (slice(1), True)):
        rows += [
            Row("native_layer_norm", lambda m, x, w, s=three: m.native_layer_norm(x, [3], w, w, 0.1)[s],
                (x, normal(3)), in_torch=torchs),
            Row("native_group_norm", lambda m, x, w, s=three: m.native_group_norm(x, w, w, 2, 4, 3, 2, 0.1)[s],
                (x, w), in_torch=torchs),
            Row("native_batch_norm", lambda m, x, w, s=three: m.native_batch_norm(x, w, w, *none)[s],
                (x, w), in_torch=torchs),
        ]  # fmt: skip
    return [
        *rows,
        Row("native_dropout_backward", lambda m, x, k: m.native_dropout_backward(x, k, 1.5), (x, mask(2, 4, 3)),
            lambda x, k: x * k * 1.5, in_torch=False),
        Row("native_dropout", lambda m, x: m.native_dropout(x, 0.5, False)[0], (x,), in_torch=False),
        Row("native_channel_shuffle", lambda m, x: m.native_channel_shuffle(x, 2), (x,), in_torch=False),
        Row("max_pool2d_with_indices_backward",
            lambda m, g, i: m.max_pool2d_with_indices_backward(g, m.zeros(1, 3, 3), 2, 1, 0, 1, False, i),
            (normal(1, 2, 2), array([[[0, 4], [4, 8]]])), in_torch=False),
        Row("linear_cross_entropy", lambda m, x, w, b, t: m.linear_cross_entropy(x, w, t, linear_bias=b),
            (normal(3, 2), normal(4, 2), normal(4), array([0, 3, 1]))),
    ]  # fmt: skip


QUESTIONS: list[Row] = [
    Row("native_layer_norm", lambda m, x: m.native_layer_norm(x, [4, 3], None, None, 0.1), (fixed(normal(2, 4, 3)),)),
    Row("native_group_norm", lambda m, x: m.native_group_norm(x, None, None, 2, 4, 3, 2, 0.1),
        (fixed(normal(2, 4, 3)),)),
    Row("native_group_norm", lambda m, x: m.native_group_norm(x, None, None, 0, 2, 1, 1, 0.1),
        (fixed(normal(0, 2)),)),
    Row("native_batch_norm", lambda m, x: m.native_batch_norm(x, None, None, None, None, True, 0.1, 0.1),
        (fixed(normal(2, 4, 3)),)),
    Row("hash_tensor", lambda m, x: m.hash_tensor(x, 1), (fixed(normal(2, 3)),)),
    Row("hash_tensor", lambda m, x: m.hash_tensor(x, [0, 1], keepdim=True), (fixed(normal(2, 3, 2)),)),
]  # fmt: skip

ROWS: list[Row] = [*_natives(), *_activations(), *_norms(), *_dropouts(), *_embeddings(), *_attentions(), *_losses()]
