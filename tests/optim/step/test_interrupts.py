"""Ctrl-C at every line of a step: the step is whole, with all its counters, or not made."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim import schedules

HERE = str(Path(optim.__file__).parent)
BACKENDS = ["numpy", "numba"]


@pytest.fixture(autouse=True)
def as_in_a_terminal():
    """Ctrl-C raises, also where the tests run in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(call, at: int) -> int:
    """Run something, and press Ctrl-C at its n-th line in this library's optimizers; return how many lines it ran."""
    left = at

    def local(frame, event, arg):
        nonlocal left
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                signal.raise_signal(signal.SIGINT)
        return local

    def trace(frame, event, arg):
        return local if frame.f_code.co_filename.startswith(HERE) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return at - left


def tensors(shapes=((3, 2), (4,), (2, 2))):
    rng = np.random.default_rng(0)
    found = [tg.tensor(rng.standard_normal(shape).astype(np.float32), requires_grad=True) for shape in shapes]
    for p in found:
        p.grad = tg.tensor(rng.standard_normal(p.shape).astype(np.float32))
    return found


def facts(optimizer, params):
    """Everything that a step changes, as bytes and numbers."""
    values = params.values() if isinstance(params, dict) else [p.detach().numpy() for p in params]
    kept = optimizer.state
    states = [kept.get(key, {}) for key in params]
    flat = [{k: np.asarray(v).tobytes() for k, v in sorted(s.items()) if np.any(v)} for s in states]
    slow = [np.array(v).tobytes() for v in getattr(optimizer, "slow", {}).values()]
    numbers = [[g.get(name) for name in ("d", "d_max", "d_numerator")] for g in optimizer.param_groups]
    return (
        [np.asarray(v).tobytes() for v in values],
        flat,
        optimizer._steps,
        getattr(optimizer, "steps", 0),
        slow,
        numbers,
    )


def groups(params):
    return [{"params": params[:1]}, {"params": params[1:], "lr": 0.05}]


def stepper(make):
    def start():
        params = tensors()
        optimizer = make(params)
        return optimizer, params, optimizer.step

    return start


def closing(make):
    """For optimizers that need a closure."""

    def start():
        params = tensors()
        optimizer = make(params)

        def closure():
            optimizer.zero_grad()
            loss = sum(((p - 1) ** 2).sum() for p in params)
            loss.backward()
            return loss

        return optimizer, params, lambda: optimizer.step(closure)

    return start


def on_dicts(make, **numbers):
    def start():
        params = {"w": np.arange(6.0), **numbers}
        optimizer = make()
        return optimizer, params, lambda: optimizer.update(params, {"w": np.ones(6), **dict.fromkeys(numbers, 0.5)})

    return start


CASES = {
    "Adam": stepper(lambda p: optim.Adam(p, lr=0.1)),
    "two groups": stepper(lambda p: optim.Adam(groups(p), lr=schedules.linear(0.1, 0.0, 10))),
    "clipped": stepper(lambda p: optim.SGD(groups(p), lr=0.1, momentum=0.9, max_grad_norm=0.1, ema=0.9)),
    "LARS": stepper(lambda p: optim.LARS(groups(p), lr=0.1)),
    "Prodigy": stepper(lambda p: optim.Prodigy(p)),
    "ScheduleFreeSGD": stepper(lambda p: optim.ScheduleFreeSGD(p, lr=0.1)),
    "Adafactor": stepper(lambda p: optim.Adafactor(p, lr=0.1)),
    "Muon": stepper(lambda p: optim.Muon([p[0], p[2]], lr=0.1)),
    "differentiable": stepper(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, differentiable=True)),
    "dicts": on_dicts(lambda: optim.Adam(lr=0.1), x=1.0, y=np.float32(2)),
    "Lookahead": stepper(lambda p: optim.Lookahead(optim.SGD(p, lr=0.1), k=2)),
    "Lookahead of dicts": on_dicts(lambda: optim.Lookahead(optim.SGD(lr=0.1), k=2), x=1.0),
    "LBFGS": closing(lambda p: optim.LBFGS(p, lr=0.1, max_iter=3, line_search_fn="strong_wolfe")),
    "SAM": closing(lambda p: optim.SAM(optim.SGD(p, lr=0.1, momentum=0.9), rho=0.1)),
}
LINES = 20  # of each step are tried, spread over it


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_a_step_is_whole_or_not_made(case, backend):
    with kernels.use(backend):

        def begun(steps):
            optimizer, params, step = CASES[case]()
            for _ in range(steps):
                step()
            return optimizer, params, step

        old, new = (facts(*begun(n)[:2]) for n in (1, 2))
        assert old != new
        total, made = interrupted(begun(1)[2], 10**9), []
        for at in (*range(1, total - 3, 1 + total // LINES), *range(total - 3, total + 1)):
            optimizer, params, step = begun(1)
            interrupted(step, at)
            found = facts(optimizer, params)
            assert found in (old, new), f"line {at}"
            made.append(found == new)
            if not made[-1]:  # nothing is in the way of the next one
                step()
                assert facts(optimizer, params) == new, f"line {at}, and once more"
        assert set(made) == {False, True}


def test_ctrl_c_waits_for_the_end_of_a_block_and_of_the_outermost():
    from tinygrad_lite.optim.step.interrupts import uninterrupted

    seen = []

    def nested():
        with uninterrupted():
            with uninterrupted():
                signal.raise_signal(signal.SIGINT)
                seen.append(1)
            seen.append(2)
        seen.append(3)

    with pytest.raises(KeyboardInterrupt):
        nested()
    assert seen == [1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(ZeroDivisionError), uninterrupted():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
