"""Rows of complex numbers: they go in and come out as pairs of real ones, so that every check holds for them, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from ops_cases import Row, mask, nonzero, normal, positive


def pairs(m: Any, z: Any) -> Any:
    return m.view_as_real(z.resolve_conj()) if m.is_complex(z) else z


def of(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of complex tensors as one of their parts, the real ones first."""

    def run(m: Any, *parts: Any) -> Any:
        n = len(parts) // 2
        out = function(m, *(m.complex(x, y) for x, y in zip(parts[:n], parts[n:])))
        return [pairs(m, z) for z in out] if isinstance(out, (tuple, list)) else pairs(m, out)

    return run


def row(name: str, function: Callable[..., Any], *shapes: tuple[int, ...]) -> Row:
    return Row(f"complex {name}", of(function), tuple(nonzero(*s) for s in shapes * 2))


def named(name: str) -> Callable[..., Any]:
    return lambda m, *tensors: getattr(m, name)(*tensors)


def _elementwise() -> list[Row]:
    x = (2, 3)
    unary = (
        "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal square neg sin cos tan sinh cosh tanh asin acos "
        "atan asinh acosh atanh abs angle sgn conj conj_physical positive sigmoid sinc"
    ).split()
    rows = [row(name, named(name), x) for name in unary]
    rows += [row(name, named(name), x, (3,)) for name in ("add", "sub", "mul", "div", "pow")]
    rows += [row(name, lambda m, x, name=name: getattr(m.nn.functional, name)(x), x)
             for name in ("softsign", "tanhshrink")]  # fmt: skip
    rows.append(replace(row("silu", lambda m, x: m.nn.functional.silu(x), x), in_torch=False))  # not of complex128
    return rows + [
        row("logaddexp", lambda m, x, y: m.logaddexp(x, y), x, (3,)),
        row("logsumexp", lambda m, x: m.logsumexp(x, 1), x),
        row("logcumsumexp", lambda m, x: m.logcumsumexp(x, 0), (3, 2)),
        row("ldexp", lambda m, x: m.ldexp(x, m.tensor([-1.0, 2.0, 0.0], dtype=x.real.dtype)), x),
        row("operators", lambda m, x, y: 2j * x - (1 + 1j) / y + x * 3 - y / 2j, x, x),
        row("cumprod", lambda m, x: m.cumprod(x, 1), (2, 3)),
        row("cumprod with a zero", lambda m, x: m.cumprod(x * m.tensor([1, 0, 1, 1]), 0), (4,)),
        row("real", lambda m, x: m.real((1 + 2j) * x), x),
        row("imag", lambda m, x: m.imag((1 + 2j) * x), x),
        row("** 2", lambda m, x: x**2, x),
        row("** -1.5", lambda m, x: x**-1.5, x),
        row("** 1j", lambda m, x: x**1j, x),
        row("1j **", lambda m, x: (2j) ** x, x),
        row("2 **", lambda m, x: 2**x, x),
        row("where", lambda m, x, y: m.where(m.real(x) > 0, x, y), x, x),
        row("masked_fill", lambda m, x: x.masked_fill(m.imag(x) > 0, 2.0), x),
    ]


def _others() -> list[Row]:
    x = (2, 3)
    return [
        row("sum", lambda m, x: m.sum(x, dim=1), x),
        row("mean", lambda m, x: m.mean(x, dim=0, keepdim=True), x),
        row("var", lambda m, x: m.var(x, dim=1), x),
        row("var of all", lambda m, x: m.var(x, dim=(0, 1), correction=0, keepdim=True), x),
        row("std", lambda m, x: m.std(x, dim=0), (3, 2)),
        row("cov", lambda m, x: m.cov(x), (3, 4)),
        row("cov of weighed columns", lambda m, x: m.cov(x, aweights=m.tensor([0.5, 0.1, 0.4])), x),
        row("corrcoef", lambda m, x: m.corrcoef(x), (2, 4)),
        row("prod", lambda m, x: m.prod(x, dim=1), x),
        row("cumsum", lambda m, x: m.cumsum(x, dim=1), x),
        row("matmul", lambda m, x, y: x @ y, x, (3, 2)),
        row("matmul vector", lambda m, x, y: x @ y, x, (3,)),
        row("bmm", lambda m, x, y: m.bmm(x, y), (2, 2, 3), (2, 3, 2)),
        row("vdot", lambda m, x, y: m.vdot(x, y), (3,), (3,)),
        row("einsum", lambda m, x, y: m.einsum("iij,jk->k", x, y), (2, 2, 3), (3, 2)),
        row("linear", lambda m, x, y: m.linear(x, y), x, (4, 3)),
        row("reshape", lambda m, x: x.reshape(3, 2).T.unsqueeze(0).flatten() * 1j, x),
        row("addcmul", lambda m, x, y: m.addcmul(x, x, y, value=2), x, (3,)),
        row("addcdiv", lambda m, x, y: m.addcdiv(x, x, y), x, x),
        row("lerp", lambda m, x, y: m.lerp(x, y, 0.3), x, x),
        row("trace", lambda m, x: m.trace(x), (3, 3)),
        row("diagonal", lambda m, x: m.diagonal(x) * m.diag(x), (3, 3)),
        row("scatter_add", lambda m, x, y: x.scatter_add(1, m.argsort(abs(y), 1), y), x, x),
        row("index_add", lambda m, x, y: x.index_add(0, m.tensor([1, 1]), y), x, x),
        row("triu", lambda m, x: m.triu(x) + m.tril(x, -1) * 2j, x),
        row("repeat_interleave", lambda m, x: m.repeat_interleave(x, 2, 1), x),
        row("cat", lambda m, x, y: m.cat([x, y, x], dim=0), x, (1, 3)),
        row("stack", lambda m, x, y: m.stack([x, y], dim=-1), x, x),
        row("split", lambda m, x: [t * 1j for t in m.split(x, 2, dim=1)], x),
        row("flip", lambda m, x: m.roll(m.flip(x, (0,)), 1, 1), x),
        row("pad", lambda m, x: m.pad(x, (1, 2)), x),
        row("pad, reflected", lambda m, x: m.pad(x, (1, 2), "reflect"), x),
        row("pad, circular", lambda m, x: m.pad(x, (1, 2), "circular"), x),
        row("unfold", lambda m, x: m.nn.functional.unfold(x, 2, padding=1), (2, 3, 3)),
        row("fold", lambda m, x: m.nn.functional.fold(x, (3, 2), 2), (4, 2)),
        row("conv1d", lambda m, x, w, b: m.conv1d(x, w, b, padding=1, stride=2), (2, 2, 4), (3, 2, 3), (3,)),
        row("conv2d in groups", lambda m, x, w: m.conv2d(x, w, groups=2, dilation=2), (2, 3, 4), (2, 1, 2, 2)),
        row("conv_transpose1d", lambda m, x, w, b: m.conv_transpose1d(x, w, b, 2, 1, 1), (1, 2, 3), (2, 1, 3), (1,)),
        row("stft", lambda m, x: m.stft(x, 4, 2, window=m.ones(4, dtype=x.real.dtype), return_complex=True), (8,)),
        row("expand", lambda m, x: x.expand(2, 2, 3) * x, x),
        row("tile", lambda m, x: m.tile(x, (2, 2)), x),
        row("getitem", lambda m, x: [x[0, 1:] * 1j, x[:, [0, 0, 2]]], x),
        row("setitem", lambda m, x, y: _written(x, y), x, (3,)),
        row("gather", lambda m, x: m.take_along_dim(x, abs(x).argsort(1), 1), x),
        row("to", lambda m, x: m.real(x).to(x.dtype) * x, x),
        row("clone", lambda m, x: x.clone() * 1j, x),
        row("mH", lambda m, x: x.mH @ x, x),
        row("writes to parts", lambda m, x: _parts_written(m, x), (4,)),
        row("linalg.inv", lambda m, x: m.linalg.inv(x + 3 * m.eye(2)), (2, 2)),
        row("linalg.solve", lambda m, x, y: m.linalg.solve(x, y), (2, 2), (2, 1)),
        row("linalg.det", lambda m, x: m.linalg.det(x), (2, 2)),
        row("linalg.slogdet", lambda m, x: list(m.linalg.slogdet(x)), (2, 2)),
        row("linalg.cholesky", lambda m, x: m.linalg.cholesky(x @ x.mH + m.eye(2)), (2, 2)),
        row("linalg.qr", lambda m, x: list(m.linalg.qr(x)), (3, 2)),
        row("linalg.lu", lambda m, x: list(m.linalg.lu(x)[1:]), (3, 2)),
        row(
            "linalg.lu_solve",
            lambda m, x, y: m.linalg.lu_solve(*m.linalg.lu_factor(x), y, adjoint=True),
            (2, 2),
            (2, 1),
        ),
        row("linalg.eigvalsh", lambda m, x: m.linalg.eigvalsh(x + x.mH), (2, 2)),
        row("linalg.eigh", lambda m, x: abs(m.linalg.eigh(x + x.mH)[1]), (2, 2)),
        row("linalg.svdvals", lambda m, x: m.linalg.svdvals(x), (3, 2)),
        row(
            "linalg.svd", lambda m, x: (lambda u, s, v: u[:, :1] @ v[:1])(*m.linalg.svd(x, full_matrices=False)), (2, 3)
        ),
        row("linalg.pinv", lambda m, x: m.linalg.pinv(x), (3, 2)),
        row("linalg.matrix_exp", lambda m, x: m.linalg.matrix_exp(x), (2, 2)),
        row("linalg.vector_norm", lambda m, x: m.linalg.vector_norm(x, 3), x),
    ]


def _written(x: Any, y: Any) -> Any:
    z = x * 1
    z[1] = y
    z[0, :2] *= 2j
    return z * x


def _parts_written(m: Any, x: Any) -> Any:
    z = x * 1
    m.imag(z).mul_(3)
    m.real(z)[0] = 2
    m.view_as_real(z)[1, 0] *= m.abs(x[0])
    m.imag(z)[2:] = m.real(x[:2])
    return z * z


def part(name: str) -> Callable[..., Any]:
    """Of `real` and `imag`, which are functions and properties."""
    return lambda m, x, y: getattr(m, name)(m.complex(x, y) ** 2)


ROWS: list[Row] = [
    *_elementwise(),
    *_others(),
    Row("complex", lambda m, x, y: pairs(m, m.complex(x, y) ** 2), (normal(3, 2), normal(3, 2))),
    Row("complex", lambda m, x, y: pairs(m, m.complex(x, y)), (normal(3, 1), normal(2))),
    Row("polar", lambda m, r, a: pairs(m, m.polar(r, a)), (positive(3), normal(3))),
    Row("real", part("real"), (normal(3), normal(3))),
    Row("imag", part("imag"), (normal(3), normal(3)), lambda x, y: np.imag((x + 1j * y) ** 2)),
    Row("conj", lambda m, x: m.conj(x) * 2, (normal(3),), lambda x: np.conj(x) * 2),
    Row("conj_physical", lambda m, x: m.conj_physical(x) * 2, (normal(3),), lambda x: np.conj(x) * 2),
    Row("conj", lambda m, x, y: pairs(m, m.conj(m.complex(x, y))), (normal(3), normal(3))),
    Row("resolve_conj", lambda m, x: m.resolve_conj(x) * 2, (normal(3),)),
    Row("resolve_neg", lambda m, x: m.resolve_neg(x) * 2, (normal(3),)),
    Row("adjoint", lambda m, x: m.adjoint(x) * 2, (normal(2, 3),)),
    Row("angle", lambda m, x: m.angle(x), (nonzero(5),), np.angle, flat=True, unlike_torch="bool"),
    Row("view_as_real", lambda m, x, y: m.view_as_real(m.complex(x, y)), (normal(2, 3), normal(2, 3))),
    Row("view_as_complex", lambda m, x: pairs(m, m.view_as_complex(x) ** 2), (normal(3, 2),)),
]

QUESTIONS: list[Row] = [
    Row(
        "isreal",
        lambda m, x, c: m.isreal(m.complex(x, x * c)),
        (normal(5), mask(5)),
        lambda x, c: np.isreal(x + 1j * x * c),
    ),
    Row("is_complex", lambda m, x: m.ones(2) * m.is_complex(x), (normal(2),)),
]
