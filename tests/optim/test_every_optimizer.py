"""Every optimizer, every variant of its arguments: the checks that all rows of OPTIMIZERS must pass."""

from __future__ import annotations

import copy
import functools
import pickle
import types

import numpy as np
import pytest
from optim_references import REFERENCES
from optimizers_table import ELSEWHERE, OPTIMIZERS, Row

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim import textbook

CASES = [pytest.param(row, variant, id=f"{row.name}-{variant}") for row in OPTIMIZERS for variant in row.variants]
ROWS = [pytest.param(row, id=row.name) for row in OPTIMIZERS]
SHAPES = [(7,), (3, 5), (), (0, 4), (2, 3, 4)]


def arrays(seed: int, dtype=np.float64, shapes=SHAPES) -> list[np.ndarray]:
    return [a.copy() for a in drawn(seed, np.dtype(dtype), tuple(shapes))]


@functools.cache
def drawn(seed: int, dtype: np.dtype, shapes: tuple) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.array(rng.standard_normal(shape), dtype) for shape in shapes]


def parameters(seed: int = 0, dtype=np.float64, shapes=SHAPES) -> list[tg.Tensor]:
    return [tg.tensor(a, requires_grad=True) for a in arrays(seed, dtype, shapes)]


def set_gradients(params: list[tg.Tensor], t: int) -> None:
    """Gradients that depend on where the parameters are, so that an error in one step shows in all later ones."""
    noise = arrays(100 + t, params[0].dtype, [p.shape for p in params])
    for p, n in zip(params, noise):
        p.grad = tg.tensor(np.asarray(n + p.dtype.type(0.5) * p.detach().numpy(), p.dtype))


def train(optimizer: optim.Optimizer, params: list[tg.Tensor], steps: int, start: int = 0) -> list[np.ndarray]:
    for t in range(start, start + steps):
        set_gradients(params, t)
        optimizer.step()
    return [p.detach().numpy().copy() for p in params]


def states_of(optimizer: optim.Optimizer) -> list[dict]:
    return [dict(s) for s in optimizer.state.values()]


def same(a, b) -> bool:
    """Equal bit for bit."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


# The table


def public(module: types.ModuleType) -> set[type]:
    found = {getattr(module, name) for name in module.__all__}
    return {c for c in found if isinstance(c, type) and issubclass(c, optim.Optimizer)} - {optim.Optimizer}


def test_every_optimizer_has_a_row():
    assert {row.cls for row in OPTIMIZERS} | ELSEWHERE.keys() == public(optim) | public(textbook)


def test_every_row_is_compared_with_something_independent():
    for row in OPTIMIZERS:
        written = row.cls.__name__ in REFERENCES  # for whole arrays, from the paper: optim_references.py
        assert row.oracle or row.reference or (written and not row.name.startswith("textbook"))


def test_every_switch_is_thrown_in_some_variant():
    for row in OPTIMIZERS:
        fields = row.cls.__signature__.parameters
        switches = {n for n, f in fields.items() if isinstance(f.default, bool)} - set(row.cls.ignored)
        if row.cls is optim.AdamW:
            switches -= {"decoupled_weight_decay"}  # what it is about
        assert switches <= {name for variant in row.variants for name, value in variant.items() if value is True}


# One formula, two ways to evaluate it


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.each(("row", "variant"), CASES)
def test_compiled_agrees_with_plain(row: Row, variant, dtype):
    found = []
    for backend in ("numpy", "numba"):
        with kernels.use(backend):
            params = parameters(dtype=dtype)
            optimizer = row.cls(params, **variant)
            found.append((train(optimizer, params, 12), states_of(optimizer)))
    (plain, plain_states), (compiled, compiled_states) = found
    tolerance = 200 * np.finfo(dtype).eps  # the compiled one contracts a * b + c: an ulp here and there in 12 steps
    for a, b in zip(compiled, plain):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for a, b in zip(compiled_states, plain_states, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_allclose(a[key], b[key], rtol=tolerance, atol=tolerance)


@pytest.mark.each("backend", kernels.backend.__globals__["BACKENDS"])
@pytest.mark.parametrize("row", ROWS)
def test_float32_stays_float32(row: Row, backend):
    with kernels.use(backend):
        for variant in row.variants:
            params = parameters(dtype=np.float32)
            optimizer = row.cls(params, **variant)
            train(optimizer, params, 2)
            assert all(p.dtype == np.float32 for p in params)
            kept = [v for s in states_of(optimizer) for v in s.values() if isinstance(v, np.ndarray)]
            assert all(v.dtype == np.float32 for v in kept)


@pytest.mark.each(("row", "variant"), [case for case in CASES if case.values[0].reference is not None])
def test_against_the_text(row: Row, variant):
    """The rule written down once more, for one number."""
    variant = dict(variant)
    sign = -1.0 if variant.pop("maximize", False) else 1.0
    optimizer, params = row.cls(maximize=sign < 0, **variant), {"x": -7.0, "y": 2.0}
    expected, state = dict(params), {"x": {}, "y": {}}
    for t in range(1, 51):
        grads = {"x": expected["x"] / 10 + np.sin(t), "y": expected["y"] * 2 - np.cos(t)}
        optimizer.update(params, grads)
        for k, g in grads.items():
            expected[k] = row.reference(expected[k], sign * g, state[k], t, **variant)
    assert params == pytest.approx(expected, rel=1e-12)


# What every optimizer does


@pytest.mark.each("row", ROWS)
def test_converges_on_a_quadratic(row: Row):
    arguments, steps = row.quadratic
    optimizer, curvature = row.cls(**arguments), np.array([0.3, 1.0, 2.0])
    params = {"w": np.array([3.0, -2.0, 1.0])}
    for _ in range(steps):
        optimizer.update(params, {"w": curvature * params["w"]})
    np.testing.assert_allclose(params["w"], 0, atol=1e-8)


@pytest.mark.each("row", ROWS)
def test_descends_rosenbrock(row: Row):
    arguments, steps, target = row.rosenbrock
    optimizer, params = row.cls(**arguments), {"w": np.array([-1.2, 1.0])}
    for _ in range(steps):
        x, y = params["w"]
        optimizer.update(params, {"w": np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])})
    x, y = params["w"]
    assert (1 - x) ** 2 + 100 * (y - x * x) ** 2 < target


@pytest.mark.each("row", ROWS)
def test_maximize_follows_the_negated_gradient(row: Row):
    up, down = parameters(), parameters()
    ascent, descent = row.cls(up, maximize=True), row.cls(down)
    for t in range(5):
        set_gradients(up, t)
        for p, q in zip(up, down):
            q.grad = tg.tensor(-p.grad.numpy())
        ascent.step()
        descent.step()
    for p, q in zip(up, down):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-13, atol=1e-13)


@pytest.mark.each(("row", "variant"), CASES)
def test_a_gradient_scale_undoes_a_scaled_loss(row: Row, variant):
    plain, scaled = parameters(), parameters()
    a, b = row.cls(plain, **variant), row.cls(scaled, **variant)
    b.grad_scale = 1 / 1024  # a power of two: exact
    for t in range(5):
        set_gradients(plain, t)
        for p, q in zip(plain, scaled):
            q.grad = tg.tensor(1024 * p.grad.numpy())
        a.step()
        b.step()
    for p, q in zip(plain, scaled):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-13, atol=1e-13)


@pytest.mark.each("row", [row for row in ROWS if row.values[0].cls is not optim.Prodigy])
def test_groups_go_their_own_ways(row: Row):
    """Each group moves as it would alone with its arguments; but Prodigy has one estimate for all."""
    together = parameters()
    first, second = row.variants[0], row.variants[1]
    optimizer = row.cls([{"params": together[:2], **second}, {"params": together[2:]}], **first)
    train(optimizer, together, 5)
    alone = parameters()
    parts = [row.cls(alone[:2], **{**first, **second}), row.cls(alone[2:], **first)]
    for t in range(5):
        set_gradients(alone, t)
        for part in parts:
            part.step()
    assert all(same(p.detach().numpy(), q.detach().numpy()) for p, q in zip(together, alone))


@pytest.mark.each(("row", "variant"), CASES)
def test_a_state_dict_continues_bit_for_bit(row: Row, variant):
    params = parameters()
    optimizer = row.cls(params, **variant)
    train(optimizer, params, 3)
    saved, values = pickle.loads(pickle.dumps(optimizer.state_dict())), [p.detach().clone() for p in params]
    expected = train(optimizer, params, 3, start=3)
    again = [v.requires_grad_() for v in values]
    resumed = row.cls(again)  # the arguments come from the state dict
    resumed.load_state_dict(saved)
    assert all(same(a, b) for a, b in zip(train(resumed, again, 3, start=3), expected, strict=True))


@pytest.mark.parametrize("copier", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
@pytest.mark.each("row", ROWS)
def test_copies_continue_bit_for_bit(row: Row, copier):
    params = parameters()
    optimizer = row.cls(params, **row.variants[-1])
    train(optimizer, params, 3)
    copied = copier(optimizer)
    copies = copied.param_groups[0]["params"]
    assert not any(p is q for p, q in zip(params, copies))
    for a, b in zip(train(copied, copies, 2, 3), train(optimizer, params, 2, 3), strict=True):
        assert same(a, b)


@pytest.mark.each("row", ROWS)
def test_dicts_and_tensors_take_the_same_path(row: Row):
    for variant in row.variants:
        params = parameters()
        by_step, by_update = row.cls(params, **variant), row.cls(**variant)
        named = {str(i): p.detach().numpy().copy() for i, p in enumerate(params)}
        for t in range(4):
            set_gradients(params, t)
            by_update.update(named, {str(i): p.grad.numpy() for i, p in enumerate(params)})
            by_step.step()
        assert all(same(p.detach().numpy(), q) for p, q in zip(params, named.values()))


@pytest.mark.each("row", ROWS)
def test_bad_hyperparameters_are_refused(row: Row):
    assert row.bad
    for arguments, message in row.bad:
        with pytest.raises(ValueError, match=f"^{row.cls.__name__}: .*{message}"):
            row.cls(parameters(), **arguments)
        with pytest.raises(ValueError, match=message):  # in a group as well
            row.cls([{"params": parameters(), **arguments}])
        with pytest.raises(ValueError, match=message):
            row.cls(**arguments)


@pytest.mark.each("row", ROWS)
def test_nothing_moves_without_gradients(row: Row):
    params = parameters()
    before = [p.detach().numpy().copy() for p in params]
    row.cls(params, **row.variants[-1]).step()
    assert all(same(p.detach().numpy(), b) for p, b in zip(params, before))


@pytest.mark.each("row", ROWS)
def test_strange_values_pass_through_as_in_numpy(row: Row):
    """NaN, infinities, denormals and signed zeros: compiled and plain agree on what becomes of them."""
    strange = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e-310, 1e100, -1e100, 1.0])
    p, g = (a.ravel() for a in np.meshgrid(strange, strange))
    for variant in row.variants:
        found = []
        for backend in ("numpy", "numba"):
            with kernels.use(backend):
                params, optimizer = {"p": p.copy()}, row.cls(**variant)
                for _ in range(3):
                    optimizer.update(params, {"p": g})
                found.append(params["p"])
        np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-320)
