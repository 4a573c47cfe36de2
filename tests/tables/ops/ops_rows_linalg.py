"""Rows of products, distances and linear algebra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, array, fixed, normal, point, positive

from tinygrad_lite.ops.linalg.determinant import cofactors


def regular(*shape: int) -> Given:
    """Matrices that are far from singular, with different singular values."""
    return Given(lambda rng, s: 0.4 * rng.standard_normal(s) + np.eye(*s[-2:]) * np.arange(2, 2 + s[-1]), shape)


TRIANGLE = Given(lambda rng, s: np.tril(0.4 * rng.standard_normal(s)) + 2 * np.eye(s[-1]), (3, 3))
"""Whose gradient above the diagonal, where nothing is read, is PyTorch's."""


def linalg(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    """``m.linalg.name(*tensors, *args, **options)``."""
    return lambda m, *tensors: getattr(m.linalg, name)(*tensors, *args, **options)


def numpys(name: str, *args: Any, **options: Any) -> Callable[..., Any]:
    return lambda *tensors: getattr(np.linalg, name)(*tensors, *args, **options)


def symmetric(x: Any) -> Any:
    return x + x.mT


def factored(m: Any, x: Any) -> Any:
    """LU and exchanges, as arguments."""
    return m.linalg.lu_factor(x)


def definite(x: Any) -> Any:
    return x @ x.mT


def exponential(m: Any, x: Any) -> Any:
    """By eigenvalues."""
    values, vectors = m.linalg.eig(x)
    return m.real(vectors @ (m.exp(values)[..., None] * m.linalg.inv(vectors)))


def truncated(m: Any, x: Any) -> Any:
    """Of rank 2."""
    u, s, vh = m.linalg.svd(x)
    return u[..., :2] * s[..., None, :2] ** 2 @ vh[..., :2, :]


def _older_lu() -> list[Row]:
    square, right = regular(2, 3, 3), normal(2, 3, 2)
    return [
        Row("lu_unpack", lambda m, x: m.lu_unpack(*factored(m, x))[1:], (square,)),
        Row("lu_unpack", lambda m, x: m.lu_unpack(*factored(m, x), unpack_pivots=False)[1:], (regular(4, 3),)),
        Row("lu_solve", lambda m, b, x: m.lu_solve(b, *factored(m, x)), (right, square)),
        Row("triangular_solve", lambda m, b, x: m.triangular_solve(b, x)[0], (right, square)),
        Row("triangular_solve", lambda m, b, x: m.triangular_solve(b, x, False, True, True), (right, square)),
    ]


def _products() -> list[Row]:
    m23, v2, v3 = normal(2, 3), normal(2), normal(3)
    rows = []
    for name, inputs in {
        "addmm": (normal(2, 4), m23, normal(3, 4)), "addmv": (v2, m23, v3), "addr": (m23, v2, v3),
        "addbmm": (normal(2, 4), normal(5, 2, 3), normal(5, 3, 4)),
        "baddbmm": (normal(5, 2, 4), normal(5, 2, 3), normal(5, 3, 4)),
    }.items():  # fmt: skip
        rows += [
            Row(name, lambda m, x, a, b, n=name: getattr(m, n)(x, a, b), inputs),
            Row(name, lambda m, x, a, b, n=name: getattr(m, n)(x, a, b, beta=0.5, alpha=-2), inputs,
                unlike_torch="int64 int32 uint8 bool"),
            Row(name, lambda m, x, a, b, n=name: getattr(m, n)(x, a, b, beta=0), (fixed(inputs[0]), *inputs[1:]),
                unlike_torch="bool"),
            Row(f"{name}_", lambda m, x, a, b, n=name: getattr(x * 1, f"{n}_")(a, b, alpha=3), inputs,
                unlike_torch="bool"),
        ]  # fmt: skip
    return rows + [
        Row("addmm", lambda m, x, a, b: m.addmm(x, a, b), (normal(4), m23, normal(3, 4))),
        Row("addmm", lambda m, x, a, b: m.addmm(x, a, b), (normal(), m23, normal(3, 4))),
        Row("vdot", lambda m, x, y: m.vdot(x, y), (v3, normal(3)), np.vdot),
        Row("inner", lambda m, x, y: m.inner(x, y), (m23, normal(4, 3)), np.inner),
        Row("inner", lambda m, x, y: m.inner(x, y), (v3, normal(3)), np.inner),
        Row("inner", lambda m, x, y: m.inner(x, y), (normal(), m23), np.inner),
        Row("ger", lambda m, x, y: m.ger(x, y), (v3, v2)),
        Row("kron", lambda m, x, y: m.kron(x, y), (m23, normal(3, 2)), np.kron),
        Row("kron", lambda m, x, y: m.kron(x, y), (v3, normal(2, 1, 2)), np.kron),
        Row("cross", lambda m, x, y: m.cross(x, y, dim=-1), (m23, normal(2, 3)), np.cross),
        Row("cross", lambda m, x, y: m.cross(x, y), (normal(3, 2), normal(3, 1))),
        Row("linalg.cross", linalg("cross"), (m23, normal(1, 3)), np.cross),
        Row("linalg.cross", linalg("cross", dim=0), (normal(3, 2), normal(3, 2)), lambda x, y: np.cross(x, y, axis=0)),
        Row("linalg.vecdot", linalg("vecdot"), (m23, v3)),
        Row("linalg.vecdot", linalg("vecdot", dim=0), (m23, normal(2, 1))),
        Row("linalg.matmul", linalg("matmul"), (m23, normal(3, 2))),
        Row("linalg.diagonal", linalg("diagonal", offset=1), (normal(2, 3, 4),)),
        Row("linalg.diagonal", linalg("diagonal", dim1=0, dim2=1), (normal(2, 3, 4),)),
        Row("linalg.multi_dot", lambda m, *ts: m.linalg.multi_dot(ts), (normal(3, 5), normal(5, 2), normal(2, 4)),
            lambda *ts: np.linalg.multi_dot(ts)),
        Row("linalg.multi_dot", lambda m, *ts: m.linalg.multi_dot(ts), (normal(5), normal(5, 2), normal(2, 4),
            normal(4))),
        Row("chain_matmul", lambda m, *ts: m.chain_matmul(*ts), (m23, normal(3, 4), normal(4, 1))),
        Row("bilinear", lambda m, x, y, w, b: m.bilinear(x, y, w, b), (normal(4, 2), normal(4, 3), normal(5, 2, 3),
            normal(5))),
        Row("bilinear", lambda m, x, y, w: m.bilinear(x, y, w), (v2, v3, normal(5, 2, 3))),
        Row("linear", lambda m, x, w: m.linear(x, w), (normal(2, 4, 3), normal(3))),
        Row("linear", lambda m, x, w, b: m.linear(x, w, b), (normal(2, 4, 3), normal(3), normal())),
        Row("linear", lambda m, x, w, b: m.linear(x, w, b), (normal(4, 3), normal(2, 3), normal(4, 2))),
    ]  # fmt: skip


def _norms() -> list[Row]:
    return [
        Row("nuclear_norm", lambda m, x: m.nuclear_norm(x), (regular(3, 3),)),
        Row("nuclear_norm", lambda m, x: m.nuclear_norm(x, (1, 2), True), (regular(2, 3, 3),)),
        Row("frobenius_norm", lambda m, x: m.frobenius_norm(x, (0, 1)), (normal(3, 4),)),
        Row("frobenius_norm", lambda m, x: m.frobenius_norm(x, [1], True), (normal(3, 4),)),
        Row("norm_except_dim", lambda m, x: m.norm_except_dim(x, 2, 1), (normal(3, 4, 2),)),
        Row("norm_except_dim", lambda m, x: m.norm_except_dim(x, 3, -1), (normal(3, 4),)),
        Row("lobpcg", lambda m, x: m.lobpcg(definite(x), 2)[0], (regular(7, 7),), in_torch=False),
    ]


def _distances() -> list[Row]:
    rows = []
    for p in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, float("inf")):
        rows += [
            Row("cdist", lambda m, x, y, p=p: m.cdist(x, y, p=p), (normal(3, 4), normal(2, 4)), flat=p == 0),
            Row("pdist", lambda m, x, p=p: m.pdist(x, p), (normal(4, 3),), flat=p == 0),
        ]
    mode = "use_mm_for_euclid_dist"
    return rows + [
        Row("cdist", lambda m, x, y: m.cdist(x, y), (normal(2, 3, 4), normal(2, 4))),
        Row("cdist", lambda m, x, y: m.cdist(x, y, compute_mode=mode), (normal(2, 3, 4), normal(2, 5, 4))),
        Row("cdist", lambda m, x, y: m.cdist(x, y), (normal(26, 2), normal(3, 2))),
        Row("cdist", lambda m, x, y: m.cdist(x, y), (point([[0.0, 1.0], [1.0, 2.0]]), point([[0.0, 1.0]])),
            numerical=False),
    ]  # fmt: skip


def _equations() -> list[Row]:
    square, two = regular(3, 3), regular(2, 3, 3)
    rows = [
        Row("lu", lambda m, x: m.lu(x)[0], (two,)),
        Row("lu", lambda m, x: x.lu()[0], (regular(4, 3),)),
        Row("linalg.inv", linalg("inv"), (two,), np.linalg.inv),
        Row("inverse", lambda m, x: m.inverse(x), (square,)),
        Row("linalg.solve", linalg("solve"), (square, normal(3)), np.linalg.solve),
        Row("linalg.solve", linalg("solve"), (two, normal(2, 3, 2)), np.linalg.solve),
        Row("linalg.solve", linalg("solve"), (two, normal(2, 3))),
        Row("linalg.solve", linalg("solve"), (two, normal(3, 4)), np.linalg.solve),
        Row("linalg.solve", linalg("solve", left=False), (square, normal(2, 3))),
        Row("linalg.tensorinv", lambda m, x: m.linalg.tensorinv(x.reshape(2, 3, 6)), (regular(6, 6),),
            lambda x: np.linalg.tensorinv(x.reshape(2, 3, 6))),
        Row("linalg.tensorinv", lambda m, x: m.linalg.tensorinv(x.reshape(4, 2, 2), ind=1), (regular(4, 4),)),
        Row("linalg.tensorsolve", lambda m, x, y: m.linalg.tensorsolve(x.reshape(2, 3, 6), y),
            (regular(6, 6), normal(2, 3)), lambda x, y: np.linalg.tensorsolve(x.reshape(2, 3, 6), y)),
        Row("linalg.tensorsolve", lambda m, x, y: m.linalg.tensorsolve(x.reshape(3, 6, 2), y, dims=(0, 2)),
            (regular(6, 6), normal(6))),
        Row("cholesky_solve", lambda m, b, x: m.cholesky_solve(b, m.tril(x)), (normal(2, 3, 2), two)),
        Row("cholesky_solve", lambda m, b, x: m.cholesky_solve(b, m.triu(x), upper=True), (normal(3, 2), square)),
        Row("cholesky_solve", lambda m, b, x: m.cholesky_solve(b, x), (normal(3, 2), TRIANGLE), numerical=False),
        Row("cholesky_inverse", lambda m, x: m.cholesky_inverse(x), (TRIANGLE,), numerical=False),
        Row("cholesky_inverse", lambda m, x: m.cholesky_inverse(m.tril(x)), (square,)),
        Row("cholesky_inverse", lambda m, x: m.cholesky_inverse(m.triu(x), upper=True), (two,)),
        Row("det", lambda m, x: m.det(x), (square,), np.linalg.det),
        Row("linalg.det", linalg("det"), (two,), np.linalg.det),
        Row("cofactors", lambda m, x: cofactors(x), (regular(2, 3, 3),), in_torch=False),
        Row("slogdet", lambda m, x: m.slogdet(x)[1], (square,), lambda x: np.linalg.slogdet(x)[1]),
        Row("linalg.slogdet", linalg("slogdet"), (two,), np.linalg.slogdet),
        Row("logdet", lambda m, x: m.logdet(x), (two,)),
        Row("linalg.pinv", linalg("pinv"), (regular(2, 4, 3),), np.linalg.pinv),
        Row("linalg.pinv", linalg("pinv"), (regular(3, 4),), np.linalg.pinv),
        Row("linalg.pinv", linalg("pinv", rtol=0.55), (point(np.diag([4.0, 3.0, 2.0])),), numerical=False),
        Row("linalg.pinv", lambda m, x, y: m.linalg.pinv(x @ y, atol=1e-3), (normal(4, 2), normal(2, 3))),
        Row("linalg.pinv", lambda m, x: m.linalg.pinv(x + x.mT, hermitian=True), (regular(3, 3),)),
        Row("pinverse", lambda m, x: m.pinverse(x), (regular(4, 3),)),
        Row("linalg.lstsq", lambda m, x, y: m.linalg.lstsq(x, y)[:2], (regular(2, 3), normal(2, 2)), in_torch=False),
        Row("linalg.lstsq", lambda m, x, y: m.linalg.lstsq(x, y)[0], (regular(4, 3), normal(4, 2))),
        Row("linalg.lstsq", lambda m, x, y: m.linalg.lstsq(x, y).solution, (regular(2, 3, 4), normal(2, 3, 2))),
        Row("linalg.lstsq", lambda m, x, y: m.linalg.lstsq(x, y, driver="gelsd")[:2], (regular(4, 3), normal(4, 2))),
    ]  # fmt: skip
    for upper in (True, False):
        for unit in (True, False):
            options = {"upper": upper, "unitriangular": unit}
            rows += [
                Row("linalg.solve_triangular", linalg("solve_triangular", **options), (two, normal(2, 3, 4))),
                Row(
                    "linalg.solve_triangular", linalg("solve_triangular", left=False, **options), (square, normal(2, 3))
                ),
            ]
    return rows


def _factors() -> list[Row]:
    square, high, wide = regular(3, 3), regular(2, 4, 3), regular(3, 4)
    rows = [
        Row("cholesky", lambda m, x: m.cholesky(definite(x)), (square,), lambda x: np.linalg.cholesky(definite(x))),
        Row("cholesky", lambda m, x: m.cholesky(definite(x), upper=True), (square,)),
        Row("linalg.cholesky", lambda m, x: m.linalg.cholesky(definite(x)), (regular(2, 3, 3),)),
        Row("linalg.cholesky", lambda m, x: m.linalg.cholesky(definite(x), upper=True), (square,)),
        Row("qr", lambda m, x: m.qr(x), (high,)),
        Row("linalg.qr", linalg("qr", mode="complete"), (wide,)),
        Row("linalg.qr", lambda m, x: m.linalg.qr(x).R, (wide,), lambda x: np.linalg.qr(x, "r")),
        Row("linalg.eigh", lambda m, x: [abs(t) for t in m.linalg.eigh(symmetric(x))], (regular(2, 3, 3),),
            lambda x: [abs(t) for t in np.linalg.eigh(symmetric(x))]),
        Row("linalg.eigh", lambda m, x: abs(m.linalg.eigh(symmetric(x), UPLO="U").eigenvectors), (square,)),
        Row("linalg.eigvalsh", lambda m, x: m.linalg.eigvalsh(symmetric(x)), (square,),
            lambda x: np.linalg.eigvalsh(symmetric(x))),
        Row("linalg.eig", lambda m, x: m.linalg.eig(x).eigenvectors.abs(), (square,)),
        Row("linalg.eig", exponential, (normal(2, 3, 3),)),
        Row("linalg.eigvals", lambda m, x: m.linalg.eigvals(x).abs().sum(), (square,)),
        Row("svd", lambda m, x: m.svd(x, compute_uv=False)[1], (square,)),
        Row("svd", lambda m, x: (lambda u, s, v: (u * s[..., None, :] ** 2) @ v.mT)(*m.svd(x)), (high,)),
        Row("linalg.svdvals", linalg("svdvals"), (wide,), lambda x: np.linalg.svd(x, compute_uv=False)),
        Row("linalg.svdvals", linalg("svdvals"), (high,)),
    ]  # fmt: skip
    for given in (square, high, wide, normal(2, 3, 3), normal(4, 2), normal(2, 4)):
        rows += [
            Row("linalg.lu", linalg("lu"), (given,)),
            Row("linalg.lu_factor", lambda m, x: m.linalg.lu_factor(x)[0], (given,)),
        ]
    for adjoint in (True, False):
        rows += [
            Row("linalg.lu_solve", lambda m, x, b, a=adjoint: m.linalg.lu_solve(*m.linalg.lu_factor(x), b, adjoint=a),
                (normal(2, 3, 3), normal(2, 3, 2))),
            Row("linalg.lu_solve", lambda m, x, b, a=adjoint: m.linalg.lu_solve(*m.linalg.lu_factor(x), b, left=False,
                adjoint=a), (square, normal(2, 3))),
        ]  # fmt: skip
    for given in (square, high, wide):
        rows += [
            Row("linalg.qr", linalg("qr"), (given,), lambda x: tuple(np.linalg.qr(x))),
            Row("linalg.svd", lambda m, x: [abs(t) for t in m.linalg.svd(x, full_matrices=False)], (given,),
                lambda x: [abs(t) for t in np.linalg.svd(x, full_matrices=False)]),
            Row("linalg.svd", truncated, (given,)),
        ]  # fmt: skip
    return rows


def _functions() -> list[Row]:
    two, square, wide = regular(2, 3, 3), regular(3, 3), regular(3, 4)
    rows = []
    for ord in (0, 1, 2, 3, 0.5, 1.5, -1, -2, np.inf, -np.inf):
        rows += [
            Row("linalg.vector_norm", linalg("vector_norm", ord), (normal(2, 3),), flat=ord == 0),
            Row("linalg.vector_norm", linalg("vector_norm", ord, dim=(0, -1), keepdim=True), (normal(2, 3, 2),),
                flat=ord == 0),
            Row("linalg.norm", linalg("norm", ord, dim=0), (normal(2, 3),), numpys("norm", ord, axis=0), flat=ord == 0),
        ]  # fmt: skip
    for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        rows += [
            Row("linalg.matrix_norm", linalg("matrix_norm", ord, keepdim=True), (wide,),
                numpys("norm", ord, keepdims=True)),
            Row("linalg.norm", linalg("norm", ord, dim=(2, 0)), (normal(3, 2, 4),), numpys("norm", ord, axis=(2, 0))),
            Row("linalg.cond", linalg("cond", ord), (two,), numpys("cond", ord), in_torch=ord in (2, -2)),  # it raises
        ]  # fmt: skip
    for n in (-2, -1, 1, 2, 3, 5):
        rows.append(
            Row("linalg.matrix_power", linalg("matrix_power", n), (regular(2, 3, 3),), numpys("matrix_power", n))
        )
    return rows + [
        Row("linalg.vector_norm", linalg("vector_norm", dtype=None), (point([[0.0, 0.0]]),), numerical=False),
        Row("linalg.norm", linalg("norm"), (normal(2, 3, 2),), np.linalg.norm),
        Row("linalg.matrix_norm", linalg("matrix_norm"), (point(np.zeros((2, 2))),), numerical=False),
        Row("linalg.cond", linalg("cond"), (wide,), np.linalg.cond),
        Row("matrix_power", lambda m, x: m.matrix_power(x, 0) + x, (square,)),
        Row("matrix_exp", lambda m, x: m.matrix_exp(x), (normal(3, 3),)),
        Row("linalg.matrix_exp", linalg("matrix_exp"), (normal(2, 3, 3),)),
        Row("linalg.matrix_exp", lambda m, x: m.linalg.matrix_exp(x * 6), (normal(2, 2),)),
    ]


ROWS: list[Row] = [*_older_lu(), *_products(), *_norms(), *_distances(), *_equations(), *_factors(), *_functions()]

QUESTIONS: list[Row] = [
    Row("linalg.matrix_rank", linalg("matrix_rank"), (normal(3, 4),), np.linalg.matrix_rank),
    Row("linalg.matrix_rank", lambda m, x, y: m.linalg.matrix_rank(x @ y), (normal(2, 4, 2), normal(2, 2, 3))),
    Row("linalg.matrix_rank", linalg("matrix_rank", atol=1.5), (fixed(positive(3, 3)),)),
]


def _indefinite() -> list[Row]:
    """Exchanges of one row and of two; there is no gradient."""
    x, b = fixed(normal(2, 6, 6)), fixed(normal(6, 2))
    hollow = array([[0.0, 9.0, 9.0], [2.0, 0.0, 9.0], [0.0, 1.0, 0.0]])
    rows = [Row("linalg.ldl_factor", linalg("ldl_factor", hermitian=h), (x,)) for h in (False, True)]

    def solved(m: Any, x: Any, y: Any, b: Any, hermitian: bool) -> Any:
        both = m.complex(x, y)
        factors = m.linalg.ldl_factor(both, hermitian=hermitian)
        return factors.pivots, m.view_as_real(m.linalg.ldl_solve(*factors, m.complex(b, b), hermitian=hermitian))

    return rows + [
        Row("linalg.ldl_factor_ex", linalg("ldl_factor_ex"), (hollow,)),
        Row("linalg.ldl_factor_ex", linalg("ldl_factor_ex"), (array(np.zeros((2, 2))),)),
        Row("linalg.ldl_solve", lambda m, x, b: m.linalg.ldl_solve(*m.linalg.ldl_factor(x), b), (x, b),
            lambda x, b: np.linalg.solve(np.tril(x) + np.swapaxes(np.tril(x, -1), -1, -2), b)),
        *(Row("complex ldl_solve", lambda m, x, y, b, h=h: solved(m, x, y, b, h), (x, fixed(normal(6, 6)), b))
          for h in (False, True)),
    ]  # fmt: skip


QUESTIONS += _indefinite()
QUESTIONS += [
    Row("lu_unpack", lambda m, x: m.lu_unpack(*factored(m, x), unpack_data=False)[0], (fixed(regular(3, 3)),))
]
