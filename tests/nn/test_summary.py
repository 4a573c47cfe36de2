"""`nn.summary`: numbers and shapes of known models, and a model that is left as it was."""

from __future__ import annotations

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def test_lenet():
    found = nn.summary(lenet(), tg.zeros(2, 1, 28, 28))
    assert found.parameters == found.trainable == 61_706
    assert found.size == 4 * 61_706
    assert [row.kind for row in found.rows][:4] == ["Sequential", "Conv2d", "ReLU", "MaxPool2d"]
    assert [row.output for row in found.rows if row.kind == "MaxPool2d"] == ["(2, 6, 14, 14)", "(2, 16, 5, 5)"]
    assert [row.parameters for row in found.rows if row.kind == "Linear"] == [48_120, 10_164, 850]
    products = [2 * 6 * 784 * 25, 2 * 16 * 100 * 150, 2 * 400 * 120, 2 * 120 * 84, 2 * 84 * 10]
    assert [row.multiply_adds for row in found.rows if row.kind in ("Conv2d", "Linear")] == products
    assert found.multiply_adds == sum(products)
    assert [row.kept for row in found.rows if row.kind == "ReLU"] == [4 * 2 * n for n in (6 * 784, 1600, 120, 84)]
    text = str(found)
    assert "Total parameters: 61,706" in text
    assert "  7: Linear" in text
    widths = {len(line) for line in text.splitlines()[:-5]}
    assert len(widths) == 1, "the columns line up"


def test_frozen_shared_and_buffers():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3))
    model[1].weight = model[0].weight
    model[0].bias.requires_grad_(False)
    found = nn.summary(model, input_size=(4, 3))
    assert found.parameters == 9 + 3 + 3 + 6
    assert found.trainable == found.parameters - 3
    assert found.size == 4 * found.parameters + 4 * 6 + 8  # statistics, and an int64 count
    assert [row.parameters for row in found.rows] == [0, 12, 3, 6]


def test_the_model_stays_as_it_was():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    model[1].eval()
    before = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    nn.summary(model, tg.ones(4, 3))
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert all((value.numpy() == before[name]).all() for name, value in model.state_dict().items())
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    model(tg.ones(4, 3))
    assert calls == [1]
    with pytest.raises(ValueError, match="expected 3 channels"):
        nn.summary(model, tg.ones(4, 5))
    assert (model.training, model[1].training) == (True, False)


def test_depth_counts_what_lies_below():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), nn.Linear(2, 1))
    found = nn.summary(model, depth=1)
    assert [(row.name, row.depth, row.parameters, row.output) for row in found.rows] == [
        ("", 0, 0, ""), ("0", 1, 17, ""), ("1", 1, 3, ""),
    ]  # fmt: skip
    assert nn.summary(model, depth=0).rows[0].parameters == found.parameters == 20


def test_several_inputs_and_outputs():
    class Pair(nn.Module):
        def forward(self, x, y):
            return x + y, [x]

    for given in ((tg.ones(2, 3), tg.ones(3)), {"x": tg.ones(2, 3), "y": tg.ones(3)}):
        assert nn.summary(Pair(), given).rows[0].output == "(2, 3), (2, 3)"


def test_lazy_layers_get_their_sizes():
    model = nn.Sequential(nn.LazyLinear(3))
    assert nn.summary(model).parameters == 0
    found = nn.summary(model, tg.zeros(1, 5))
    assert (found.parameters, found.rows[1].kind) == (18, "Linear")


def test_what_does_not_fit_is_refused():
    with pytest.raises(TypeError, match="model must be a Module, got int"):
        nn.summary(3)
    with pytest.raises(ValueError, match="either input or input_size"):
        nn.summary(nn.ReLU(), tg.ones(1), input_size=(1,))


def test_costs_count_once_and_where_they_arise():
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
            self.frozen = nn.Linear(4, 4).requires_grad_(False)

        def forward(self, x):
            y = self.inner(self.inner(self.frozen(x)))
            return (y @ y.T).sum(), x

    x = tg.randn(3, 4)
    found = nn.summary(Mixed(), x)
    rows = {row.name: (row.multiply_adds, row.kept) for row in found.rows}
    kept = 48  # bytes of (3, 4): what the first inner layer was given, and two results of tanh
    assert rows == {"": (36, 0), "inner": (0, 0), "0": (2 * 48, kept), "1": (0, 2 * kept), "frozen": (48, 0)}
    assert (found.multiply_adds, found.kept) == (36 + 3 * 48, 3 * kept)
    shallow = nn.summary(Mixed(), x, depth=1)
    assert {row.name: (row.multiply_adds, row.kept) for row in shallow.rows} == {
        "": (36, 0), "inner": (96, 144), "frozen": (48, 0),
    }  # fmt: skip
    assert nn.summary(Mixed().requires_grad_(False), x).kept == 0
    assert (nn.summary(Mixed()).multiply_adds, "Multiply-adds" in str(nn.summary(Mixed()))) == (0, False)


def test_a_summary_leaves_no_trace():
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    state = str(tg.get_rng_state())
    nn.summary(model, tg.ones(1, 2))
    assert all(p.grad is None for p in model.parameters())
    with tg.no_grad():
        nn.summary(model, tg.ones(1, 2))
        assert not tg.is_grad_enabled()
    with pytest.raises(RuntimeError):
        nn.summary(model, tg.ones(1, 3))
    assert str(tg.get_rng_state()) == state
