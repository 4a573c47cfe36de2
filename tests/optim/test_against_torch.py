"""Trajectories and state dicts against PyTorch's, where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from optimizers_table import OPTIMIZERS, Row

import tinygrad_lite as tg

torch = pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")


@pytest.fixture(autouse=True)
def _numbers_as_python_has_them():
    """PyTorch keeps some numbers (NAdam's product, ASGD's rate) in tensors of its default dtype."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


SHAPES = [(7,), (3, 5), (), (2, 3, 4)]
COMPARED = [row for row in OPTIMIZERS if row.oracle]
CASES = [pytest.param(row, variant, id=f"{row.name}-{variant}") for row in COMPARED for variant in row.variants]
ROWS = [pytest.param(row, id=row.name) for row in COMPARED]


def start(dtype=np.float64) -> tuple[list, list]:
    rng = np.random.default_rng(0)
    values = [np.array(rng.standard_normal(shape), dtype) for shape in SHAPES]
    return [tg.tensor(v, requires_grad=True) for v in values], [torch.tensor(v).requires_grad_() for v in values]


def run(optimizer, params: list, steps: range, make, skip=lambda t, i: False) -> None:
    """Steps with gradients that depend on where the parameters are; `skip` leaves some without."""
    for t in steps:
        rng = np.random.default_rng(t)
        for i, p in enumerate(params):
            noise = np.array(rng.standard_normal(tuple(p.shape)))
            value = p.detach().numpy()
            p.grad = None if skip(t, i) else make(np.asarray(noise + 0.5 * value, value.dtype))
        optimizer.step()


def run_ours(optimizer, params, steps, skip=lambda t, i: False) -> None:
    run(optimizer, params, steps, tg.tensor, skip)


def run_theirs(optimizer, params, steps, skip=lambda t, i: False) -> None:
    run(optimizer, params, steps, torch.tensor, skip)


def assert_close(ours, theirs, rtol) -> None:
    for p, q in zip(ours, theirs, strict=True):
        a, b = p.detach().numpy(), q.detach().numpy()
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(1.0, np.abs(b).max()))


def both(row: Row, variant, ours, theirs):
    ours, theirs = row.cls(ours, **variant), getattr(torch.optim, row.oracle)(theirs, **variant)
    return ours, theirs


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_fifty_steps_in_float64(row: Row, variant):
    ours, theirs = start()
    a, b = both(row, variant, ours, theirs)
    for _ in range(50):
        now = range(_, _ + 1)
        run_ours(a, ours, now)
        run_theirs(b, theirs, now)
        assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_twenty_steps_in_float32(row: Row, variant):
    ours, theirs = start(np.float32)
    a, b = both(row, variant, ours, theirs)
    run_ours(a, ours, range(20))
    run_theirs(b, theirs, range(20))
    assert_close(ours, theirs, 3e-5)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_gradients_that_come_and_go(row: Row, variant):
    """A parameter that missed steps keeps its own count."""

    def skip(t: int, i: int) -> bool:
        return (t + i) % 3 == 0 or (i == 1 and t < 4)

    ours, theirs = start()
    a, b = both(row, variant, ours, theirs)
    run_ours(a, ours, range(12), skip)
    run_theirs(b, theirs, range(12), skip)
    assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_hyperparameters_changed_on_the_way(row: Row, variant):
    ours, theirs = start()
    a, b = both(row, variant, ours, theirs)
    for t, changes in enumerate([{}, {"lr": 0.02}, {"weight_decay": 0.05}, {"weight_decay": 0.0}, {"maximize": True}]):
        a.param_groups[0].update(changes)
        b.param_groups[0].update(changes)
        run_ours(a, ours, range(3 * t, 3 * t + 3))
        run_theirs(b, theirs, range(3 * t, 3 * t + 3))
        assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize("row", ROWS)
def test_groups(row: Row):
    ours, theirs = start()
    first, second = row.variants[0], row.variants[2]  # not [1]: Adagrad's initial value is no group's there
    a, b = both(
        row, first, [{"params": ours[:1], **second}, {"params": ours[1:]}],
        [{"params": theirs[:1], **second}, {"params": theirs[1:]}],
    )  # fmt: skip
    run_ours(a, ours, range(10))
    run_theirs(b, theirs, range(10))
    assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_the_state_dict_has_pytorchs_layout(row: Row, variant):
    ours, theirs = start()
    a, b = both(row, variant, ours, theirs)
    run_ours(a, ours, range(2))
    run_theirs(b, theirs, range(2))
    mine, its = a.state_dict(), b.state_dict()
    assert mine.keys() == its.keys()
    for group, other in zip(mine["param_groups"], its["param_groups"], strict=True):
        assert {k: group[k] for k in other} == other
        assert set(group) - set(other) <= {"decoupled_weight_decay"}
    kept = {i: {k: v for k, v in s.items() if v is not None} for i, s in its["state"].items()}
    assert {i for i, s in kept.items() if s} == set(mine["state"])
    for i, state in mine["state"].items():
        assert state.keys() == kept[i].keys()
        for key, value in state.items():
            np.testing.assert_allclose(value, kept[i][key].numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_a_run_started_there_continues_here(row: Row, variant):
    ours, theirs = start()
    _, b = both(row, variant, ours, theirs)
    run_theirs(b, theirs, range(5))
    ours = [tg.tensor(q.detach().numpy().copy(), requires_grad=True) for q in theirs]
    a = row.cls(ours)
    a.load_state_dict(b.state_dict())
    run_ours(a, ours, range(5, 15))
    run_theirs(b, theirs, range(5, 15))
    assert_close(ours, theirs, 1e-12)


@pytest.mark.parametrize(("row", "variant"), CASES)
def test_and_back(row: Row, variant):
    ours, theirs = start()
    a, _ = both(row, variant, ours, theirs)
    run_ours(a, ours, range(5))
    theirs = [torch.tensor(p.detach().numpy()).requires_grad_() for p in ours]
    b = getattr(torch.optim, row.oracle)(theirs)
    b.load_state_dict(a.state_dict(convert=torch.tensor))
    run_ours(a, ours, range(5, 15))
    run_theirs(b, theirs, range(5, 15))
    assert_close(ours, theirs, 1e-12)
