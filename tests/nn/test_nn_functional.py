"""`nn.functional`: what it adds to the engine's functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

INPLACE = {
    "relu": {},
    "leaky_relu": {"negative_slope": 0.3},
    "elu": {"alpha": 0.5},
    "silu": {},
    "dropout": {"p": 0.5},
}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# Names and arguments


@pytest.mark.each("name", F.__all__)
def test_names_and_arguments_are_pytorchs(name, torch):
    theirs = getattr(torch.nn.functional, name)
    if "pool" in name and hasattr(torch.nn.functional, f"_{name}"):
        theirs = getattr(torch.nn.functional, f"_{name}")  # what is public passes on whatever it is given
    try:
        expected = list(inspect.signature(theirs).parameters.values())
    except ValueError:
        return  # built in, without a signature
    ours = inspect.signature(getattr(F, name)).parameters
    deprecated = {"size_average", "reduce", "_stacklevel"}
    for parameter in expected:
        if parameter.name in deprecated or parameter.name not in ours:
            assert parameter.name in {*deprecated, "weight", "inplace", "input", "out"}, parameter.name
            continue
        if parameter.name == "return_indices":  # there a hint for compilers, without effect in these two functions
            continue
        assert ours[parameter.name].default == parameter.default or parameter.default is inspect.Parameter.empty


# In place


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_overwrites_and_differentiates(name):
    function = getattr(F, name)
    x = tg.tensor(numbers(4, 5), requires_grad=True)
    y = x * 1.0
    tg.manual_seed(0)
    out = function(y, **INPLACE[name], inplace=True)
    assert out is y
    out.backward(tg.tensor(numbers(4, 5, seed=1)))
    z = x.detach().requires_grad_()
    tg.manual_seed(0)
    expected = function(z, **INPLACE[name])
    expected.backward(tg.tensor(numbers(4, 5, seed=1)))
    assert (out.numpy(force=True) == expected.numpy(force=True)).all()
    assert (x.grad.numpy() == z.grad.numpy()).all()


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_announced(name):
    x = tg.tensor(numbers(4), requires_grad=True)
    y = x.exp()  # its gradient needs y
    getattr(F, name)(y, **INPLACE[name], inplace=True)
    with pytest.raises(RuntimeError, match=f"{name}_"):
        y.sum().backward()
    leaf = tg.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=f"{name}_: a leaf Tensor that requires grad"):
        getattr(F, name)(leaf, **INPLACE[name], inplace=True)


# Activations


def test_softmin(torch):
    x = numbers(3, 4)
    ours = F.softmin(tg.tensor(x), dim=1)
    np.testing.assert_allclose(ours.numpy(), torch.nn.functional.softmin(torch.tensor(x), dim=1).numpy())
    assert F.softmin(tg.tensor(x), 1, dtype=tg.float32).dtype == np.float32


# Losses


def test_losses_take_pytorchs_weights(torch):
    x, y, w = numbers(3, 4), numbers(3, 4, seed=1), np.abs(numbers(3, 4, seed=2))
    p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
    for name, (a, b) in {
        "huber_loss": (x, y),
        "mse_loss": (x, y),
        "l1_loss": (x, y),
        "binary_cross_entropy": (p, q),
    }.items():
        for reduction in ("none", "sum"):
            ours = getattr(F, name)(tg.tensor(a), tg.tensor(b), reduction=reduction, weight=tg.tensor(w))
            theirs = getattr(torch.nn.functional, name)(
                torch.tensor(a), torch.tensor(b), reduction=reduction, weight=torch.tensor(w)
            )
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("probability", [0.0, 1e-30, 0.3, 1.0 - 1e-7, 1.0])
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_at_the_ends(probability, target, dtype, torch):
    """A sigmoid rounds to 0 and 1; the loss and its gradient must stay finite there."""
    ours = tg.tensor(np.array([probability], dtype), requires_grad=True)
    theirs = torch.tensor(np.array([probability], dtype), requires_grad=True)
    a = F.binary_cross_entropy(ours, tg.tensor(np.array([target], dtype)))
    b = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(np.array([target], dtype)))
    a.backward()
    b.backward()
    np.testing.assert_allclose(a.item(), b.item(), rtol=1e-6)
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:kl_div. 'mean' divides:UserWarning")
def test_kl_div_of_a_target_with_zeros(torch):
    x, t = np.log(np.array([[0.2, 0.8], [0.5, 0.5]])), np.array([[0.0, 1.0], [0.5, 0.5]])
    ours = tg.tensor(x, requires_grad=True)
    theirs = torch.tensor(x, requires_grad=True)
    for reduction in ("batchmean", "mean", "none"):
        options = {"reduction": reduction}
        a = F.kl_div(ours, tg.tensor(t), **options)
        with np.errstate(all="raise"):
            F.kl_div(ours, tg.tensor(t), **options)
        b = torch.nn.functional.kl_div(theirs, torch.tensor(t), reduction="sum" if reduction == "mean" else reduction)
        np.testing.assert_allclose(
            a.numpy(force=True), b.detach().numpy() / (4 if reduction == "mean" else 1), rtol=1e-12
        )
    F.kl_div(ours, tg.tensor(t), reduction="sum").backward()
    np.testing.assert_allclose(ours.grad.numpy(), -t)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.huber_loss(x, x, delta=0.0), "huber_loss: delta must be > 0, got 0.0"),
        (lambda x: F.smooth_l1_loss(x, x, beta=-1.0), "smooth_l1_loss: beta must be >= 0, got -1.0"),
        (lambda x: F.huber_loss(x, x, reduction="average"), "huber_loss: reduction must be .* got 'average'"),
        (lambda x: F.kl_div(x, x, reduction="average"), "kl_div: reduction must be .* got 'average'"),
        (lambda x: F.huber_loss(x, x[:2]), r"shapes must broadcast, got \(3,\) and \(2,\)"),
        (lambda x: F.smooth_l1_loss(x, x[:2], beta=0.0), r"shapes must broadcast, got \(3,\) and \(2,\)"),
    ],
)
def test_arguments_of_losses_are_checked(call, message):
    with pytest.raises(ValueError, match=message):
        call(tg.zeros(3))


# one_hot


@pytest.mark.parametrize(("shape", "classes"), [((5,), -1), ((5,), 9), ((2, 3), 4), ((), 6), ((0,), 3)])
def test_one_hot_is_pytorchs(shape, classes, torch):
    labels = np.random.default_rng(0).integers(0, 4, shape)
    ours = F.one_hot(tg.tensor(labels), classes)
    theirs = torch.nn.functional.one_hot(torch.tensor(labels), classes)
    assert ours.dtype == np.int64
    assert ours.shape == tuple(theirs.shape)
    assert (ours.numpy() == theirs.numpy()).all()


def test_one_hot_refuses():
    with pytest.raises(TypeError, match="class indices must be integers, got float32"):
        F.one_hot(tg.zeros(3))
    with pytest.raises(ValueError, match=r"class indices must be in \[0, 2\], got 1 to 3"):
        F.one_hot(tg.tensor([1, 3]), 3)
    with pytest.raises(ValueError, match=r"class indices must be in \[0, 1\], got -1 to 1"):
        F.one_hot(tg.tensor([-1, 1]))
    with pytest.raises(ValueError, match="num_classes must be given"):
        F.one_hot(tg.zeros(0, dtype=tg.int64))
    with pytest.raises(ValueError, match=r"class indices must be in"):
        F.one_hot(tg.tensor([0]), 0)
