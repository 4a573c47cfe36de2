"""Linear algebra: what the rows of `ops_rows_linalg` do not say."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ops_rows_linalg import QUESTIONS, ROWS
from ops_rows_signal import ROWS as MORE
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite.kernels.linalg.triangular_solve import eliminated, substituted
from tinygrad_lite.ops.linalg.solve import triangular

RNG = np.random.default_rng(0)
A = RNG.standard_normal((2, 3, 3)) + 3 * np.eye(3)
B = RNG.standard_normal((2, 3, 2))
C = A + 1j * RNG.standard_normal((2, 3, 3))


def test_every_function_has_a_row() -> None:
    tested = {row.name.partition(".")[2] for row in [*ROWS, *QUESTIONS, *MORE]} | {"LinAlgError"}
    assert tested >= set(tg.linalg.__all__)


def test_what_pytorch_has_besides(oracle: Any) -> None:
    """Nothing is missing."""
    missing = {n for n in dir(oracle.linalg) if not n.startswith("_")} - set(dir(tg.linalg))
    assert missing - {"Tensor", "common_notes", "sys", "torch", "math"} == set()


# --- definitions: each result put back together -----------------------------------------------------------------


def close(ours: Any, values: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), values, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("values", [A, C, B, B.swapaxes(-1, -2), A[0]], ids=["real", "complex", "high", "wide", "one"])
def test_factors_multiply_to_the_matrix(values: Any) -> None:
    x = tg.tensor(values)
    for mode in ("reduced", "complete"):
        q, r = tg.linalg.qr(x, mode)
        close(q @ r, values)
        close(q.mH @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])))
        assert np.array_equal(np.triu(r.numpy()), r.numpy())
    for full in (True, False):
        u, s, vh = tg.linalg.svd(x, full)
        k = s.shape[-1]
        close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], values)
    close(x @ tg.linalg.pinv(x) @ x, values)
    u, s, v = tg.svd(x)
    close((u * s[..., None, :]) @ v.mH, values)
    assert [t.shape for t in tg.svd(x, compute_uv=False)] == [t.shape for t in tg.svd(x, some=False)]
    if values.shape[-1] == values.shape[-2]:
        w, e = tg.linalg.eig(x)
        close(x.to(w.dtype) @ e, (e * w[..., None, :]).numpy())
        h = x + x.mH
        for uplo in "LU":
            w, e = tg.linalg.eigh(h, uplo)
            close((e * w[..., None, :]) @ e.mH, h.numpy())
        h = x @ x.mH
        close(tg.linalg.cholesky(h) @ tg.linalg.cholesky(h).mH, h.numpy())
        close(tg.cholesky(h, upper=True), tg.linalg.cholesky(h).mH.numpy())
        close(tg.cholesky_inverse(tg.cholesky(h)) @ h, np.broadcast_to(np.eye(3), h.shape))


@pytest.mark.each("n", [0, 1, 2, 47, 48, 49, 100, 193])
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("unit", [True, False])
def test_triangular_systems_of_all_sizes(n: int, upper: bool, unit: bool) -> None:
    a = RNG.standard_normal((2, n, n)) / max(n, 1) + 2 * np.eye(n)
    b = RNG.standard_normal((2, n, 3))
    x = triangular(a, b, upper, unit)
    t = np.triu(a, 1) if upper else np.tril(a, -1)
    t = t + (np.eye(n) if unit else a * np.eye(n))
    np.testing.assert_allclose(t @ x, b, atol=1e-12)


def test_triangular_systems_look_at_their_triangle_only() -> None:
    a = np.where(np.tri(60, dtype=bool), RNG.standard_normal((60, 60)) / 60 + np.eye(60), np.nan)
    b = RNG.standard_normal((60, 1))
    x = tg.linalg.solve_triangular(tg.tensor(a), tg.tensor(b), upper=False)
    close(tg.tensor(np.tril(a)) @ x, b)
    a[np.arange(60), np.arange(60)] = np.nan
    x = tg.linalg.solve_triangular(tg.tensor(a), tg.tensor(b), upper=False, unitriangular=True)
    close(tg.tensor(np.tril(a, -1) + np.eye(60)) @ x, b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_exponential_of_many_sizes(dtype: str) -> None:
    """By eigenvalues, from tiny to large norms, all in one batch."""
    a = RNG.standard_normal((4, 4)) + (1j * RNG.standard_normal((4, 4)) if dtype[0] == "c" else 0)
    scales = np.array([0.0, 1e-8, 1e-3, 0.1, 1.0, 3.0, 8.0])
    w, v = np.linalg.eig(a)
    expected = np.stack([(v * np.exp(s * w)) @ np.linalg.inv(v) for s in scales])
    got = tg.linalg.matrix_exp(tg.tensor((scales[:, None, None] * a).astype(dtype)))
    assert got.dtype == np.dtype(dtype)
    for ours, theirs in zip(got.numpy(), expected):
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert error < (1e-4 if dtype in ("float32", "complex64") else 1e-12)


def test_the_exponential_of_nilpotent_and_special_matrices() -> None:
    n = tg.tensor([[0.0, 1.0, 2.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]], dtype=tg.float64)
    close(tg.linalg.matrix_exp(n), (tg.eye(3, dtype=tg.float64) + n + n @ n / 2).numpy())
    assert tg.linalg.matrix_exp(tg.zeros(0, 0)).shape == (0, 0)
    assert tg.linalg.matrix_exp(tg.zeros(2, 0, 0)).shape == (2, 0, 0)
    bad = tg.linalg.matrix_exp(tg.tensor([[[math.nan, 0.0], [0.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]))
    assert bad[0].isnan().all()
    close(bad[1], np.eye(2))


def test_chains_are_multiplied_in_the_cheapest_order() -> None:
    """Against all orders, by brute force."""
    from tinygrad_lite.ops.linalg.matrix_products import _parenthesized

    def cheapest(sizes: tuple[int, ...]) -> int:
        if len(sizes) == 2:
            return 0
        return min(
            cheapest((*sizes[:k], *sizes[k + 1 :])) + sizes[k - 1] * sizes[k] * sizes[k + 1]
            for k in range(1, len(sizes) - 1)
        )

    def cost(sizes: tuple[int, ...], split: Any, i: int, j: int) -> int:
        if i == j:
            return 0
        k = split[i, j]
        ends = sizes[i] * sizes[k + 1] * sizes[j + 1]
        return cost(sizes, split, i, k) + cost(sizes, split, k + 1, j) + ends

    for sizes in itertools.product((2, 3, 5), (7, 1), (4, 9), (1, 6), (3, 2)):
        assert cost(sizes, _parenthesized(sizes), 0, 3) == cheapest(sizes)


# --- gradients at the edges -------------------------------------------------------------------------------------


def test_the_determinants_gradient_at_singular_matrices() -> None:
    """The cofactors, by finite differences; of rank 2, 1 and 0."""
    rank2 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]])
    for values in (rank2, np.stack([rank2, A[0]]), np.diag([0.0, 2.0, 3.0])):
        assert tg.gradcheck(tg.linalg.det, tg.tensor(values, requires_grad=True))
    for values in (np.outer([1.0, 2.0, 3.0], [1.0, 0.0, 2.0]), np.zeros((3, 3))):
        x = tg.tensor(values, requires_grad=True)
        tg.linalg.det(x).backward()
        close(x.grad, np.zeros((3, 3)))


def test_derivatives_of_a_singular_determinant() -> None:
    """The second from the minors, the third no numbers."""
    x = tg.tensor(np.diag([0.0, 2.0, 3.0]), requires_grad=True)
    (g,) = tg.autograd.grad(tg.linalg.det(x), x, create_graph=True)
    (h,) = tg.autograd.grad(g.sum(), x, create_graph=True)
    close(h.detach(), np.array([[5.0, -3.0, -2.0], [-3.0, 3.0, 0.0], [-2.0, 0.0, 2.0]]))
    with np.errstate(all="ignore"):
        (third,) = tg.autograd.grad(h.sum(), x)
    assert not np.isfinite(third.numpy()).any()


def test_equal_values_have_gradients_and_their_vectors_none() -> None:
    eye = tg.tensor(2 * np.eye(3), requires_grad=True)
    for values in (tg.linalg.svdvals, tg.linalg.eigvalsh):
        (g,) = tg.autograd.grad(values(eye).sum(), eye)
        close(g, np.eye(3))
    (g,) = tg.autograd.grad(tg.linalg.matrix_norm(eye, "nuc"), eye)
    close(g, np.eye(3))
    for vectors in (lambda x: tg.linalg.eigh(x)[1], lambda x: tg.linalg.svd(x)[0]):
        (g,) = tg.autograd.grad(vectors(eye)[0, 1], eye)
        assert not np.isfinite(g.numpy()).all()


def test_an_unused_part_of_a_factor_needs_nothing() -> None:
    x = tg.tensor(A, requires_grad=True)
    for part in (lambda: tg.linalg.qr(x).R[0, 0, 0], lambda: tg.linalg.svd(x).Vh[0, 0, 0], lambda: tg.slogdet(x)[1][0]):
        (g,) = tg.autograd.grad(part(), x)
        assert np.isfinite(g.numpy()).all()
        assert g.numpy()[0].any()
        assert not g.numpy()[1].any()


# --- programs, as in PyTorch ------------------------------------------------------------------------------------

programs = Programs()


def with_gradient(function: Callable[..., Any], *arrays: Any) -> Callable[[Any], Any]:
    def program(m: Any) -> Any:
        inputs = [m.tensor(a, requires_grad=True) for a in arrays]
        out = function(m, *inputs)
        return [out, *m.autograd.grad(out.sum(), inputs)]

    return program


@programs
def distances_at_zero(m: Any) -> Any:
    results = []
    for p in (0.5, 1.0, 1.5, 2.0, 3.0, math.inf):
        x = m.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 1.0]], dtype=m.float64, requires_grad=True)
        y = m.tensor([[0.0, 1.0]], dtype=m.float64, requires_grad=True)
        (m.cdist(x, y, p=p).sum() + m.pdist(x, p).sum()).backward()
        results += [x.grad, y.grad]
    return results


@programs
def distances_by_products_at_zero(m: Any) -> Any:
    x = m.tensor(np.eye(30, 3), requires_grad=True)
    d = m.cdist(x, x)
    d.sum().backward()
    return d, x.grad


@programs
def sizes_of_distances(m: Any) -> Any:
    return [m.cdist(m.zeros(*a), m.zeros(*b)).shape for a, b in
            (((0, 3), (2, 3)), ((2, 0), (4, 0)), ((5, 1, 2, 3), (4, 2, 3)), ((2, 0, 3), (2, 2, 3)))] + [
                m.pdist(m.zeros(1, 3)).shape, m.pdist(m.zeros(0, 3)).shape]  # fmt: skip


@programs
def norms_at_zero(m: Any) -> Any:
    results = []
    for ord in (1, 1.5, 2, 3, math.inf):
        x = m.zeros(2, 3, dtype=m.float64, requires_grad=True)
        m.linalg.vector_norm(x, ord, dim=1).sum().backward()
        results.append(x.grad)
    return results


@programs
def empty_matrices(m: Any) -> Any:
    e, b = m.ones(0, 0), m.ones(2, 0, 0)
    return [m.linalg.det(e), m.linalg.det(b), m.linalg.inv(b), m.linalg.slogdet(e)[1], m.linalg.cholesky(e),
            m.linalg.solve(e, m.ones(0, 2)), m.linalg.qr(m.ones(3, 0))[0], m.linalg.svdvals(m.ones(2, 0)),
            m.linalg.pinv(m.ones(2, 0)), m.linalg.matrix_rank(m.ones(2, 0)), m.linalg.eigvalsh(e)]  # fmt: skip


@programs
def second_derivatives_of_nothing(m: Any) -> Any:
    x = m.ones(2, 0, 0, requires_grad=True)
    (first,) = m.autograd.grad(m.linalg.det(x).sum(), x, create_graph=True)
    return m.autograd.grad(first.sum() + x.sum(), x)[0], m.einsum("ni,ni->n", m.ones(0, 3), m.ones(0, 3))


@programs
def products_of_nothing(m: Any) -> Any:
    return [m.mm(m.ones(2, 0), m.ones(0, 3)), m.addmm(m.ones(3), m.ones(2, 0), m.ones(0, 3)),
            m.kron(m.ones(0), m.ones(2)), m.inner(m.ones(0), m.ones(0)), m.dot(m.ones(0), m.ones(0))]  # fmt: skip


@programs
def beta_of_zero_hides_everything(m: Any) -> Any:
    x = m.tensor([math.nan, math.inf], requires_grad=True)
    out = m.addmm(x, m.ones(2, 2), m.ones(2, 2), beta=0)
    out.sum().backward()
    return out, x.grad


@programs
def singular_systems(m: Any) -> Any:
    return m.linalg.solve(m.ones(2, 2), m.ones(2))


@programs
def singular_inverse(m: Any) -> Any:
    return m.linalg.inv(m.zeros(2, 2))


@programs
def not_positive_definite(m: Any) -> Any:
    return m.linalg.cholesky(-m.eye(2))


@programs
def condition(m: Any) -> Any:
    x = m.tensor(A)
    results = [m.linalg.cond(x, p) for p in (None, 2, -2, "fro", "nuc", 1, -1, math.inf, -math.inf)]
    return [*results, m.linalg.cond(m.ones(2, 2), 1), m.linalg.cond(m.tensor(np.stack([A[0], np.ones((3, 3))])), "fro")]


@programs
def ranks(m: Any) -> Any:
    x = m.tensor(np.diag([4.0, 2.0, 1e-3]))
    rank = m.linalg.matrix_rank
    tolerances = m.tensor([0.1, 3.0], dtype=m.float64)
    both = m.stack([x, x])
    return [rank(x), rank(x, atol=0.1), rank(x, rtol=0.6), rank(x, atol=0.1, rtol=0.6), rank(both, atol=tolerances),
            rank(m.zeros(3, 2)), rank(x, hermitian=True)]  # fmt: skip


@programs
def least_squares(m: Any) -> Any:
    a, b = m.tensor(B), m.tensor(A)
    results = []
    for driver in (None, "gels", "gelsy", "gelsd", "gelss"):
        results.append([t for t in m.linalg.lstsq(a, b, driver=driver) if t.dtype != m.int64])
    return results


@programs
def least_squares_of_a_singular_matrix(m: Any) -> Any:
    a, b = m.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 6.0]], dtype=m.float64), m.tensor([[1.0], [2.0], [0.5]]).double()
    cuts = {"gelsd": (None, -1.0, 0.0, 0.5, 1.0, 2.0), "gelss": (None, -1.0, 0.5), "gelsy": (None, 1e-8)}
    found = [m.linalg.lstsq(a, b, rcond=cut, driver=d) for d, some in cuts.items() for cut in some]
    return [[each.solution, each.rank] for each in found]


@programs
def factors_of_nothing(m: Any) -> Any:
    shapes = [(0, 3), (3, 0), (0, 0), (2, 0, 3), (0, 3, 3), (2, 3, 0)]
    return [list(m.linalg.lu_factor_ex(m.zeros(shape))) for shape in shapes]


@programs
def solving_for_vectors(m: Any) -> Any:
    x = m.tensor(A)
    shapes = [(3,), (2, 3), (3, 2), (2, 3, 1), (5, 2, 3, 4)]
    return [m.linalg.solve(x, m.ones(*s, dtype=m.float64)) for s in shapes]


@programs
def triangular_with_batches(m: Any) -> Any:
    x, y = m.tensor(A), m.ones(4, 1, 3, 2, dtype=m.float64)
    return m.linalg.solve_triangular(x, y, upper=True), m.linalg.solve_triangular(x[0], y.mT, upper=False, left=False)


@programs
def signs_and_logarithms(m: Any) -> Any:
    x = m.tensor(np.stack([np.eye(2), np.diag([-1.0, 1.0]), np.zeros((2, 2))]))
    return [*m.linalg.slogdet(x), m.logdet(x), *m.slogdet(m.tensor(C)), m.logdet(m.tensor(C))]


@programs
def qr_without_q(m: Any) -> Any:
    q, r = m.linalg.qr(m.tensor(A), mode="r")
    return q.shape, r


@programs
def qr_complete_has_no_gradient(m: Any) -> Any:
    x = m.tensor(B, requires_grad=True)
    q, _ = m.linalg.qr(x, mode="complete")
    q.sum().backward()


@programs
def triangles(m: Any) -> Any:
    results = []
    for x in (m.tensor(A), m.tensor(B), m.tensor(C), m.tensor(A[:, :2]), m.ones(3, 3), m.zeros(2, 0), m.ones(0, 2, 2)):
        factors = m.linalg.lu(x)
        results += [*factors, factors[0] @ factors[1] @ factors[2]]
    return results, [m.linalg.lu_factor(m.tensor(x)) for x in (A, B, C, A[:, :2])]


@programs
def triangles_that_solve_nothing(m: Any) -> Any:
    return m.linalg.lu_factor(m.ones(3, 3))


@programs
def norms_of_many_kinds(m: Any) -> Any:
    x = m.tensor(RNG_3)
    norm = m.linalg.norm
    return [norm(x), norm(x, dim=1), norm(x, dim=(0, 2)), norm(x, "fro", dim=(1, 2)),
            norm(x, 1, dim=(0, 1), keepdim=True), norm(x[0, 0], 3), norm(x[0], -2), norm(x, keepdim=True),
            norm(x, 2, 1, dtype=m.float64), m.linalg.vector_norm(x, 3, keepdim=True),
            m.linalg.matrix_norm(x, "nuc", (0, 1)), m.linalg.vector_norm(m.tensor(C)),
            m.linalg.matrix_norm(m.tensor(C), 1), m.norm(m.tensor(C))]  # fmt: skip


RNG_3 = RNG.standard_normal((2, 3, 4))


def _refused(name: str, function: Callable[[Any], Any]) -> None:
    function.__name__ = name
    programs(function)


for _name, _function in {
    "inv of a vector": lambda m: m.linalg.inv(m.ones(3)), "inv of a rectangle": lambda m: m.linalg.inv(m.ones(2, 3)),
    "inv of integers": lambda m: m.linalg.inv(m.ones(2, 2, dtype=m.int64)),
    "det of a rectangle": lambda m: m.linalg.det(m.ones(2, 3)),
    "solve sizes": lambda m: m.linalg.solve(m.eye(3), m.ones(2)),
    "solve vector left": lambda m: m.linalg.solve(m.eye(3), m.ones(3), left=False),
    "triangular sizes": lambda m: m.linalg.solve_triangular(m.eye(3), m.ones(2, 1), upper=True),
    "triangular vector": lambda m: m.linalg.solve_triangular(m.eye(3), m.ones(3), upper=True),
    "qr mode": lambda m: m.linalg.qr(m.eye(3), mode="other"), "eigh uplo": lambda m: m.linalg.eigh(m.eye(3), "X"),
    "norm order": lambda m: m.linalg.norm(m.eye(3), "other"), "norm of 3": lambda m: m.linalg.norm(m.ones(2, 2, 2), 1),
    "norm of integers": lambda m: m.linalg.vector_norm(m.ones(2, dtype=m.int64)),
    "matrix norm order": lambda m: m.linalg.matrix_norm(m.eye(3), 3),
    "matrix norm dims": lambda m: m.linalg.matrix_norm(m.eye(3), dim=(0, 0)),
    "power of a rectangle": lambda m: m.linalg.matrix_power(m.ones(2, 3), 2),
    "power": lambda m: m.linalg.matrix_power(m.eye(2), 1.5),
    "multi_dot of one": lambda m: m.linalg.multi_dot([m.eye(2)]),
    "multi_dot dims": lambda m: m.linalg.multi_dot([m.eye(2), m.ones(2), m.eye(2)]),
    "multi_dot sizes": lambda m: m.linalg.multi_dot([m.eye(2), m.eye(3)]),
    "tensorinv": lambda m: m.linalg.tensorinv(m.ones(2, 3, 4)),
    "tensorinv ind": lambda m: m.linalg.tensorinv(m.eye(2), 0),
    "tensorsolve": lambda m: m.linalg.tensorsolve(m.ones(2, 3), m.ones(2)),
    "cross of 2": lambda m: m.cross(m.ones(2), m.ones(2), dim=0),
    "cross without 3": lambda m: m.cross(m.ones(2), m.ones(2)),
    "lu without exchanges": lambda m: m.linalg.lu(m.eye(2), pivot=False),
    "lu of a vector": lambda m: m.linalg.lu_factor(m.ones(2)),
    "addmm shapes": lambda m: m.addmm(m.ones(3), m.ones(2, 2), m.ones(2, 2)),
    "addmm dims": lambda m: m.addmm(m.ones(2, 2, 2), m.ones(2, 2), m.ones(2, 2)),
    "addbmm": lambda m: m.addbmm(m.ones(2), m.ones(2, 2, 3), m.ones(2, 2, 2)),
    "vdot": lambda m: m.vdot(m.eye(2), m.eye(2)),
    "inner": lambda m: m.inner(m.ones(2), m.ones(3)), "cdist sizes": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 4)),
    "cdist p": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 3), p=-1),
    "cdist dims": lambda m: m.cdist(m.ones(3), m.ones(3)),
    "cdist mode": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 3), compute_mode="other"),
    "pdist dims": lambda m: m.pdist(m.ones(2, 3, 4)), "pdist p": lambda m: m.pdist(m.ones(2, 3), -1),
    "bilinear": lambda m: m.bilinear(m.ones(2, 3), m.ones(2, 4), m.ones(5, 4, 3)),
    "bilinear bias": lambda m: m.bilinear(m.ones(2, 3), m.ones(2, 4), m.ones(5, 3, 4), m.ones(4)),
    "no matrices": lambda m: m.chain_matmul(), "a vector": lambda m: m.chain_matmul(m.ones(2), m.ones(2, 2)),
    "complex alpha": lambda m: m.addmm(m.ones(2, 2), m.ones(2, 2), m.ones(2, 2), alpha=1j),
    "complex beta": lambda m: m.addr(m.ones(2, 2), m.ones(2), m.ones(2), beta=1j),
    "boolean alpha": lambda m: m.addr(m.ones(2, 2), m.ones(2), m.ones(2), alpha=True),
    "boolean beta": lambda m: m.addr(m.ones(2, 2).long(), m.ones(2).long(), m.ones(2).long(), beta=False),
    "lstsq": lambda m: m.linalg.lstsq(m.ones(3, 2), m.ones(2, 2)),
    "lstsq driver": lambda m: m.linalg.lstsq(m.ones(3, 2), m.ones(3, 2), driver="other"),
    "matmul of a list": lambda m: m.matmul([1.0, 2.0], m.ones(2)), "matmul by a list": lambda m: m.ones(2) @ [1.0, 2.0],
    "mm of a list": lambda m: m.mm([[1.0]], m.ones(1, 1)), "matmul of a number": lambda m: m.matmul(m.ones(2), 2.0),
}.items():  # fmt: skip
    _refused(_name, _function)


@programs.parameters()
def test_as_pytorch(program: Any) -> None:
    agree(program)


def test_messages() -> None:
    singular = tg.tensor([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]])
    with pytest.raises(
        tg.linalg.LinAlgError, match=r"inv_ex: .* \[0, 2\] \(\(Batch element 1\): The diagonal element 2"
    ):
        tg.linalg.inv_ex(singular, check_errors=True)
    with pytest.raises(
        RuntimeError, match=r"mm: inner sizes must agree, .* \(mat1 and .* multiplied \(2x3 and 2x3\)\)"
    ):
        tg.mm(tg.ones(2, 3), tg.ones(2, 3))
    with pytest.raises(TypeError, match="matmul: input must be a Tensor.*, got list"):
        tg.matmul([1.0, 2.0], tg.ones(2))
    with pytest.raises(RuntimeError, match=r"inv: the matrices must be square, got shape \(2, 3\)"):
        tg.linalg.inv(tg.ones(2, 3))
    with pytest.raises(tg.linalg.LinAlgError, match="inv: Singular matrix"):
        tg.linalg.inv(tg.ones(2, 2))
    with pytest.raises(tg.linalg.LinAlgError, match="solve_triangular: Singular matrix"):
        tg.linalg.solve_triangular(tg.zeros(2, 2), tg.ones(2, 1), upper=True)
    with pytest.raises(TypeError, match="det: the matrices must be float32, float64 or complex, got int64"):
        tg.linalg.det(tg.ones(2, 2, dtype=tg.int64))
    with pytest.raises(NotImplementedError, match="qr: mode='complete' has no gradient for more rows than columns"):
        tg.linalg.qr(tg.ones(3, 2, requires_grad=True), "complete")
    with pytest.raises(TypeError, match="cdist: the vectors must be floating point, got complex64"):
        tg.cdist(tg.ones(2, 2), tg.ones(2, 2) * 1j)


def test_numpys_functions_of_the_array_api() -> None:
    calls: list[Callable[[Any, Any], Any]] = [
        lambda x, y: np.linalg.vector_norm(x, axis=1, keepdims=True, ord=3),
        lambda x, y: np.linalg.matrix_norm(x, ord=1),
        lambda x, y: np.linalg.vecdot(x, y, axis=1), lambda x, y: np.linalg.cross(x, y, axis=0),
        lambda x, y: np.linalg.diagonal(x, offset=1), lambda x, y: np.linalg.matmul(x, y),
        lambda x, y: np.linalg.outer(x[0], y[0]), lambda x, y: np.linalg.matrix_transpose(x),
        lambda x, y: np.linalg.svdvals(x), lambda x, y: np.linalg.cholesky(x @ x.T + 9 * np.eye(3), upper=True),
        lambda x, y: np.linalg.inv((4 * x).astype(int)), lambda x, y: np.linalg.matrix_rank(x, tol=2.0),
    ]  # fmt: skip
    for call in calls:
        ours = call(tg.tensor(A[0]), tg.tensor(A[1]))
        assert isinstance(ours, tg.Tensor)
        np.testing.assert_allclose(ours.numpy(), call(A[0], A[1]), rtol=1e-5, atol=1e-6)


def test_at_infinity_cdist_shares_between_ties() -> None:
    x = tg.zeros(1, 2, requires_grad=True)
    tg.cdist(x, tg.tensor([[3.0, 3.0]]), p=math.inf).sum().backward()
    close(x.grad, [[-0.5, -0.5]])


SINGULAR = [[1.0, 2.0], [2.0, 4.0]]


@pytest.mark.parametrize("name", ["inv_ex", "solve_ex", "cholesky_ex"])
def test_the_gradient_of_no_result_is_none_either(name):
    """NaN where the matrix has no inverse; it was zero, as of a constant."""
    a = tg.tensor([SINGULAR, [[2.0, 0.0], [0.0, 1.0]]], dtype=tg.float64, requires_grad=True)
    function = getattr(tg.linalg, name)
    given = (a - 2 * tg.eye(2) * (a < 0), tg.ones(2, 2, 1, dtype=tg.float64)) if name == "solve_ex" else (a,)
    if name == "cholesky_ex":
        given = (a * tg.tensor([-1.0, 1.0])[:, None, None],)
    out = function(*given)[0]
    assert out[0].isnan().any()
    out.sum().backward()
    assert a.grad[0].isnan().all()
    assert a.grad[1].isfinite().all()


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_singular_values_of_infinities_are_refused(bad, capfd):
    """LAPACK's routine did not come to an end, or wrote to the terminal."""
    a = tg.eye(3)
    a[0, 0] = bad
    for name in ("svd", "svdvals", "pinv", "matrix_rank", "cond"):
        with pytest.raises(RuntimeError, match="finite numbers"):
            getattr(tg.linalg, name)(a)
    with pytest.raises(RuntimeError, match="finite numbers"):
        tg.linalg.norm(a, 2)
    with pytest.raises(RuntimeError, match="finite numbers"):
        tg.linalg.lstsq(a, tg.ones(3, 1))
    x = tg.stack([a, tg.zeros(3, 3)]).requires_grad_()
    tg.linalg.det(x).sum().backward()
    assert x.grad[0].isnan().any()
    assert x.grad[1].tolist() == [[0.0] * 3] * 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["eigh", "eig", "svd"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_what_depends_on_the_phases_of_complex_vectors_has_no_gradient(name, create_graph):
    """They are arbitrary, so no gradient is right; what does not depend on them has one."""

    def program(m, phases):
        rng = np.random.default_rng(0)
        a = rng.standard_normal((2, 3, 3)) + 1j * rng.standard_normal((2, 3, 3))
        x = m.tensor(a + a.conj().swapaxes(1, 2) if name == "eigh" else a, requires_grad=True)
        vectors = getattr(m.linalg, name)(x)[0 if name == "svd" else 1]
        loss = vectors.real.sum() if phases else (vectors.abs() ** 3).sum()
        return m.autograd.grad(loss, x, create_graph=create_graph)

    with pytest.raises(RuntimeError, match=f"{name}: complex vectors have arbitrary phases"):
        program(tg, True)
    agree(lambda m: program(m, False))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_substitution_is_elimination_without_anything_to_eliminate(dtype, upper, unit):
    rng = np.random.default_rng(4)
    for n, k in ((1, 1), (32, 1), (33, 5), (64, 64)):
        a = (rng.standard_normal((n, n)) / n).astype(dtype)
        a[np.arange(n), np.arange(n)] += 2
        b = rng.standard_normal((n, k)).astype(dtype)
        found = substituted(a, b, upper, unit)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, eliminated(a, b, upper, unit), rtol=0, atol=30 * np.finfo(dtype).eps)
        if n > 1:
            a[(0, -1) if not upper else (-1, 0)] = np.nan  # not looked at
            np.testing.assert_array_equal(substituted(a, b, upper, unit), found)
            a[(0, -1) if upper else (-1, 0)] = np.nan
            assert np.isnan(substituted(a, b, upper, unit)).all()


def test_a_zero_on_the_diagonal_of_40_rows_is_refused():
    a = tg.eye(40)
    a[7, 7] = 0
    with pytest.raises(tg.linalg.LinAlgError, match="Singular matrix"):
        tg.linalg.solve_triangular(a, tg.ones(40, 2), upper=True)
    assert tg.equal(tg.linalg.solve_triangular(a, tg.ones(40, 2), upper=True, unitriangular=True), tg.ones(40, 2))


@pytest.mark.parametrize(("dtype", "ulps"), [("f2", 1), ("f4", 2), ("c8", 2)])
def test_exponentials_are_computed_in_double_precision(dtype, ulps):
    a = (2 * B @ np.swapaxes(B, 1, 2) + (1j * A if dtype == "c8" else 0)).astype(dtype)
    found = tg.linalg.matrix_exp(tg.tensor(a))
    exact = tg.linalg.matrix_exp(tg.tensor(a.astype("c16"))).numpy()
    assert found.dtype == dtype
    error = np.abs(found.numpy() - exact).max((-2, -1)) / np.abs(exact).max((-2, -1))
    assert (error <= ulps * np.finfo(dtype).eps).all()
