"""Adafactor and Muon: their kernels and matrix algorithms, Muon's path against PyTorch's, memory, threads, arguments.

Adafactor also has a row in OPTIMIZERS; Muon takes matrices only, so its checks are here.
"""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from makers import assert_same, normal

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.kernels.loops import scatter
from tinygrad_lite.kernels.native import parallel
from tinygrad_lite.kernels.native.threads import launch
from tinygrad_lite.optim.adaptive import adafactor
from tinygrad_lite.optim.first_order import muon
from tinygrad_lite.optim.kernels import factored, matrix_forms

DTYPES = [np.float32, np.float64]
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
MATRICES = [(3, 5), (6, 2), (4, 4), (1, 7), (12, 30)]


def parameters(shapes, dtype=np.float64, make=tg.tensor) -> list:
    found = [make(normal(i, shape, dtype)) for i, shape in enumerate(shapes)]
    return [p.requires_grad_() for p in found]


def train(optimizer, params, steps: range, make=tg.tensor) -> list[np.ndarray]:
    for t in steps:
        for i, p in enumerate(params):
            value = p.detach().numpy()
            p.grad = make(np.asarray(normal(100 + 10 * t + i, value.shape) + 0.5 * value, value.dtype))
        optimizer.step()
    return [p.detach().numpy().copy() for p in params]


# Adafactor's kernels

STACKS = [(5, 3, 3), (1, 40, 17), (3, 1, 1), (2, 1, 9), (4, 8, 1), (0, 3, 3)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", STACKS)
def test_the_factored_loops_agree_with_their_twins(shape, dtype):
    b, m, n = shape
    g, p = normal(0, shape, dtype), normal(1, shape, dtype)
    found = []
    for which in ("plain", "compiled"):
        moments = np.full((b, m), 0.5, dtype), np.full((b, n), 0.25, dtype)
        scales, moved = (np.empty((b, m), dtype), np.empty((b, n), dtype)), p.copy()
        top = dtype(2.0)
        total = getattr(factored.refresh, which)(g, dtype(0.3), dtype(1e-7), top, *moments, *scales, 0, b)
        getattr(factored.descend, which)(moved, g, dtype(0.9), dtype(0.1), top, *scales, 0, b * m)
        found.append((np.array(total), *moments, *scales, moved))
    for plain, compiled in zip(*found):
        np.testing.assert_allclose(compiled, plain, rtol=50 * np.finfo(dtype).eps, atol=10 * np.finfo(dtype).eps)


def test_the_factored_loops_do_only_what_they_are_told():
    shape, one = (4, 3, 5), np.float64(1)
    g, p = normal(0, shape), normal(1, shape)
    for which in ("plain", "compiled"):
        moments, scales = (np.zeros((4, 3)), np.zeros((4, 5))), (np.zeros((4, 3)), np.zeros((4, 5)))
        getattr(factored.refresh, which)(g, one, 1e-9 * one, 1e9 * one, *moments, *scales, 1, 3)
        for array in (*moments, *scales):
            assert np.all(array[1:3] > 0)
            assert not array[0].any()
            assert not array[3].any()
        np.testing.assert_allclose(moments[0][1:3], (g[1:3] ** 2).mean(axis=2), rtol=1e-14)
        np.testing.assert_allclose(moments[1][1:3], (g[1:3] ** 2).mean(axis=1), rtol=1e-14)
        moved = p.copy()
        getattr(factored.descend, which)(moved, g, one, one, 1e9 * one, *scales, 4, 8)
        changed = (moved != p).any(axis=2)
        assert changed.ravel().nonzero()[0].tolist() == [4, 5, 6, 7]


def parted_plain(x, out, count, own, factor):
    out += factor * x
    count += 1
    own += x.sum()


@kernels.kernel(parted_plain)
def parted(x, out, count, own, factor):
    for i in range(len(x)):
        for j in range(x.shape[1]):
            out[i, j] += factor * x[i, j]
            own[0] += x[i, j]
        count[i] += 1


def ranged_plain(out, value, first, end):
    out[first:end] += value
    out[-1] += 1


@kernels.kernel(ranged_plain)
def ranged(out, value, first, end):
    for i in range(first, end):
        out[i] += value


SIZES = [(0, 3), (1, 3), (3, 3), (9, 3), (10, 3), (1000, 1), (997, 31)]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.each(("total", "size"), SIZES)
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_parts_cover_all_rows_once(backend, total, size, threads):
    before = kernels.get_num_threads()
    kernels.set_num_threads(threads)
    x = np.random.default_rng(0).integers(1, 9, (total, 4)).astype(float)
    out, count, own = np.zeros((total, 4)), np.zeros(total, np.int64), np.zeros((1 + total // size, 1))
    try:
        with kernels.use(backend):
            parallel.in_parts(parted, size, (x, out, count), 2.0, each=(own,))
    finally:
        kernels.set_num_threads(before)
    np.testing.assert_array_equal(out, 2 * x)
    assert (count == 1).all()
    if backend == "numba" and total > 9:  # each piece has its own row; otherwise all is done at once
        assert own[: -(-total // size), 0].tolist() == [x[i : i + size].sum() for i in range(0, total, size)]
    assert own.sum() == x.sum()


@pytest.mark.parametrize(("total", "size"), SIZES)
def test_ranges_cover_all_once(total, size):
    out = np.zeros(total + 1)
    with kernels.use("numba"):
        parallel.in_ranges(ranged, size, total, out, 3)
    assert out.tolist() == [3] * total + [0]


def test_what_is_cut_may_lie_in_any_order():
    x = np.asfortranarray(np.arange(36.0).reshape(9, 4))
    for _ in range(2):
        own, out = np.zeros((5, 1)), np.asfortranarray(np.zeros((9, 4)))
        with kernels.use("numba"):
            parallel.in_parts(parted, 2, (x, out, np.zeros(9, np.int64)), 2.0, each=(own,))
        np.testing.assert_array_equal(out, 2 * x)
        assert own[:, 0].tolist() == [x[i : i + 2].sum() for i in range(0, 9, 2)]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_is_cut_has_enough_rows(which):
    rows = [np.ones((9, 4)), np.zeros((9, 4)), np.zeros(9, np.int64), np.zeros((5, 1))]
    rows[1 + which] = rows[1 + which][:-1]
    with kernels.use("numba"), pytest.raises(ValueError, match="parted: 3 arrays must have 9 rows, and 1 at least 5, "):
        parallel.in_parts(parted, 2, rows[:3], 2.0, each=rows[3:])
    assert not rows[1].any()


def test_rows_without_elements_and_with_few_columns():
    index, table = np.array([2, 0, 2]), np.arange(6.0).reshape(3, 2)
    for run in (scatter.take_rows.plain, scatter.take_rows.compiled):
        out = np.zeros((3, 2))
        run(index, out, table)
        assert out.tolist() == [[4, 5], [0, 1], [4, 5]]


# Adafactor


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_change_nothing(dtype):
    before, found = kernels.get_num_threads(), []
    try:
        for threads in (1, 3):
            kernels.set_num_threads(threads)
            params = parameters([(90000, 3, 3), (300, 1000)], dtype)
            found.append(train(optim.Adafactor(params, lr=0.1), params, range(2)))
    finally:
        kernels.set_num_threads(before)
    assert_same(*found)


SEVERAL = [(3, 4), (7,), (), (0, 4), (2, 3, 5), (70_000,), (300, 400), (40_000, 2, 2), (1, 1), (0,), (5, 1), (1, 6)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"eps": (0.3, 0.2), "weight_decay": 0.1, "maximize": True, "ema": 0.9}])
def test_many_tensors_together_and_one_by_one(options, dtype):
    found = []
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            params = parameters(SEVERAL, dtype)
            optimizer = optim.Adafactor(params, lr=0.1, **options)
            values = train(optimizer, params, range(3))
            found.append([*values, *(s[name] for s in optimizer.state.values() for name in sorted(s))])
    eps = np.finfo(dtype).eps
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=200 * eps, atol=20 * eps)


@pytest.mark.parametrize("options", [{"maximize": True}, {"max_grad_value": 0.1}, {"max_grad_norm": 0.1}])
@pytest.mark.parametrize("make", [optim.Adafactor, optim.SGD])
def test_only_arrays_are_looked_through(make, options):
    """Of a gradient without dimensions NumPy makes a number when it is scaled, whose memory is no array's."""
    found = []
    for backend in ("numba", "numpy"):
        params = parameters([(), (3, 4)])
        with kernels.use(backend):
            found.append(train(make(params, lr=0.1, **options), params, range(2)))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_two_launches_for_a_thousand_tensors(monkeypatch):
    calls = []
    monkeypatch.setattr(adafactor, "launch", lambda kernel, *args, **options: calls.append(launch(kernel, *args)))
    params = parameters([(5,)] * 500 + [(2, 3)] * 500, np.float32)
    with kernels.use("numba"):
        train(optim.Adafactor(params), params, range(2))
    assert len(calls) == 4


@pytest.mark.parametrize(("shape", "name"), [((3, 4), "col_var"), ((5,), "variance")])
def test_moments_of_a_wrong_shape_are_refused(shape, name):
    (p,) = params = parameters([shape])
    optimizer = optim.Adafactor(params)
    train(optimizer, params, range(1))
    optimizer.state[p][name] = np.zeros((2, 2))
    for backend in ("numba", "numpy"):
        with kernels.use(backend), pytest.raises(ValueError, match=rf"Adafactor: {name} .* must have shape .*\(2, 2\)"):
            optimizer.step()


def test_one_matrix_in_numbers():
    """Shazeer and Stern, algorithm 4 with 5 and 6, step by step."""
    p, g, lr, d, eps2 = np.array([[1.0, -2.0, 0.5], [3.0, 0.1, -1.0]]), normal(0, (2, 3)), 0.3, 1.0, 1e-3
    params, r, c = {"w": p.copy()}, np.zeros(2), np.zeros(3)
    adafactor = optim.Adafactor(lr=lr)
    for t in range(1, 6):
        adafactor.update(params, {"w": t * g})
        beta2 = 1 - t**-0.8
        r = beta2 * r + (1 - beta2) * (t * t * g * g).mean(axis=1)
        c = beta2 * c + (1 - beta2) * (t * t * g * g).mean(axis=0)
        u = t * g / np.sqrt(np.outer(r, c) / r.mean())
        u /= max(1.0, np.sqrt((u * u).mean()) / d)
        p = p - max(eps2, np.sqrt((p * p).mean())) * min(lr, 1 / np.sqrt(t)) * u
        np.testing.assert_allclose(params["w"], p, rtol=1e-13)


@pytest.mark.parametrize("lay", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]], ids=["F", "strided"])
@pytest.mark.parametrize(
    ("cls", "shape"), [(optim.Adafactor, (2, 4, 3)), (optim.Adafactor, (6,)), (optim.Muon, (4, 3))]
)
def test_any_memory_layout(cls, shape, lay):
    value, grads = normal(0, shape), [normal(t, shape) for t in range(3)]
    plain, odd = {"w": value.copy()}, {"w": lay(value)}
    memory = odd["w"]
    a, b = cls(lr=0.1), cls(lr=0.1)
    for g in grads:
        a.update(plain, {"w": g})
        b.update(odd, {"w": lay(g)})
    assert odd["w"] is memory
    np.testing.assert_allclose(odd["w"], plain["w"], rtol=1e-13)


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (2, 0, 3)])
def test_empty_parameters(shape):
    params = parameters([shape, (2, 2)])
    optimizer = optim.Adafactor(params)
    train(optimizer, params, range(2))
    resumed = optim.Adafactor(params)
    resumed.load_state_dict(optimizer.state_dict())
    train(resumed, params, range(1))
    if len(shape) == 2:
        assert train(optim.Muon(params), params, range(2))[0].shape == shape


@pytest.mark.parametrize("eps", [1e-3, (None, None), (1e-3,), "small"])
def test_adafactors_eps_is_a_pair(eps):
    with pytest.raises((TypeError, ValueError), match=r"Adafactor: eps(\[1\])? must be (2 numbers|a number), got"):
        optim.Adafactor(parameters([(2, 2)]), eps=eps)


@pytest.mark.parametrize("cls", [optim.Adafactor, optim.Muon])
def test_writes_are_announced(cls):
    (w,) = parameters([(3, 4)])
    waiting = (w * w).sum()
    train(cls([w]), [w], range(1))
    with pytest.raises(RuntimeError, match=cls.__name__):
        waiting.backward()


# Muon's mathematics


def iterated(x, coefficients, steps, eps):
    """Newton and Schulz' iteration as Jordan et al. write it, on the whole matrix."""
    a, b, c = coefficients
    x = x / max(np.linalg.norm(x), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 7])
@pytest.mark.parametrize("shape", MATRICES)
def test_it_iterates_on_the_small_side_what_is_written_for_the_large(shape, steps):
    x = normal(0, shape)
    x[: shape[0] // 2] *= 1e-3  # small singular values
    expected = iterated(x, COEFFICIENTS, steps, 1e-7)
    np.testing.assert_allclose(muon.orthogonalized(x, COEFFICIENTS, steps, 1e-7), expected, rtol=1e-9, atol=1e-9)
    single = muon.orthogonalized(x.astype(np.float32), COEFFICIENTS, steps, 1e-7)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-4)


@pytest.mark.parametrize("shape", MATRICES)
def test_what_converges_is_orthogonal(shape):
    """With the coefficients of a convergent iteration (Higham, "Functions of matrices", 8.20), it is U V^T."""
    u, _, v = np.linalg.svd(normal(0, shape), full_matrices=False)
    x = (u * np.linspace(1, 0.3, len(v))) @ v
    np.testing.assert_allclose(muon.orthogonalized(x, (15 / 8, -10 / 8, 3 / 8), 30, 1e-7), u @ v, atol=1e-9)


def test_tiny_and_huge_gradients():
    x = normal(0, (3, 4), np.float32)
    expected = muon.orthogonalized(x, COEFFICIENTS, 5, 0.0)
    huge = np.ldexp(x, 100)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(muon.orthogonalized(huge, COEFFICIENTS, 5, 1e-7), expected, rtol=1e-5)
        assert np.isnan(muon.orthogonalized(np.full((2, 2), np.inf), COEFFICIENTS, 5, 1e-7)).all()
    tiny = muon.orthogonalized(np.ldexp(x, -80), COEFFICIENTS, 1, 1e-7)  # taken to be at least eps
    np.testing.assert_allclose(tiny, COEFFICIENTS[0] * np.ldexp(x, -80) / 1e-7, rtol=1e-5)
    assert not muon.orthogonalized(np.zeros((2, 3)), COEFFICIENTS, 5, 1e-7).any()


@pytest.mark.parametrize("n", [0, 1, 3, 128, 129, 300, 520])
def test_symmetric_products(n):
    a = normal(0, (n, 7))
    gram = matrix_forms.symmetric_product(a, a.T, np.empty((n, n)))
    np.testing.assert_allclose(gram, a @ a.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(gram, gram.T)


@pytest.mark.parametrize("dtype", DTYPES)
def test_muons_loops_agree_with_their_twins(dtype):
    found = []
    for which in ("plain", "compiled"):
        m, p, g, out = (normal(seed, (5, 7), dtype) for seed in range(4))
        getattr(muon.blend, which)(m, g, dtype(0.05), dtype(0.05), dtype(0.95), out)
        getattr(muon.walk, which)(p, out, dtype(0.9), dtype(0.1))
        found.append((m, out, p))
    for plain, compiled in zip(*found):
        np.testing.assert_allclose(compiled, plain, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


# Muon

VARIANTS = [
    {},
    {"lr": 0.02, "nesterov": False, "momentum": 0.8},
    {"lr": 0.02, "adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0},
    {"lr": 0.02, "adjust_lr_fn": "original", "ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5), "eps": 1e-3},
    {"lr": 0.02, "momentum": 0.0, "weight_decay": 0.5},
]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")


@pytest.fixture
def exact_torch(torch, monkeypatch):
    """PyTorch whose Muon does not round to bfloat16."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda tensor: tensor.clone())
    return torch


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_muons_path_is_pytorchs_without_its_rounding(variant, exact_torch):
    torch = exact_torch
    ours, theirs = parameters(MATRICES), parameters(MATRICES, make=torch.tensor)
    a, b = optim.Muon(ours, **variant), torch.optim.Muon(theirs, **variant)
    for t in range(10):
        steps = range(t, t + 1)
        for p, q in zip(train(a, ours, steps), train(b, theirs, steps, torch.tensor)):
            np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_muon_is_as_near_to_pytorchs_as_bfloat16_is(variant, torch):
    ours, theirs = parameters(MATRICES, np.float32), parameters(MATRICES, np.float32, torch.tensor)
    before = [p.detach().numpy().copy() for p in ours]
    a = train(optim.Muon(ours, **variant), ours, range(1))
    b = train(torch.optim.Muon(theirs, **variant), theirs, range(1), torch.tensor)
    for start, p, q in zip(before, a, b):
        assert np.linalg.norm(p - q) < 0.2 * np.linalg.norm(p - start)


def test_muons_state_goes_there_and_back(exact_torch):
    torch, variant = exact_torch, VARIANTS[1]
    theirs = parameters(MATRICES, make=torch.tensor)
    b = torch.optim.Muon(theirs, **variant)
    here = train(b, theirs, range(3), torch.tensor)
    ours = [tg.tensor(v, requires_grad=True) for v in here]
    a = optim.Muon(ours)
    a.load_state_dict(b.state_dict())
    its, mine = b.state_dict(), a.state_dict()
    assert {k: mine["param_groups"][0][k] for k in its["param_groups"][0]} == its["param_groups"][0]
    assert [s.keys() for s in mine["state"].values()] == [{"momentum_buffer"}] * len(MATRICES)
    here = train(a, ours, range(3, 6))
    for p, q in zip(here, train(b, theirs, range(3, 6), torch.tensor)):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-9)
    back = [torch.tensor(v).requires_grad_() for v in here]
    c = torch.optim.Muon(back)
    c.load_state_dict(a.state_dict(convert=torch.tensor))
    for p, q in zip(train(a, ours, range(6, 9)), train(c, back, range(6, 9), torch.tensor)):
        np.testing.assert_allclose(p, q, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_muon_resumes_bit_for_bit_and_dicts_take_the_same_path(variant):
    params = parameters(MATRICES)
    optimizer, named = optim.Muon(params, **variant), {i: p.detach().numpy().copy() for i, p in enumerate(params)}
    here = train(optimizer, params, range(3))
    by_name = optim.Muon(**variant)
    for t in range(3):
        by_name.update(named, {i: normal(100 + 10 * t + i, v.shape) + 0.5 * v for i, v in named.items()})
    assert_same(here, named.values())
    saved = pickle.loads(pickle.dumps(optimizer.state_dict()))
    again = [tg.tensor(v, requires_grad=True) for v in here]
    resumed = optim.Muon(again)
    resumed.load_state_dict(saved)
    assert_same(train(optimizer, params, range(3, 6)), train(resumed, again, range(3, 6)))


def test_muon_in_groups_climbing_and_shrinking():
    one, two = parameters(MATRICES), parameters(MATRICES)
    together = optim.Muon([{"params": one[:2], "lr": 0.1, "weight_decay": 0.0}, {"params": one[2:]}], lr=0.02)
    apart = optim.Muon(two[:2], lr=0.1, weight_decay=0.0), optim.Muon(two[2:], lr=0.02)
    for t in range(3):
        train(together, one, range(t, t + 1))
        for p, q in zip(one, two):
            q.grad = p.grad
        for optimizer in apart:
            optimizer.step()
    assert_same([p.detach().numpy() for p in one], [p.detach().numpy() for p in two])
    up, down = parameters(MATRICES), parameters(MATRICES)
    ascent, descent = optim.Muon(up, maximize=True), optim.Muon(down)
    for t in range(3):
        train(ascent, up, range(t, t + 1))
        for p, q in zip(up, down):
            q.grad = tg.tensor(-p.grad.numpy())
        descent.step()
    assert_same([p.detach().numpy() for p in up], [p.detach().numpy() for p in down])
    still = {"w": np.ones((2, 3))}
    optim.Muon(lr=0.5, weight_decay=0.2).update(still, {"w": np.zeros((2, 3))})
    np.testing.assert_allclose(still["w"], np.full((2, 3), 0.9))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_muons_float32_stays_float32(backend):
    with kernels.use(backend):
        params = parameters(MATRICES, np.float32)
        optimizer = optim.Muon(params)
        assert all(p.dtype == np.float32 for p in train(optimizer, params, range(2)))
    assert all(s["momentum_buffer"].dtype == np.float32 for s in optimizer.state.values())


def test_muon_finds_a_matrix():
    """The singular values all shrink by the same length, so that it must arrive at the target itself."""
    target, params = normal(0, (6, 4)), {"w": np.zeros((6, 4))}
    optimizer = optim.Muon(lr=0.2, weight_decay=0.0, momentum=0.5)
    for t in range(200):
        optimizer.lr = 0.2 * 0.96**t
        optimizer.update(params, {"w": params["w"] - target})
    np.testing.assert_allclose(params["w"], target, atol=1e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -0.1}, "lr must be at least 0, got -0.1"),
        ({"momentum": -0.1}, "momentum must be at least 0, got -0.1"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0, got -0.1"),
        ({"eps": -1.0}, "eps must be at least 0, got -1.0"),
        ({"ns_steps": 100}, r"ns_steps must be in \[0, 100\), got 100"),
        ({"ns_coefficients": (1.0, 2.0)}, r"ns_coefficients must be 3 numbers, got \(1.0, 2.0\)"),
        ({"adjust_lr_fn": "rms"}, "adjust_lr_fn must be one of None, 'original', 'match_rms_adamw', got 'rms'"),
        ({"differentiable": True}, "differentiable"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    error = TypeError if "differentiable" in arguments else ValueError
    with pytest.raises(error, match=f"^Muon: .*{message}"):
        optim.Muon(parameters([(2, 2)]), **arguments)


def test_muon_takes_matrices_only():
    with pytest.raises(ValueError, match=r"Muon: parameters must be matrices, got one of shape \(3,\)"):
        optim.Muon(parameters([(2, 2), (3,)]))
    optimizer = optim.Muon(parameters([(2, 2)]))
    with pytest.raises(ValueError, match="must be matrices"):
        optimizer.add_param_group({"params": parameters([(2, 2, 2)])})
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match=r"must be matrices, got one of shape \(\)"):
        optim.Muon().update({"x": 1.0}, {"x": 1.0})
