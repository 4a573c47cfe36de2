"""OPS: one row for each way of calling each operation. `test_ops.py` holds what every row must pass.

A row's ``call(m, *tensors)`` is one expression for both libraries: `m` is `tinygrad_lite` or PyTorch (its functional
and special functions included), and the tensors are of that library. ``numpy(*tensors)``, where NumPy has the function
as well, is the same in its spelling: it must work on Tensors, recorded, and on arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from ops_cases import (
    Given,
    Row,
    array,
    between,
    distinct,
    distribution,
    fixed,
    integers,
    mask,
    nonzero,
    normal,
    point,
    positive,
    probability,
    spread,
    unit,
)

from tinygrad_lite import rules
from tinygrad_lite.engine import views
from tinygrad_lite.ops.indexing import index
from tinygrad_lite.ops.pointwise import clamp_round_where
from tinygrad_lite.ops.shape import broadcasting


def _unary() -> list[Row]:
    """Functions of one tensor: where they are checked, and what NumPy calls them."""
    table: dict[str, tuple[Callable[..., Given], Any]] = {
        "abs": (nonzero, np.abs), "absolute": (nonzero, np.absolute), "neg": (normal, np.negative),
        "negative": (normal, np.negative), "positive": (normal, np.positive), "square": (normal, np.square),
        "sqrt": (positive, np.sqrt), "rsqrt": (positive, None), "reciprocal": (nonzero, np.reciprocal),
        "exp": (normal, np.exp), "exp2": (normal, np.exp2), "expm1": (normal, np.expm1), "log": (positive, np.log),
        "log2": (positive, np.log2), "log10": (positive, np.log10), "log1p": (positive, np.log1p),
        "sin": (normal, np.sin), "cos": (normal, np.cos), "tan": (unit, np.tan), "sinh": (normal, np.sinh),
        "cosh": (normal, np.cosh), "tanh": (normal, np.tanh), "asin": (unit, np.arcsin), "acos": (unit, np.arccos),
        "atan": (normal, np.arctan), "erf": (spread, None), "sigmoid": (spread, None), "logsigmoid": (spread, None),
        "relu": (nonzero, None), "silu": (normal, None), "gelu": (normal, None), "leaky_relu": (nonzero, None),
        "elu": (nonzero, None), "softplus": (normal, None),
    }  # fmt: skip
    rows = [
        Row(
            name,
            lambda m, x, name=name: getattr(m, name)(x),
            (given(3, 4),),
            numpy=spelled,
            pointwise=True,
            unlike_torch="bool" if name == "square" else "",
        )
        for name, (given, spelled) in table.items()
    ]
    flat = {"sign": np.sign, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round}
    return rows + [
        Row(
            name,
            lambda m, x, name=name: getattr(m, name)(x),
            (between(3, 4),),
            spelled,
            flat=True,
            pointwise=True,
            unlike_torch="bool",
        )
        for name, spelled in flat.items()
    ]


def _binary() -> list[Row]:
    """Functions of two tensors that broadcast."""
    table: dict[str, tuple[Callable[..., Given], Callable[..., Given], Any]] = {
        "add": (normal, normal, np.add), "sub": (normal, normal, np.subtract), "mul": (normal, normal, np.multiply),
        "div": (normal, nonzero, np.divide), "true_divide": (normal, nonzero, np.true_divide),
        "pow": (positive, normal, np.power), "remainder": (between, nonzero, np.remainder),
        "fmod": (between, nonzero, np.fmod), "maximum": (normal, normal, np.maximum),
        "minimum": (normal, normal, np.minimum), "fmax": (normal, normal, np.fmax), "fmin": (normal, normal, np.fmin),
        "atan2": (nonzero, nonzero, np.arctan2), "hypot": (nonzero, nonzero, np.hypot),
        "logaddexp": (spread, spread, np.logaddexp),
    }  # fmt: skip
    rows = [
        Row(name, lambda m, x, y, name=name: getattr(m, name)(x, y), (a(2, 3), b(2, 3)), numpy=spelled, pointwise=True)
        for name, (a, b, spelled) in table.items()
    ]
    two = (normal(4, 3), nonzero(3))
    operators: dict[str, Callable[..., Any]] = {
        "+": lambda m, x, y: 2 + (x + y) + 1.5, "-": lambda m, x, y: 1.5 - (x - y) - 2,
        "*": lambda m, x, y: 3 * (x * y) * 0.5, "/": lambda m, x, y: 2.5 / (4.0 / y) + x / y / 3,
        "%": lambda m, x, y: x % y + x % 0.7, "unary": lambda m, x, y: +x - (-y) + abs(y) + (-y) * 2,
    }  # fmt: skip
    rows += [Row(name, call, two, lambda x, y, call=call: call(np, x, y)) for name, call in operators.items()]
    powers: dict[str, Callable[..., Any]] = {
        "** 2": lambda m, x: x**2, "** 3": lambda m, x: x**3, "** -1": lambda m, x: x**-1, "** 1": lambda m, x: x**1,
        "** 0": lambda m, x: x**0 + x, "** 0.5": lambda m, x: x**0.5, "2 **": lambda m, x: 2**x,
        "1.5 **": lambda m, x: 1.5**x,
    }  # fmt: skip
    rows += [Row(name, call, (positive(3, 2),), lambda x, call=call: call(np, x)) for name, call in powers.items()]
    return rows + [
        Row("0 **", lambda m, x: 0**x, (positive(3),), lambda x: 0**x, flat=True),
        Row(
            "pow",
            lambda m, x, y: m.pow(x, y),
            (nonzero(5), fixed(Given(lambda r, s: r.integers(-2, 4, s) * 1.0, (5,)))),
        ),
        Row("power", lambda m, x, y: m.power(x, y), (positive(4, 3), normal(3)), np.power, in_torch=False),
        Row("add", lambda m, x, y: m.add(x, y, alpha=2), two, unlike_torch="bool"),
        Row("sub", lambda m, x, y: m.sub(x, y, alpha=-1.5), two),
        Row(
            "floor_divide",
            lambda m, x, y: m.floor_divide(x, y),
            (between(4, 3), nonzero(3)),
            np.floor_divide,
            in_torch=False,
            flat=True,
        ),
        Row("div", lambda m, x, y: m.div(x, y, rounding_mode="floor"), (between(4, 3), nonzero(3)), flat=True),
        Row("div", lambda m, x, y: m.div(x, y, rounding_mode="trunc"), (between(4, 3), nonzero(3)), flat=True),
        Row("round", lambda m, x: m.round(x, decimals=1), (distinct(5),), lambda x: np.round(x, 1), flat=True),
        Row("rint", lambda m, x: np.rint(x), (between(5),), np.rint, in_torch=False, flat=True),
    ]


def _piecewise() -> list[Row]:
    return [
        Row("clamp", lambda m, x: m.clamp(x, -0.5, 0.7), (normal(3, 4),), lambda x: np.clip(x, -0.5, 0.7)),
        Row("clamp", lambda m, x: m.clamp(x, min=0.1), (normal(3, 4),), lambda x: np.clip(x, 0.1, None)),
        Row("clip", lambda m, x: m.clip(x, max=0.1), (normal(3, 4),), lambda x: np.clip(x, None, 0.1)),
        Row("clamp", lambda m, x, a, b: m.clamp(x, a, b), (normal(3, 4), unit(4), positive(3, 1)), np.clip),
        Row("where", lambda m, c, x, y: m.where(c, x, y), (mask(3, 1), normal(4), normal(3, 4)), np.where),
        Row("where", lambda m, c, x: m.where(c, x, 2.5), (mask(3), normal(3)), lambda c, x: np.where(c, x, 2.5)),
        Row("where", lambda m, c, x: m.where(c, 1.0, x), (mask(3), normal(3)), lambda c, x: np.where(c, 1.0, x)),
        Row("masked", lambda m, x, c: clamp_round_where.masked(x, c), (normal(3, 4), mask(4)), in_torch=False),
        Row("gelu", lambda m, x: m.gelu(x, approximate="tanh"), (normal(3, 4),), pointwise=True),
        Row("leaky_relu", lambda m, x: m.leaky_relu(x, 0.3), (nonzero(3, 4),)),
        Row("elu", lambda m, x: m.elu(x, alpha=0.4), (nonzero(3, 4),)),
        Row("softplus", lambda m, x: m.softplus(x, beta=2.0, threshold=3.0), (normal(3, 4),)),
        Row("masked_fill", lambda m, x, c: x.masked_fill(c, 3.5), (normal(3, 4), mask(3, 1))),
        Row("masked_fill", lambda m, x, c, v: x.masked_fill(c, v), (normal(3, 4), mask(4), normal())),
        Row("masked_select", lambda m, x, c: m.masked_select(x, c), (normal(3, 4), mask(3, 4))),
        Row("tril", lambda m, x: m.tril(x), (normal(3, 4),), np.tril),
        Row("tril", lambda m, x: m.tril(x, diagonal=1), (normal(2, 3, 3),), lambda x: np.tril(x, 1)),
        Row("triu", lambda m, x: m.triu(x, diagonal=-1), (normal(2, 4, 3),), lambda x: np.triu(x, -1)),
    ]


def _reductions() -> list[Row]:
    rows = []
    spelled = {"sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod}
    for name, function in spelled.items():
        given = distinct if name.startswith("am") else nonzero
        for shape, dim, keep in [
            ((3, 4), None, False), ((2, 3, 2), 1, True), ((2, 3, 2), -1, False), ((2, 3, 2), (0, 2), False),
            ((2, 3, 2), (0, -1), True), ((3,), 0, False), ((1, 3), 0, False),
        ]:  # fmt: skip
            if dim is None:
                rows += [Row(name, lambda m, x, n=name: getattr(m, n)(x), (given(*shape),), function)]
                continue
            rows.append(
                Row(
                    name,
                    lambda m, x, n=name, d=dim, k=keep: getattr(m, n)(x, dim=d, keepdim=k),
                    (given(*shape),),
                    lambda x, f=function, d=dim, k=keep: f(x, axis=d, keepdims=k),
                    in_torch=not (name == "prod" and isinstance(dim, tuple)),
                )
            )
    for name in ("var", "std"):
        f = getattr(np, name)
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (normal(3, 4),), lambda x, f=f: f(x, ddof=1)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, correction=None), (normal(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1, keepdim=True), (normal(3, 4),),
                lambda x, f=f: f(x, axis=1, ddof=1, keepdims=True)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=(0, 2), correction=0), (normal(3, 2, 2),),
                lambda x, f=f: f(x, axis=(0, 2))),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=0, unbiased=False), (normal(3, 4),),
                lambda x, f=f: f(x, axis=0)),
        ]  # fmt: skip
    return rows + [
        Row("sum", lambda m, x: m.sum(x, dtype=m.float64), (normal(3),)),
        Row("mean", lambda m, x: m.mean(x, dim=0, dtype=m.float64), (normal(3, 2),)),
        Row("prod", lambda m, x: m.prod(x, dim=1), (point([[1.5, 0.0, 3.0], [0.0, -2.0, 0.0], [0.5, 2.0, 3.0]]),)),
        Row("max", lambda m, x: m.max(x), (distinct(3, 4),), np.max),
        Row("min", lambda m, x: m.min(x), (distinct(3, 4),), np.min),
        Row("max", lambda m, x: m.max(x, dim=1), (distinct(3, 4),)),
        Row("max", lambda m, x: m.max(x, dim=0, keepdim=True), (distinct(3, 4),)),
        Row("min", lambda m, x: m.min(x, dim=-1), (distinct(2, 3, 2),)),
        Row("max", lambda m, x, y: m.max(x, y), (distinct(3, 4), normal(4))),
        Row("min", lambda m, x, y: m.min(x, y), (distinct(3, 4), normal(4))),
        Row("sort", lambda m, x: m.sort(x, dim=0), (distinct(3, 4),)),
        Row("sort", lambda m, x: m.sort(x, descending=True).values, (distinct(3, 4),), lambda x: np.sort(x)[:, ::-1]),
        Row("sort", lambda m, x: m.sort(x.reshape(-1))[0], (distinct(3, 4),), lambda x: np.sort(x, axis=None)),
        Row("topk", lambda m, x: m.topk(x, 2), (distinct(3, 4),), unlike_torch="int64 int32 uint8 bool"),  # ties
        Row("topk", lambda m, x: m.topk(x, 3, dim=0, largest=False).values, (distinct(4, 3),)),
        Row("cumsum", lambda m, x: m.cumsum(x, dim=1), (normal(3, 4),), lambda x: np.cumsum(x, axis=1)),
        Row("cumsum", lambda m, x: m.cumsum(x, dim=-2), (normal(3, 4),), lambda x: np.cumsum(x, -2)),
        Row("cumsum", lambda m, x: np.cumsum(x), (normal(3, 4),), np.cumsum, in_torch=False),
        Row("logsumexp", lambda m, x: m.logsumexp(x, dim=1), (spread(3, 4),)),
        Row("logsumexp", lambda m, x: m.logsumexp(x, dim=(0, 2), keepdim=True), (spread(3, 4, 2),)),
        Row("softmax", lambda m, x: m.softmax(x, dim=1), (normal(3, 4),)),
        Row("softmax", lambda m, x: m.softmax(x, dim=0), (normal(3),)),
        Row("softmax", lambda m, x: m.softmax(x, dim=-3, dtype=m.float64), (normal(3, 4, 2),)),
        Row("log_softmax", lambda m, x: m.log_softmax(x, dim=1), (spread(3, 4),)),
        Row("log_softmax", lambda m, x: m.log_softmax(x, dim=0), (normal(3, 4, 2),)),
    ]  # fmt: skip


def _shapes() -> list[Row]:
    x = (normal(2, 3, 4),)
    return [
        Row("reshape", lambda m, x: m.reshape(x, (4, 6)), x, lambda x: np.reshape(x, (4, 6))),
        Row("reshape", lambda m, x: x.reshape(-1, 2), x, lambda x: x.reshape(-1, 2)),
        Row("reshape", lambda m, x: m.reshape(x, shape=(3, -1)), x),
        Row("view", lambda m, x: x.view(6, 4), x),
        Row("ravel", lambda m, x: m.ravel(x), x, np.ravel),
        Row("flatten", lambda m, x: m.flatten(x), x, lambda x: x.reshape(-1)),
        Row("flatten", lambda m, x: m.flatten(x, start_dim=1), x),
        Row("ravel", lambda m, x: np.ravel(x), x, np.ravel, in_torch=False),
        Row("flatten", lambda m, x: m.flatten(x, 0, -2), x),
        Row("unflatten", lambda m, x: m.unflatten(x, 2, (2, -1)), x),
        Row("transpose", lambda m, x: m.transpose(x, 0, -1), x, lambda x: np.swapaxes(x, 0, -1)),
        Row("swapaxes", lambda m, x: m.swapaxes(x, 1, 2), x, lambda x: np.swapaxes(x, 1, 2)),
        Row("swapdims", lambda m, x: m.swapdims(x, 0, 2), x, lambda x: np.swapaxes(x, 0, 2)),
        Row("t", lambda m, x: m.t(x), (normal(3, 4),), np.transpose),
        Row(".T", lambda m, x: x.T + x.mT, (normal(3, 4),), in_torch=True),
        Row("permute", lambda m, x: m.permute(x, (2, 0, -2)), x, lambda x: np.transpose(x, (2, 0, -2))),
        Row("permute", lambda m, x: m.permute(x, dims=(1, 2, 0)), x, lambda x: np.permute_dims(x, (1, 2, 0))),
        Row("permute", lambda m, x: x.permute(2, 1, 0), x, lambda x: x.transpose() if type(x) is np.ndarray else x.T),
        Row("movedim", lambda m, x: m.movedim(x, 0, 2), x, lambda x: np.moveaxis(x, 0, 2)),
        Row("moveaxis", lambda m, x: m.moveaxis(x, (0, 1), (-1, 0)), x, lambda x: np.moveaxis(x, (0, 1), (-1, 0))),
        Row("unsqueeze", lambda m, x: m.unsqueeze(x, dim=1), x, lambda x: np.expand_dims(x, 1)),
        Row("unsqueeze", lambda m, x: m.unsqueeze(x, dim=-1), x, lambda x: np.expand_dims(x, -1)),
        Row("squeeze", lambda m, x: m.squeeze(x), (normal(1, 3, 1),), np.squeeze),
        Row("squeeze", lambda m, x: m.squeeze(x, dim=(0, 1)), (normal(1, 3, 1),)),
        Row("squeeze", lambda m, x: m.squeeze(x, dim=-1), (normal(1, 3, 1),), lambda x: np.squeeze(x, -1)),
        Row("expand", lambda m, x: x.expand(2, -1, 4), (normal(3, 1),), lambda x: np.broadcast_to(x, (2, 3, 4))),
        Row("expand", lambda m, x: x.expand((4,)), (normal(),), lambda x: np.broadcast_to(x, (4,))),
        Row("expand_as", lambda m, x, y: x.expand_as(y), (normal(3, 1), fixed(normal(2, 3, 4)))),
        Row("expand_to", lambda m, x: broadcasting.expand_to(x, (2, 3)), (normal(3),), in_torch=False),
        Row("broadcast_to", lambda m, x: m.broadcast_to(x, (2, 3)), (normal(3),), lambda x: np.broadcast_to(x, (2, 3))),
        Row("tile", lambda m, x: m.tile(x, (2, 3)), (normal(2, 3),), lambda x: np.tile(x, (2, 3))),
        Row("tile", lambda m, x: m.tile(x, dims=(2,)), (normal(2, 3),), lambda x: np.tile(x, 2)),
        Row("tile", lambda m, x: m.tile(x, (2, 1, 3)), (normal(2, 3),), lambda x: np.tile(x, (2, 1, 3))),
        Row("repeat", lambda m, x: x.repeat(2, 1, 2), (normal(2, 3),)),
        Row("clone", lambda m, x: m.clone(x) if hasattr(m, "clone") else x.clone(), x, np.copy),
        Row("to", lambda m, x: x.to(m.float32) * 2, x, numerical=False),
        Row("contiguous", lambda m, x: x.transpose(0, 1).contiguous(), x),
        Row("real", lambda m, x: np.real(x), x, np.real, in_torch=False),
    ]


def _joins() -> list[Row]:
    x, y = normal(2, 3), normal(2, 1)
    return [
        Row("cat", lambda m, x, y: m.cat([x, y, x], dim=1), (x, y), lambda x, y: np.concatenate([x, y, x], axis=1)),
        Row("cat", lambda m, x, y: m.cat((x, y), dim=-1), (x, y), lambda x, y: np.concatenate((x, y), -1)),
        Row("concat", lambda m, x, y: m.concat([x, y]), (normal(3), normal(2)), lambda x, y: np.concatenate([x, y])),
        Row("concatenate", lambda m, x, y: m.concatenate([x, y]), (normal(3), fixed(normal(2)))),
        Row("concatenate", lambda m, x, y: np.concatenate([x, y], axis=None), (x, y),
            lambda x, y: np.concatenate([x, y], axis=None), in_torch=False),
        Row("vstack", lambda m, x, y: np.vstack([x, y]), (normal(3), normal(2, 3)),
            lambda x, y: np.vstack([x, y]), in_torch=False),
        Row("hstack", lambda m, x, y: np.hstack([x, y]), (x, y), lambda x, y: np.hstack([x, y]), in_torch=False),
        Row("stack", lambda m, x, y: m.stack([x, y]), (x, normal(2, 3)), lambda x, y: np.stack([x, y])),
        Row("stack", lambda m, x, y: m.stack([x, y, x], dim=-1), (x, normal(2, 3)),
            lambda x, y: np.stack([x, y, x], axis=-1)),
        Row("split", lambda m, x: m.split(x, 2), (normal(5, 2),), lambda x: np.split(x, [2, 4])),
        Row("split", lambda m, x: m.split(x, (1, 3, 0), dim=1), (normal(2, 4),), lambda x: np.split(x, [1, 4], 1)),
        Row("split", lambda m, x: x.split(2, dim=-1)[1], (normal(2, 4),), lambda x: np.split(x, 2, axis=-1)[1]),
        Row("chunk", lambda m, x: m.chunk(x, 3, dim=1), (normal(2, 7),)),
        Row("chunk", lambda m, x: m.chunk(x, 4), (normal(6),)),
        Row("unbind", lambda m, x: m.unbind(x, dim=1), (normal(2, 3),)),
        Row("iteration", lambda m, x: [2 * row for row in x], (normal(3, 2),), lambda x: [2 * row for row in x]),
        Row("narrow", lambda m, x: m.narrow(x, 1, 1, 2), (normal(2, 4),), lambda x: x[:, 1:3]),
        Row("narrow", lambda m, x: m.narrow(x, dim=0, start=-2, length=1), (normal(3),)),
        Row("flip", lambda m, x: m.flip(x, (0,)), (normal(3, 2),), lambda x: np.flip(x, 0)),
        Row("flip", lambda m, x: m.flip(x, dims=(0, -1)), (normal(3, 2),), np.flip),
        Row("flip", lambda m, x: x.flip(0, 1), (normal(3, 2),), lambda x: np.flip(x, (0, 1))),
        Row("roll", lambda m, x: m.roll(x, 2), (normal(3, 2),), lambda x: np.roll(x, 2)),
        Row("roll", lambda m, x: m.roll(x, shifts=(1, -2), dims=(0, 1)), (normal(3, 4),),
            lambda x: np.roll(x, (1, -2), (0, 1))),
        Row("roll", lambda m, x: m.roll(x, -1, dims=1), (normal(3, 4),), lambda x: np.roll(x, -1, axis=1)),
        Row("pad", lambda m, x: m.pad(x, (1, 2)), (normal(2, 3),), lambda x: np.pad(x, ((0, 0), (1, 2)))),
        Row("pad", lambda m, x: m.pad(x, (1, 0, 0, 2), value=1.5), (normal(2, 3),),
            lambda x: np.pad(x, ((0, 2), (1, 0)), constant_values=1.5)),
        Row("pad", lambda m, x: m.pad(x, [-1, 2, 1, -1]), (normal(2, 3),)),
        Row("pad", lambda m, x: m.pad(x, (2, 1), mode="reflect"), (normal(2, 4),),
            lambda x: np.pad(x, ((0, 0), (2, 1)), "reflect")),
        Row("pad", lambda m, x: m.pad(x, (1, 2, 3, 0), mode="replicate"), (normal(1, 2, 3),),
            lambda x: np.pad(x, ((0, 0), (3, 0), (1, 2)), mode="edge")),
        Row("pad", lambda m, x: m.pad(x, (2, 1), mode="circular"), (normal(2, 3),),
            lambda x: np.pad(x, ((0, 0), (2, 1)), mode="wrap")),
    ]  # fmt: skip


def _indexing() -> list[Row]:
    x = (normal(4, 3, 2),)
    keys: dict[str, Callable[[Any], Any]] = {
        "x[1]": lambda x: x[1],
        "x[-1, 2, 0]": lambda x: x[-1, 2, 0],
        "x[1:3]": lambda x: x[1:3],
        "x[::2, 1:]": lambda x: x[::2, 1:],
        "x[..., 0]": lambda x: x[..., 0],
        "x[None, 1, ..., None]": lambda x: x[None, 1, ..., None],
        "x[[0, 2, 2]]": lambda x: x[[0, 2, 2]],
        "x[:, [1, 1], :]": lambda x: x[:, [1, 1], :],
        "x[[0, 1], :, [1, 1]]": lambda x: x[[0, 1], :, [1, 1]],
        "x[[[0], [3]], [0, 2]]": lambda x: x[[[0], [3]], [0, 2]],
        "x[x > 0]": lambda x: x[x > 0],
        "x[x[:, 0, 0] > 0]": lambda x: x[x[:, 0, 0] > 0],
        "x[1:1]": lambda x: [x[1:1] * 2, x * 1],
        "x[[]]": lambda x: [x[[]], x * 1],
        "x[[True, False, True, False]]": lambda x: x[[True, False, True, False]],
        "x[1:][0][:, 1]": lambda x: x[1:][0][:, 1],
    }
    rows = [Row(f"getitem {key}", lambda m, x, f=f: f(x), x, f) for key, f in keys.items()]
    rows += [
        Row("getitem negative step", lambda m, x: x[::-1, ::-2], x, lambda x: x[::-1, ::-2], in_torch=False),
        Row("getitem index tensors", lambda m, x, i, j: x[i, j], (*x, integers(0, 4, 5), integers(0, 3, 5))),
        Row("getitem scalar tensor", lambda m, x, i: x[i, :, i], (*x, array(1))),
        Row("gather", lambda m, x, i: m.gather(x, 1, i), (normal(3, 4), integers(0, 4, 3, 2))),
        Row("gather", lambda m, x, i: m.gather(x, dim=0, index=i), (normal(3, 4), integers(0, 3, 5, 2))),
        Row("take_along_dim", lambda m, x, i: m.take_along_dim(x, i, dim=1), (normal(3, 4), integers(0, 4, 3, 2)),
            lambda x, i: np.take_along_axis(x, i.detach().numpy() if hasattr(i, "detach") else i, axis=1)),
        Row("take_along_dim", lambda m, x, i: m.take_along_dim(x, i, dim=0), (normal(3, 4), integers(0, 3, 2, 1)),
            lambda x, i: np.take_along_axis(x, i, 0)),
        Row("take_along_dim", lambda m, x, i: m.take_along_dim(x, i), (normal(3, 4), integers(0, 12, 5)),
            lambda x, i: np.take_along_axis(x, i, None)),
        Row("index_select", lambda m, x, i: m.index_select(x, 1, i), (normal(3, 4), integers(0, 4, 6))),
        Row("index_select", lambda m, x, i: m.index_select(x, dim=-2, index=i), (normal(3, 4), integers(0, 3, 1))),
        Row("index_sum", lambda m, x: index.index_sum(x, (4, 2), (np.array([0, 2, 0]),)), (normal(3, 2),),
            in_torch=False),
        Row("index_put", lambda m, x, v: index.index_put(x, v, (np.array([0, 2, 0]),)), (normal(4, 2), normal(3, 2)),
            in_torch=False),
        Row("index_put", lambda m, x, v: index.index_put(x, v, (slice(1, 3), 0)), (normal(4, 2), normal(1)),
            in_torch=False),
    ]  # fmt: skip

    def written(key: Callable[..., None]) -> Callable[..., Any]:
        def call(m: Any, x: Any, v: Any) -> Any:
            y = x * 1.0
            key(y, v)
            return y

        return call

    def row(name: str, key: Callable[..., None], *value: int) -> Row:
        return Row(f"setitem {name}", written(key), (*x, normal(*value)))

    return rows + [
        row("x[1] = v", lambda x, v: x.__setitem__(1, v), 3, 2),
        row("x[1:3] = v", lambda x, v: x.__setitem__(slice(1, 3), v), 2),
        row("x[..., 0] = v", lambda x, v: x.__setitem__((..., 0), v)),
        row("x[[0, 2]] = v", lambda x, v: x.__setitem__([0, 2], v), 2, 3, 2),
        row("x[mask] = v", lambda x, v: x.__setitem__(x > 0, v)),
        row("x[1][:, 0] = v", lambda x, v: x[1].__setitem__((slice(None), 0), v), 3),
        row("x[0].mul_(v)", lambda x, v: x[0].mul_(v), 2),
        row("x.view(6, 4)[1:].add_(v)", lambda x, v: x.view(6, 4)[1:].add_(v), 5, 4),
        row("x.transpose(0, 2)[1] = v", lambda x, v: x.transpose(0, 2).__setitem__(1, v), 3, 4),
        row("x[0] = v[0]", lambda x, v: x.__setitem__(0, v[0]), 4, 3, 2),
        row("x[1].copy_(v)", lambda x, v: x[1].copy_(v), 2),
        row("x[1].fill_(2)", lambda x, v: (x[1].fill_(2.0), x[2].mul_(v)), 3, 2),
        Row("scatter", lambda m, x, v: views.scatter(x, v, ((index.take, (slice(1, 3),)),)), (normal(4), normal(2)),
            in_torch=False),
    ]  # fmt: skip


def _products() -> list[Row]:
    rows = []
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
                 ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((1, 1), (1, 1))]:  # fmt: skip
        rows.append(Row("matmul", lambda m, x, y: m.matmul(x, y), (normal(*a), normal(*b)), np.matmul))
    for equation, *shapes in [
        ("ij,jk->ik", (2, 3), (3, 4)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("ii", (3, 3)), ("ii->i", (3, 3)),
        ("ij->ji", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("i,j", (2,), (3,)), ("i,i,i->i", (3,), (3,), (3,)),
        ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)), ("b...->...", (2, 3, 2)), ("ij,k->k", (2, 3), (4,)),
        ("aab,bc->ac", (2, 2, 3), (3, 2)), ("ba,a", (2, 3), (3,)), ("ij,ij->i", (1, 3), (2, 3)), (" i j , j -> i ",
            (2, 3), (3,)),
        ("...a->a...", (2, 1, 3)),
    ]:  # fmt: skip
        rows.append(
            Row(
                f"einsum {equation}",
                lambda m, *xs, e=equation: m.einsum(e, *xs),
                tuple(normal(*s) for s in shapes),
                lambda *xs, e=equation: np.einsum(e, *xs),
                unlike_torch="uint8 bool",  # what PyTorch takes to be a sum becomes int64
            )
        )
    m23 = normal(2, 3)
    return rows + [
        Row("einsum list", lambda m, x, y: m.einsum("ij,kj->ik", [x, y]), (m23, normal(4, 3)), in_torch=True),
        Row("@", lambda m, x, y: x @ y, (m23, normal(3, 2)), lambda x, y: x @ y),
        Row("@ array", lambda m, x: np.ones((2, 2), np.float32) @ x, (normal(2, 3),), in_torch=False),
        Row("mm", lambda m, x, y: m.mm(x, y), (m23, normal(3, 2)), lambda x, y: np.dot(x, y)),
        Row("bmm", lambda m, x, y: m.bmm(x, y), (normal(2, 2, 3), normal(2, 3, 1)), np.matmul),
        Row("mv", lambda m, x, y: m.mv(x, y), (m23, normal(3)), np.dot),
        Row("dot", lambda m, x, y: m.dot(x, y), (normal(3), normal(3)), np.dot),
        Row("np.dot", lambda m, x, y: np.dot(x, y), (normal(2, 3), normal(2, 3, 2)), np.dot, in_torch=False),
        Row("np.dot", lambda m, x, y: np.dot(x, y), (normal(), m23), np.dot, in_torch=False),
        Row("outer", lambda m, x, y: m.outer(x, y), (normal(3), normal(2)), np.outer),
        Row("tensordot", lambda m, x, y: m.tensordot(x, y, dims=2), (normal(2, 3, 2), normal(3, 2, 2)), np.tensordot),
        Row("tensordot", lambda m, x, y: m.tensordot(x, y, dims=([1, 0], [0, 2])), (m23, normal(3, 4, 2)),
            lambda x, y: np.tensordot(x, y, axes=([1, 0], [0, 2]))),
        Row("tensordot", lambda m, x, y: m.tensordot(x, y, ([0, 1], [2, 0])), (normal(1, 1, 2), normal(2, 1, 3)),
            unlike_torch="int64 int32 uint8 bool"),  # the sum of one alone is of another dtype
        Row("tensordot", lambda m, x, y: m.tensordot(x, y, 0), (normal(2), normal(3)), lambda x,
            y: np.tensordot(x, y, 0)),
        Row("linear", lambda m, x, w, b: m.linear(x, w, b), (normal(4, 3), m23, normal(2))),
        Row("linear", lambda m, x, w: m.linear(x, w), (normal(3), m23)),
        Row("linear", lambda m, x, w, b: m.linear(x, w, bias=b), (normal(2, 2, 3), m23, normal(2))),
    ]  # fmt: skip


def _losses() -> list[Row]:
    rows = []
    for reduction in ("mean", "sum", "none"):
        for name, a, b in [
            ("mse_loss", normal, normal), ("l1_loss", normal, normal), ("binary_cross_entropy", probability,
                probability),
            ("binary_cross_entropy_with_logits", normal, probability),
        ]:  # fmt: skip
            rows.append(
                Row(name, lambda m, x, y, n=name, r=reduction: getattr(m, n)(x, y, reduction=r), (a(3, 2), b(3, 2)))
            )
        for name in ("cross_entropy", "nll_loss"):

            def call(m: Any, x: Any, t: Any, *w: Any, n: str = name, r: str = reduction) -> Any:
                return getattr(m, n)(x, t, *w, reduction=r, ignore_index=3)

            rows += [
                Row(name, call, (normal(5, 4), integers(0, 3, 5))),
                Row(name, call, (normal(5, 4), array([0, 3, 1, 3, 2]))),
                Row(name, call, (normal(4), array(2))),
                Row(name, call, (normal(2, 4, 3), integers(0, 4, 2, 3), fixed(positive(4)))),
                Row(name, call, (normal(5, 4), integers(0, 4, 5), fixed(positive(4)))),
            ]

        def smooth(m: Any, x: Any, t: Any, *w: Any, r: str = reduction) -> Any:
            return m.cross_entropy(x, t, *w, reduction=r, label_smoothing=0.3)

        rows += [
            Row("cross_entropy", smooth, (normal(5, 4), array([0, -100, 1, 3, 2]))),
            Row("cross_entropy", smooth, (normal(5, 4), integers(0, 4, 5), fixed(positive(4)))),
            Row("cross_entropy", smooth, (normal(3, 4), distribution(3, 4))),
            Row("cross_entropy", smooth, (normal(3, 4), fixed(distribution(3, 4)), fixed(positive(4)))),
            Row("cross_entropy", lambda m, x, t, r=reduction: m.cross_entropy(x, t, reduction=r),
                (normal(2, 4, 3), fixed(distribution(2, 4, 3)))),
            Row("cross_entropy", lambda m, x, t, r=reduction: m.cross_entropy(x, t, reduction=r),
                (normal(4), distribution(4))),
        ]  # fmt: skip
    weighted = {"weight": positive(2)}
    return rows + [
        Row("cross_entropy", lambda m, x, t: m.cross_entropy(x, t), (normal(2, 100), integers(0, 100, 2))),
        Row("mse_loss", lambda m, x, y, w: m.mse_loss(x, y, weight=w),
            (normal(3, 2), normal(3, 2), weighted["weight"]),
            in_torch=False),
        Row("mse_loss", lambda m, x, y: m.mse_loss(x, y, size_average=False), (normal(3, 2), normal(3, 2))),
        Row("l1_loss", lambda m, x, y: m.l1_loss(x, y, reduce=False), (normal(3, 2), normal(3, 2))),
        Row("binary_cross_entropy", lambda m, x, y, w: m.binary_cross_entropy(x, y, w),
            (probability(3, 2), probability(3, 2), fixed(positive(2)))),
        Row("binary_cross_entropy_with_logits", lambda m, x, y, w,
            p: m.binary_cross_entropy_with_logits(x, y, w, pos_weight=p),
            (normal(3, 2), probability(3, 2), fixed(positive(2)), fixed(positive(2)))),
        Row("binary_cross_entropy_with_logits", lambda m, x, y,
            p: m.binary_cross_entropy_with_logits(x, y, pos_weight=p),
            (normal(3, 2), probability(3, 2), positive(2)), in_torch=False),
    ]  # fmt: skip


def _normalizations() -> list[Row]:
    def training(m: Any, x: Any, *affine: Any) -> Any:
        return m.nn.functional.batch_norm(x, None, None, *affine, training=True)

    def evaluation(m: Any, x: Any, mean: Any, var: Any, *affine: Any) -> Any:
        return m.nn.functional.batch_norm(x, mean, var, *affine, eps=0.1)

    return [
        Row("batch_norm", training, (normal(5, 3), normal(3), normal(3))),
        Row("batch_norm", training, (normal(5, 3),)),
        Row("batch_norm", training, (normal(2, 3, 2, 2), normal(3), normal(3))),
        Row("batch_norm", evaluation, (normal(5, 3), fixed(normal(3)), fixed(positive(3)), normal(3), normal(3))),
        Row("batch_norm", evaluation, (normal(2, 3, 2), fixed(normal(3)), fixed(positive(3)))),
        Row("dropout", lambda m, x: m.dropout(x, p=0.5, training=False), (normal(3, 4),)),
        Row(
            "dropout",
            lambda m, x: m.dropout(x, 0.4, generator=m.Generator().manual_seed(1)),
            (normal(3, 4),),
            in_torch=False,
        ),
    ]


FAMILIES = [import_module(path.stem) for path in sorted(Path(__file__).with_name("ops").glob("ops_rows_*.py"))]

OPS: list[Row] = [
    *_unary(), *_binary(), *_piecewise(), *_reductions(), *_shapes(), *_joins(), *_indexing(), *_products(), *_losses(),
    *_normalizations(), *(row for family in FAMILIES for row in family.ROWS),
]  # fmt: skip


# --- without gradient -------------------------------------------------------------------------------------------


def _questions() -> list[Row]:
    """What carries no gradient."""
    rows = []
    for name in ("eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater", "greater_equal"):
        spelled = getattr(np, {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
                               "ge": "greater_equal"}.get(name, name))  # fmt: skip
        rows.append(
            Row(name, lambda m, x, y, n=name: getattr(m, n)(x, y), (integers(0, 3, 3, 4), integers(0, 3, 4)), spelled)
        )
    operators: list[Callable[..., Any]] = [
        lambda x, y: x == y, lambda x, y: x != y, lambda x, y: x < y, lambda x, y: x <= 1, lambda x, y: y < 1,
        lambda x, y: x >= y, lambda x, y: x // y, lambda x, y: x & y, lambda x, y: x | 1,
        lambda x, y: x ^ y, lambda x, y: ~x,        lambda x, y: x << y, lambda x, y: x >> 1,
    ]  # fmt: skip
    rows += [Row(f"operator {i}", lambda m, x, y, f=f: f(x, y), (integers(1, 6, 3, 4), integers(1, 6, 4)), f)
             for i, f in enumerate(operators)]  # fmt: skip
    special = array([1.0, -0.0, np.nan, np.inf, -np.inf, -2.0])
    for name in ("isnan", "isinf", "isfinite", "signbit"):
        rows.append(Row(name, lambda m, x, n=name: getattr(m, n)(x), (special,), getattr(np, name)))
    two_masks = (mask(3, 4), mask(4))
    for name in ("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor"):
        rows.append(Row(name, lambda m, x, y, n=name: getattr(m, n)(x, y), two_masks, getattr(np, name)))
    numbers = (integers(0, 9, 3, 4), integers(0, 9, 4))
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        rows.append(Row(name, lambda m, x, y, n=name: getattr(m, n)(x, y), numbers, getattr(np, name)))
    for name, function in [("all", np.all), ("any", np.any), ("count_nonzero", np.count_nonzero)]:
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (mask(3, 4),), function),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1), (integers(0, 2, 3, 4),), lambda x,
                f=function: f(x, axis=1)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=(0, 2)), (mask(2, 3, 2),), lambda x,
                f=function: f(x, axis=(0, 2))),
        ]  # fmt: skip
    for name, function in [("argmax", np.argmax), ("argmin", np.argmin)]:
        rows += [
            Row(name, lambda m, x, n=name: getattr(m, n)(x), (distinct(3, 4),), function),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1), (distinct(3, 4),), lambda x,
                f=function: f(x, axis=1)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=-2, keepdim=True), (distinct(2, 3, 4),),
                lambda x, f=function: f(x, axis=-2, keepdims=True)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, keepdim=True), (distinct(3, 4),)),
            Row(name, lambda m, x, n=name: getattr(m, n)(x, dim=1), (integers(0, 3, 3, 9),)),
        ]  # fmt: skip
    return rows + [
        Row("all", lambda m, x: m.all(x, dim=1, keepdim=True), (mask(3, 4),), lambda x: np.all(x, 1, keepdims=True)),
        Row("logical_not", lambda m, x: m.logical_not(x), (integers(0, 2, 5),), np.logical_not),
        Row("bitwise_not", lambda m, x: m.bitwise_not(x), (mask(5),), np.invert),
        Row("left_shift", lambda m, x, y: x << y, (integers(0, 9, 5), integers(0, 4, 5)), np.left_shift),
        Row("right_shift", lambda m, x, y: x >> y, (integers(0, 99, 5), integers(0, 4, 5)), np.right_shift),
        Row("isclose", lambda m, x, y: m.isclose(x, y, atol=0.5), (normal(5), normal(5)), lambda x,
            y: np.isclose(x, y, atol=0.5)),
        Row("isclose", lambda m, x: m.isclose(x, x, equal_nan=True), (special,)),
        Row("where", lambda m, c: m.where(c), (mask(3, 4),)),
        Row("argsort", lambda m, x: m.argsort(x, dim=0), (distinct(3, 4),), lambda x: np.argsort(x, axis=0)),
        Row("argsort", lambda m, x: m.argsort(x, descending=True), (distinct(3, 4),)),
        Row("argsort", lambda m, x: m.argsort(x, dim=1, stable=True), (integers(0, 3, 2, 20),)),
        Row("argsort", lambda m, x: m.argsort(x, dim=1, descending=True, stable=True), (integers(0, 3, 2, 20),)),
        Row("floor_divide", lambda m, x, y: m.floor_divide(x, y), (fixed(between(4, 3)), fixed(nonzero(3)))),
        Row("one_hot", lambda m, x: m.one_hot(x), (integers(0, 4, 3, 2),)),
        Row("one_hot", lambda m, x: m.one_hot(x, 6), (integers(0, 4, 3),)),
    ]  # fmt: skip


QUESTIONS: list[Row] = [*_questions(), *(row for family in FAMILIES for row in getattr(family, "QUESTIONS", []))]


LIBRARY_ROWS: set[rules.Op] = {
    op
    for op in rules.TABLE.values()
    if all(getattr(op.twin or rule.vjp, "__module__", "").startswith("tinygrad_lite") for rule in op.rules)
}
"""The table's rows that the library itself has made; tests and users add theirs."""
