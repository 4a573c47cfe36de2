"""CASES: functions at their special points and next to them; `test_special_points.py` says what holds there.

A case is ``call(m, *tensors)`` in names that both libraries have, and the values of the tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

INF, NAN = np.inf, np.nan
ZERO = [-1e-3, -0.0, 0.0, 1e-3]
Case = tuple[Callable[..., Any], list[Any]]


def around(*points: float) -> list[float]:
    """The points, and one on each side."""
    return [q for p in points for q in (p - 1e-3, p, p + 1e-3)]


def pairs(a: list[float], b: list[float]) -> list[Any]:
    """Two arrays with every pair of numbers."""
    return [x.ravel() for x in np.meshgrid(a, b)]


def found(m: Any, name: str) -> Any:
    """A function, wherever the library keeps it."""
    for place in (m, m.nn.functional, m.special, m.linalg):
        if hasattr(place, name):
            return getattr(place, name)
    raise AttributeError(name)


_of_one: dict[str, list[float]] = {
    "sinc": [*ZERO, 1.0, -1.0, 2.0], "entr": [0.0, -0.0, 1e-8, 1.0, -1.0, INF], "sqrt": [0.0, -0.0, 1e-8, 1.0, INF],
    "rsqrt": [0.0, -0.0, 1e-8, 1.0, INF], "reciprocal": [0.0, -0.0, INF, -INF, 1.0], "abs": [*ZERO, INF, -INF],
    "sign": ZERO, "square": ZERO, "exp": [*ZERO, INF, -INF], "exp2": [*ZERO, -INF], "expm1": [*ZERO, -INF, INF],
    "log": [0.0, -0.0, 1.0, INF], "log2": [0.0, 1.0, INF], "log10": [0.0, 1.0, INF],
    "log1p": [*ZERO, -1.0, -1 + 1e-8, INF], "tan": ZERO, "tanh": [*ZERO, INF, -INF, 400.0], "sinh": ZERO,
    "cosh": ZERO, "asin": [*ZERO, 1.0, -1.0], "acos": [*ZERO, 1.0, -1.0], "atan": [*ZERO, INF, -INF], "asinh": ZERO,
    "acosh": [1.0, 1 + 1e-6, 2.0], "atanh": [*ZERO, 1.0, -1.0], "erf": [*ZERO, INF, -INF, 30.0],
    "erfc": [*ZERO, INF, -INF, 30.0], "erfinv": [*ZERO, 1.0, -1.0, 1 - 1e-10], "erfcx": [*ZERO, 30.0],
    "ndtr": [*ZERO, 40.0, -40.0], "ndtri": [0.0, 1.0, 0.5], "log_ndtr": [*ZERO, -1.0, 1.0, -20.0],
    "logit": [0.0, 1.0, 0.5, 1e-10], "lgamma": [0.0, -0.0, -1.0, -2.0, 1.0, 2.0, 1 - 1e-8, 1e-8, -0.5, 3.0],
    "digamma": [0.0, -0.0, -1.0, -2.0, 1.0, 2.0, 1e-4, -0.5, 3.0], "i0": [*ZERO, 8.0, -8.0, 8.0001],
    "i0e": [*ZERO, 8.0, -8.0], "i1": [*ZERO, 8.0, -8.0], "i1e": [*ZERO, 8.0, -8.0],
    "sigmoid": [*ZERO, INF, -INF, 710.0, -750.0], "logsigmoid": [*ZERO, INF, -INF, 710.0, -750.0],
    "softplus": [*ZERO, *around(20.0), -800.0, 800.0], "celu": [*ZERO, -800.0], "elu": [*ZERO, -800.0],
    "selu": [*ZERO, -800.0], "gelu": [*ZERO, 40.0, -40.0], "silu": [*ZERO, 800.0, -800.0],
    "mish": [*ZERO, 20.0, 800.0, -800.0, 1e30], "hardswish": around(-3.0, 3.0, 0.0),
    "hardsigmoid": around(-3.0, 3.0, 0.0),
    "relu6": around(0.0, 6.0), "relu": ZERO, "hardtanh": around(-1.0, 1.0), "leaky_relu": ZERO, "softsign": ZERO,
    "tanhshrink": ZERO, "hardshrink": around(0.5, -0.5), "softshrink": around(0.5, -0.5), "floor": around(0.0, 1.0),
    "round": around(0.5, 1.5), "ceil": around(0.0, 1.0), "trunc": around(0.0, 1.0), "frac": around(0.0, 1.0),
    "nan_to_num": [NAN, INF, -INF, 0.0],
}  # fmt: skip
_of_two: dict[str, list[Any]] = {
    "xlogy": pairs([0.0, 1.0, -1.0], [0.0, 1.0, INF]), "xlog1py": pairs([0.0, 1.0, -1.0], [-1.0, 0.0, INF]),
    "logaddexp": pairs([0.0, INF, 1000.0], [0.0, -INF, 1.0]), "logaddexp2": pairs([0.0, INF, 1000.0], [0.0, -INF, 1.0]),
    "atan2": pairs([0.0, -0.0, 1.0, -1.0], [0.0, -0.0, 1.0, -1.0]), "hypot": pairs([0.0, -0.0, 1.0], [0.0, -0.0, -1.0]),
    "maximum": pairs([0.0, -0.0, 1.0, NAN], [0.0, 1.0, INF]), "minimum": pairs([0.0, -0.0, 1.0, NAN], [0.0, 1.0, INF]),
    "fmax": pairs([0.0, -0.0, 1.0, NAN], [0.0, 1.0, INF]), "fmin": pairs([0.0, -0.0, 1.0, NAN], [0.0, 1.0, INF]),
    "fmod": pairs([0.0, 2.0, -2.0, 1.5], [1.0, 2.0, -1.0]), "remainder": pairs([0.0, 2.0, -2.0, 1.5], [1.0, 2.0, -1.0]),
    "div": pairs([0.0, 1.0, -1.0], [0.0, -0.0, 1.0, INF]), "l1_loss": [[0.0, 1.0, -1.0], [0.0] * 3],
}  # fmt: skip
_SINGULAR = {
    "zero": np.zeros((3, 3)), "rank 1": [[1.0, 2.0], [2.0, 4.0]],
    "rank 1 of 3": np.outer([1.0, 2.0, 3.0], [1.0] * 3),
    "rank 2 of 3": np.diag([1.0, 0.0, 2.0]), "nilpotent": [[0.0, 1.0], [0.0, 0.0]],
}  # fmt: skip
_ROWS = [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]
_FILLED = [[0.0, 0.0, 0.0], [3.0, 1.0, 2.0]]  # where a single zero has no derivatives, or PyTorch none
_NEAR = [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]], [[0.0, 1.0, 2.0], [1.0, 2.0, 4.0]]
_LOGS = {"of -inf": [-INF, 0.0, 1.0], "of -inf only": [-INF, -INF], "of -inf inside": [0.0, -INF, 1.0]}
_TIES = {"tied": [1.0, 1.0, 0.0, 1.0], "all tied": [0.0, 0.0], "alone": [2.0]}
_BINARY = [0.0, 1.0, 1.0, 0.0, 0.5, 1e-3]


def _cases() -> dict[str, Case]:
    cases: dict[str, Case] = {n: (lambda m, x, n=n: found(m, n)(x), [p]) for n, p in _of_one.items()}
    cases |= {n: (lambda m, x, y, n=n: found(m, n)(x, y), p) for n, p in _of_two.items()}
    bases = [0.0, -0.0, 1.0, -1.0, -2.0]
    for e in (0, 1, 2, 3, -1, 0.5, 1.5, 2.5, 4):
        points = bases if e == int(e) else bases[:1] + bases[2:]
        cases[f"x ** {e}"] = (lambda m, x, e=e: x**e, [points])
        cases[f"float_power {e}"] = (lambda m, x, e=e: m.float_power(x, e), [points])
        cases[f"pow by a tensor, {e}"] = (lambda m, x, e=e: m.pow(x, m.full_like(x, e).detach()), [points])
    for b in (0.0, 1.0, 2.0, -1.0):
        cases[f"{b} ** x"] = (lambda m, x, b=b: b**x, [[0.0, 1.0, 2.0, -1.0, 0.5]])
    cases["clamp"] = (lambda m, x: m.clamp(x, 0.0, 1.0), [around(0.0, 1.0)])
    cases["clamp by tensors"] = (
        lambda m, x, a, b: m.clamp(x, a, b),
        [[0.0, 1.0, 2.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 0.0]],
    )  # fmt: skip
    cases["where"] = (lambda m, x: m.where(x > 0, m.sqrt(x), 0.0 * x), [[-1.0, 4.0]])
    cases["masked_fill"] = (lambda m, x: (x * x).masked_fill(x == 0, 0.0), [[-1.0, 0.0, 1.0]])
    for p in (0, 0.5, 1, 1.5, 2, 2.5, 3, INF, -INF, -1, 4):
        rows = _FILLED if p in (0.5, 2.5) else _ROWS
        for what, x in {"zero": [0.0] * 3, "a zero": [-2.0, 1.0, rows[1][0]], "ties": [1.0, 1.0, -1.0]}.items():
            cases[f"vector_norm {p} at {what}"] = (lambda m, x, p=p: m.linalg.vector_norm(x, p), [x])
        cases[f"norm {p} of rows"] = (lambda m, x, p=p: m.norm(x, p, dim=1), [rows])
        cases[f"normalize {p}"] = (lambda m, x, p=p: m.nn.functional.normalize(x, p), [rows])
        if p:
            cases[f"dist {p}"] = (lambda m, x, y, p=p: m.dist(x, y, p), [_NEAR[0], _NEAR[0]])
            cases[f"pairwise_distance {p}"] = (
                lambda m, x, y, p=p: m.nn.functional.pairwise_distance(x, y, p, eps=0.0), list(_NEAR),
            )  # fmt: skip
        if 0 < p < INF:
            cases[f"renorm {p}"] = (lambda m, x, p=p: m.renorm(x, p, 0, 1.0), [rows])
    cases["cosine_similarity"] = (
        lambda m, x, y: m.nn.functional.cosine_similarity(x, y), [[[0.0, 0.0], [1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]]]
    )  # fmt: skip
    for x in ([1.0, 2.0, 3.0], [0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [0.0]):
        cases[f"prod {x}"] = (lambda m, x: m.prod(x), [x])
        cases[f"cumprod {x}"] = (lambda m, x: m.cumprod(x, 0), [x])
    for what, x in _LOGS.items():
        cases[f"logcumsumexp {what}"] = (lambda m, x: m.logcumsumexp(x, 0), [x])
        cases[f"logsumexp {what}"] = (lambda m, x: m.logsumexp(x, 0), [x])
        cases[f"softmax {what}"] = (lambda m, x: m.softmax(x, 0) ** 2, [x])
        cases[f"log_softmax {what}"] = (lambda m, x: m.log_softmax(x, 0), [x])
    for what, x in _TIES.items():
        for n in ("max", "min", "amax", "amin", "median", "nanmedian"):
            cases[f"{n} {what}"] = (lambda m, x, n=n: getattr(m, n)(x) ** 2, [x])
            last = (lambda v: v) if n.startswith("am") else (lambda v: v[0])
            cases[f"{n} along {what}"] = (lambda m, x, n=n, last=last: last(getattr(m, n)(x, 0)) ** 2, [x])
        cases[f"aminmax {what}"] = (lambda m, x: sum(m.aminmax(x)), [x])
        cases[f"quantile {what}"] = (lambda m, x: m.quantile(x, 0.3) ** 2, [x])
        cases[f"cummax {what}"] = (lambda m, x: m.cummax(x, 0)[0] ** 2, [x])
    for what, x in {"of a constant": [2.0] * 3, "of zeros": [0.0, 0.0], "of one": [5.0]}.items():
        for n in ("std", "var"):
            cases[f"{n} {what}"] = (lambda m, x, n=n: getattr(m, n)(x, unbiased=False), [x])
            cases[f"{n}_mean {what}"] = (lambda m, x, n=n: getattr(m, f"{n}_mean")(x, 0, unbiased=False)[0], [x])
    for d in (0.5, 1.0, 2.0):
        x = [0.0, *around(d, -d)]
        cases[f"huber_loss {d}"] = (
            lambda m, x, d=d: m.nn.functional.huber_loss(x, m.zeros_like(x), reduction="none", delta=d), [x]
        )  # fmt: skip
        cases[f"smooth_l1_loss {d}"] = (
            lambda m, x, d=d: m.nn.functional.smooth_l1_loss(x, m.zeros_like(x), reduction="none", beta=d), [x]
        )  # fmt: skip
    cases["binary_cross_entropy"] = (
        lambda m, x, y: m.nn.functional.binary_cross_entropy(x, y.detach(), reduction="none"),
        [_BINARY, [0.0, 1.0, 0.0, 1.0, 0.5, 1.0]],
    )  # fmt: skip
    cases["binary_cross_entropy_with_logits"] = (
        lambda m, x, y: m.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none"),
        [[0.0, 0.0, 0.0, -200.0, 800.0, -800.0], [0.0, 1.0, 0.5, 0.0, 0.0, 1.0]],
    )  # fmt: skip
    cases["kl_div"] = (
        lambda m, x, y: m.nn.functional.kl_div(x, y, reduction="none"),
        [[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
    )
    cases["soft_margin_loss"] = (
        lambda m, x: m.nn.functional.soft_margin_loss(x, m.ones_like(x).detach(), reduction="none"),
        [[0.0, 1.0, -800.0]],
    )  # fmt: skip
    cases["hinge_embedding_loss"] = (
        lambda m, x: m.nn.functional.hinge_embedding_loss(x, -m.ones_like(x).detach(), reduction="none"), [around(1.0)]
    )  # fmt: skip
    cases["threshold"] = (lambda m, x: m.nn.functional.threshold(x, 0.1, 5.0), [around(0.1)])
    cases["softplus(2, 3)"] = (lambda m, x: m.nn.functional.softplus(x, 2.0, 3.0), [around(1.5)])
    cases["gelu tanh"] = (lambda m, x: m.nn.functional.gelu(x, approximate="tanh"), [[*ZERO, 40.0, -40.0]])
    for n in range(3):
        cases[f"polygamma {n}"] = (lambda m, x, n=n: m.polygamma(n, x), [[0.0, 1.0, 2.0, 1e-3, 0.5]])
    cases["mvlgamma"] = (lambda m, x: m.mvlgamma(x, 2), [[1.0, 2.0, 0.6]])
    for what, a in _SINGULAR.items():
        cases[f"det, {what}"] = (lambda m, x: m.linalg.det(x), [a])
        cases[f"matrix_exp, {what}"] = (lambda m, x: m.linalg.matrix_exp(x), [a])
        cases[f"matrix_norm fro, {what}"] = (lambda m, x: m.linalg.matrix_norm(x), [a])
        cases[f"matrix_norm 1, {what}"] = (lambda m, x: m.linalg.matrix_norm(x, 1), [a])
        cases[f"matrix_power 3, {what}"] = (lambda m, x: m.linalg.matrix_power(x, 3), [a])
        cases[f"pinv, {what}"] = (lambda m, x: m.linalg.pinv(x), [a])
    return cases


CASES = _cases()
