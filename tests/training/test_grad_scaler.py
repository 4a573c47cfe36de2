"""`amp.GradScaler`: a scale that halves at an overflow, grows after good steps, and goes on from its state."""

from __future__ import annotations

import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim


def step(scaler: tg.amp.GradScaler, p: tg.Tensor, factor: float) -> float:
    """The scale after a step of SGD with a gradient of so much for each element."""
    sgd = optim.SGD([p], lr=1.0)
    scaler.scale((p * factor).sum()).backward()
    scaler.step(sgd)
    scaler.update()
    return float(scaler.get_scale())


def test_a_scaler_goes_on_from_its_state() -> None:
    p = tg.zeros(2, requires_grad=True)
    first = tg.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    assert step(first, p, 1.0) == 8.0
    assert p.tolist() == [-1.0, -1.0]  # the scale is taken out again
    second = tg.amp.GradScaler("cpu")
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    for scaler in (first, second):
        p = tg.zeros(2, requires_grad=True)
        assert step(scaler, p, 1.0) == 16.0  # the second good step, wherever the first one was
        assert step(scaler, p, float("inf")) == 8.0
        assert p.tolist() == [-1.0, -1.0]  # the step that overflowed was not made


def test_an_empty_state_is_refused() -> None:
    with pytest.raises(RuntimeError, match="load_state_dict: the state is empty"):
        tg.amp.GradScaler("cpu").load_state_dict({})
