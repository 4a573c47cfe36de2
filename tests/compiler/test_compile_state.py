"""What a recorded function depends on may change between calls, in every way that Python has: results stay eager's."""

import os
import warnings

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.transforms.pytree import leaves

F = nn.functional
CASES = {}


def case(make):
    CASES[make.__name__] = make
    return make


def every(n, change):
    """What to do before each of twelve calls: `change(i // n)` before every nth."""
    return [(lambda i=i: change(i // n)) if i % n == 0 else lambda: None for i in range(12)]


# --- objects -------------------------------------------------------------------------------------------------------


class Scale:
    """Python calls all of its methods without naming one."""

    by = 1.0

    def __call__(self, x):
        return x * self.by

    def __matmul__(self, x):
        return x + self.by

    def __len__(self):
        return int(self.by)

    def __getitem__(self, i):
        return self.by + i

    def __enter__(self):
        return self.by

    def __exit__(self, *_):
        return None


@case
def objects_that_are_called():
    scale = Scale()
    return (lambda x: scale(x)), every(4, lambda i: setattr(scale, "by", float(i)))


@case
def operators_of_objects():
    scale = Scale()

    def function(x):
        with scale as by:
            return (scale @ x) * len(scale) * by + scale[1]

    return function, every(4, lambda i: setattr(scale, "by", i + 1.0))


@case
def attributes_that_are_made_up():
    class Lookup:
        def __init__(self):
            self.held = {"by": 1.0}

        def __getattr__(self, name):
            return vars(self)["held"][name]

    lookup = Lookup()
    return (lambda x: x * lookup.by), every(4, lambda i: lookup.held.update(by=float(i)))


@case
def properties_of_classes():
    class Meta(type):
        @property
        def by(cls):
            return cls.kept

    class Settings(metaclass=Meta):
        kept = 1.0

    return (lambda x: x * Settings.by), every(4, lambda i: setattr(Settings, "kept", float(i)))


@case
def classes_that_are_made_inside():
    class Weight:
        unit = 1.0

        def __init__(self, by):
            self.by = by * Weight.unit

    return (lambda x: x * Weight(2.0).by), every(4, lambda i: setattr(Weight, "unit", float(i)))


@case
def an_objects_class():
    class One:
        def of(self, x):
            return x * 1.0

    class Two:
        def of(self, x):
            return x * 2.0

    held = One()
    return (lambda x: held.of(x)), every(4, lambda i: setattr(held, "__class__", (One, Two, One)[i]))


class Methodical(nn.Module):
    by = 1.0

    def forward(self, x):
        return self.step(x) * self.by

    def step(self, x):
        return x * 2


@case
def methods_and_attributes_that_hide_others():
    class Derived(Methodical):
        pass

    module = Derived()

    def change(i):
        if i == 1:
            module.step = lambda x: x * 3
        if i == 2:
            del module.step
            Derived.by = 5.0
        if i == 3:
            Derived.step = lambda self, x: x * 7

    return module, every(3, change)


@case
def forward_and_class_of_a_layer():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())

    def change(i):
        if i == 1:
            net[1].__class__ = nn.Tanh
        if i == 2:
            net[0].forward = lambda x: x * 3

    return (lambda x: net(x).detach()), every(4, change)


@case
def hooks_of_every_module():
    net, held = nn.Sequential(nn.Linear(3, 3), nn.ReLU()), []

    def change(i):
        if i == 1:
            held.append(nn.register_module_forward_hook(lambda module, args, out: out * 2))
        if i == 2:
            held[0].remove()

    return (lambda x: net(x).detach()), every(4, change)


# --- the machine ---------------------------------------------------------------------------------------------------


@case
def the_environment():
    return (lambda x: x * float(os.environ.get("A_SCALE", "1"))), every(
        4, lambda i: os.environ.__setitem__("A_SCALE", str(i))
    )


@case
def times_that_are_imported_by_name():
    import random

    draw = random.Random(0).random

    def function(x):
        return x * (draw() > 2)

    return function, every(12, lambda i: None)


# --- random numbers ------------------------------------------------------------------------------------------------


@case
def seeds_inside():
    def function(x):
        first = tg.rand(4, 3)
        tg.manual_seed(3)
        return x + first + tg.randn(4, 3)

    return function, every(4, lambda i: tg.rand(i + 1))


@case
def checkpoints_with_dropout():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Tanh())

    def function(x):
        net.zero_grad()
        tg.utils.checkpoint.checkpoint(net, x, use_reentrant=False).sum().backward()
        return [p.grad.clone() for p in net.parameters()]

    return function, every(4, lambda i: tg.manual_seed(i))


# --- writes --------------------------------------------------------------------------------------------------------


@case
def buffers_that_follow():
    net = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3))
    return (lambda x: (net(x).detach(), net.state_dict())), every(12, lambda i: None)


@case
def writes_in_all_ways():
    held, where = tg.zeros(4, 3), tg.tensor([0, 2])

    def function(x):
        held[1:3] = x[:2]
        held[0, 1] = 5.0
        held.index_add_(0, where, x[:2])
        held[3].copy_(x[0])
        return held * 2

    return function, every(4, lambda i: held.fill_(float(i)))


@case
def gradients_set_to_zero():
    w = nn.Parameter(tg.ones(3))

    def function(x):
        (x * w).square().sum().backward()
        found = w.grad.clone()
        w.grad.zero_()
        return found

    return function, every(4, lambda i: setattr(w, "grad", None if i != 1 else tg.ones(3)))


@case
def averages_of_weights():
    net = nn.Linear(3, 3)
    average, optimizer = optim.swa_utils.AveragedModel(net), optim.SGD(net.parameters(), lr=0.1)

    def function(x):
        optimizer.zero_grad()
        loss = net(x).square().sum()
        loss.backward()
        optimizer.step()
        average.update_parameters(net)
        return loss.detach(), [p.detach().clone() for p in average.parameters()]

    return function, every(4, lambda i: optimizer.param_groups[0].update(lr=0.1 / (i + 1)))


def bits(tree):
    return [v.detach()._data.tobytes() if isinstance(v, tg.Tensor) else repr(v) for v in leaves(tree)]


def results(make, compiles):
    os.environ.pop("A_SCALE", None)
    Scale.by = 1.0
    tg.manual_seed(0)
    function, changes = make()
    call = tg.compile(function) if compiles else function
    found = []
    for i, change in enumerate(changes):
        change()
        x = tg.from_numpy(np.random.default_rng(i).standard_normal((4, 3)).astype(np.float32))
        found.append(bits(call(x)))
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_changes_between_calls(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some say that they run eagerly
        assert results(CASES[name], True) == results(CASES[name], False)


def test_a_write_that_nobody_recorded_is_found_though_it_is_read_afterwards():
    held = tg.ones(3)

    def function(x):
        np.multiply(held._data, 2.0, held._data)
        tg.graph.written(held._data)
        return x * held

    with pytest.warns(RuntimeWarning, match="writes to memory|values"):
        tg.compile(function)(tg.ones(3))


# --- what has been refused before ----------------------------------------------------------------------------------

IMAGES, GRID = tg.linspace(-1, 1, 150).reshape(2, 3, 5, 5), tg.linspace(-0.9, 0.8, 64).reshape(2, 4, 4, 2)
HELD, WHERE = tg.zeros(4, 6), tg.tensor([[0, 2, 1, 0, 1, 2]])
MEAN, VARIANCE = tg.zeros(3), tg.ones(3)


def in_place_by_index(x):
    HELD.scatter_(0, WHERE, x).scatter_add_(0, WHERE, x).masked_fill_(x > 1, 3.0)
    HELD.index_fill_(0, WHERE[0, :1], 2.0).index_add_(0, WHERE[0, :2], x[:2]).index_copy_(1, WHERE[0, :1], x[:, :1])
    return HELD * 2


REPLAYED = {
    "kthvalue": lambda x: tg.kthvalue(x, 2, 1),
    "lists as indices": lambda x: x[[0, 2]] + x[:, [1]].sum(),
    "take_along_dim": lambda x: tg.take_along_dim(x, x.argsort(1), 1),
    "grid_sample": lambda x: F.grid_sample(IMAGES, GRID * x[0, 0], align_corners=False),
    "instance_norm": lambda x: F.instance_norm(IMAGES * x[0, 0], MEAN, VARIANCE),
    "in place by index": in_place_by_index,
    "out=": lambda x: tg.add(x, 1, out=HELD) * 2,
    "random numbers in place": lambda x: HELD.normal_() + HELD.uniform_(1, 2) + HELD.bernoulli_(0.3) + x,
    "masked": lambda x: [tg.masked.sum(x, mask=x > 0), tg.masked.softmax(x, 1, mask=x > 0)],
    "fill_": lambda x: x.clone().fill_(2) + x,
}


@pytest.mark.parametrize("name", REPLAYED)
def test_these_are_replayed(name):
    function, found = REPLAYED[name], []
    for compiles in (False, True):
        tg.manual_seed(0)
        HELD.zero_()
        MEAN.zero_()
        VARIANCE.fill_(1)
        call = tg.compile(function, fullgraph=True) if compiles else function
        x = tg.linspace(-1.5, 2.0, 24).reshape(4, 6)
        found.append([bits([call(x * (1 - i / 8)), HELD, MEAN, VARIANCE]) for i in range(4)])
        assert not compiles or call.hits() == 2
    assert found[0] == found[1]


class Silent(tuple):
    def __len__(self):
        raise NotImplementedError


FACTORS = Silent((2.0, 3.0))


def test_a_container_whose_class_has_no_length_is_guarded():
    call = tg.compile(lambda x: x * FACTORS[0], fullgraph=True)
    assert [call(tg.ones(2)).tolist() for _ in range(3)] == [[2, 2]] * 3
