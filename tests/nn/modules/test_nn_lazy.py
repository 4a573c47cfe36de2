"""Lazy layers: every one becomes the plain layer, with PyTorch's keys, and takes its size from an input or a state."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

SIZES = {"1": (7,), "2": (6, 5), "3": (4, 3, 4)}


def case(name):
    """The arguments of the lazy layer and an input for it."""
    if name == "LazyLinear":
        return (3,), (2, 5)
    args = (3, 2) if "Conv" in name else ()
    return args, (2, 4, *SIZES[name[-2]])


NAMES = sorted(name for name in nn.__all__ if name.startswith("Lazy") and inspect.isclass(getattr(nn, name)))
every = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def made(name, **options):
    args, shape = case(name)
    tg.manual_seed(0)
    return getattr(nn, name)(*args, **options), tg.randn(*shape)


def test_all_of_pytorchs_are_there(torch):
    assert {name for name in dir(torch.nn) if name.startswith("Lazy")} == set(NAMES)


@every
def test_first_call_makes_the_plain_layer(name):
    lazy, x = made(name)
    parameters = list(lazy.parameters())
    assert lazy.has_uninitialized_params()
    assert all(type(p) is nn.UninitializedParameter for p in parameters)
    out = lazy(x)
    plain = type(lazy)
    assert plain is getattr(nn, name.removeprefix("Lazy"))
    assert all(type(p) is nn.Parameter for p in lazy.parameters())
    assert [id(p) for p in lazy.parameters()] == [id(p) for p in parameters]
    out.sum().backward()
    assert all(p.grad is not None for p in parameters)
    args = case(name)[0]
    size = x.shape[-1] if name == "LazyLinear" else x.shape[1]
    options = {"affine": True, "track_running_stats": True} if "Instance" in name else {}
    other = plain(size, *args, **options)
    assert repr(lazy) == repr(other)
    assert {k: v.shape for k, v in lazy.state_dict().items()} == {k: v.shape for k, v in other.state_dict().items()}


@every
def test_against_pytorch(name, torch):
    lazy, x = made(name)
    theirs = getattr(torch.nn, name)(*case(name)[0])
    assert list(lazy.state_dict()) == list(theirs.state_dict())
    assert repr(lazy) == repr(theirs)
    theirs(torch.from_numpy(x.numpy()))
    lazy.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(
        lazy.eval()(x).detach().numpy(),
        theirs.eval()(torch.from_numpy(x.numpy())).detach().numpy(),
        rtol=1e-4,
        atol=1e-5,
    )
    assert repr(lazy) == repr(theirs)


@every
def test_draws_what_the_plain_layer_draws(name):
    lazy, x = made(name)
    tg.manual_seed(7)
    lazy.initialize_parameters(x)
    tg.manual_seed(7)
    lazy_values = [p.numpy() for p in (p.detach() for p in lazy.parameters())]
    size = x.shape[-1] if name == "LazyLinear" else x.shape[1]
    options = {"affine": True} if "Instance" in name else {}
    plain = lazy.cls_to_become(size, *case(name)[0], **options)
    for a, b in zip(lazy_values, plain.parameters(), strict=True):
        assert (a == b.detach().numpy()).all()


@every
def test_copies_before_the_first_call(name):
    lazy, x = made(name)
    for copied in (copy.deepcopy(lazy), pickle.loads(pickle.dumps(lazy))):
        assert copied.has_uninitialized_params()
        assert type(copied) is type(lazy)
        assert copied(x).shape == copy.deepcopy(lazy)(x).shape


@every
def test_dtype_is_kept(name):
    lazy, x = made(name, dtype=tg.float64)
    assert lazy(x.double()).dtype == np.float64
    lazy, x = made(name)
    assert lazy.double()(x.double()).dtype == np.float64


def test_state_of_a_lazy_layer_goes_into_a_lazy_layer_only():
    state = nn.LazyLinear(2).state_dict()
    assert str(nn.LazyLinear(2).load_state_dict(state)) == "<All keys matched successfully>"
    with pytest.raises(RuntimeError, match="weight: the shape of an uninitialized tensor is not known"):
        nn.Linear(3, 2).load_state_dict(state)


def test_an_optimizer_may_come_first():
    model = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = tg.randn(8, 3, generator=tg.Generator().manual_seed(0))
    losses = []
    for _ in range(5):
        loss = (model(x) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("make", [nn.UninitializedParameter, nn.UninitializedBuffer])
def test_a_wrong_argument_leaves_it_unknown(make):
    """It did not: what had failed was an ordinary tensor without elements, with which all computed."""
    tensor = make()
    for call in (
        lambda: tensor.convert("no dtype"),
        lambda: tensor.requires_grad_("no bool"),
        lambda: tensor.materialize((-1,)),
        lambda: tensor.materialize((2,), dtype="no dtype"),
    ):
        with pytest.raises((TypeError, RuntimeError)):
            call()
        assert type(tensor) is make
    tensor.materialize((2,))
    assert type(tensor) is not make
    assert tensor.shape == (2,)


def test_what_is_unknown_is_said():
    weight = nn.LazyLinear(2).weight
    assert repr(weight) == "<UninitializedParameter>"
    with pytest.raises(RuntimeError, match="its shape is not known yet; call the module once"):
        _ = weight.shape
    lazy = nn.LazyConv2d(2, 3)
    with pytest.raises(ValueError, match="LazyConv2d: input must have 3 or 4 dimensions"):
        lazy(tg.zeros(2, 2))
    assert lazy.has_uninitialized_params()  # a call that fails leaves it lazy
    with pytest.raises(ValueError, match="in_channels must be divisible by groups=2, got 3"):
        nn.LazyConv1d(2, 3, groups=2)(tg.zeros(1, 3, 5))
