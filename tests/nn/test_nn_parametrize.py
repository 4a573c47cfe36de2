"""`nn.utils.parametrize`, `parametrizations`, and the older `weight_norm` and `spectral_norm`."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn.utils import parametrizations, parametrize
from tinygrad_lite.testing import gradcheck_module


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


class Doubled(nn.Module):
    def forward(self, x):
        return 2.0 * x

    def right_inverse(self, x):
        return 0.5 * x


class Skew(nn.Module):
    def forward(self, x):
        return x.triu(1) - x.triu(1).T


class Wider(nn.Module):
    def forward(self, x):
        return tg.cat([x, x], 1)


def linear(m: int = 3, n: int = 3) -> nn.Linear:
    return nn.Linear(m, n).double()


# register and remove


def test_the_weight_is_computed_and_the_original_is_trained():
    layer = linear()
    before, parameter = layer.weight.detach().clone(), layer.weight
    assert parametrize.register_parametrization(layer, "weight", Skew()) is layer
    assert type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, nn.Linear)
    assert parametrize.type_before_parametrizations(layer) is nn.Linear
    assert layer.parametrizations.weight.original is parameter
    expected = np.triu(before.numpy(), 1)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), expected - expected.T)
    assert [name for name, _ in layer.named_parameters()] == ["bias", "parametrizations.weight.original"]
    layer(tg.ones(2, 3, dtype=tg.float64)).sum().backward()
    assert parameter.grad is not None
    assert gradcheck_module(layer, tg.randn(2, 3))


def test_parametrizations_are_chained_and_inverted():
    layer = linear()
    before = layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before.numpy())  # the original is the half
    parametrize.register_parametrization(layer, "weight", Doubled())
    np.testing.assert_array_equal(layer.weight.detach().numpy(), 2 * before.numpy())
    layer.weight = before
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before.numpy())
    np.testing.assert_array_equal(layer.parametrizations.weight.original.detach().numpy(), before.numpy() / 4)


@pytest.mark.parametrize("kept", [True, False])
def test_remove(kept):
    layer = linear()
    before, parameter = layer.weight.detach().clone(), layer.weight
    parametrize.register_parametrization(layer, "weight", Skew())
    value = layer.weight.detach()
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "weight")
    assert not parametrize.is_parametrized(layer, "bias")
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=kept)
    assert type(layer) is nn.Linear
    assert layer.weight is parameter
    assert not parametrize.is_parametrized(layer)
    np.testing.assert_array_equal(layer.weight.detach().numpy(), (value if kept else before).numpy())


def test_a_buffer_can_be_parametrized():
    layer = nn.BatchNorm1d(3)
    parametrize.register_parametrization(layer, "running_mean", Doubled())
    assert "parametrizations.running_mean.original" in layer.state_dict()
    assert "parametrizations.running_mean.original" not in dict(layer.named_parameters())


def test_two_tensors_of_one_module():
    layer = linear()
    parametrize.register_parametrization(layer, "weight", Skew())
    parametrize.register_parametrization(layer, "bias", Doubled())
    parametrize.remove_parametrizations(layer, "weight")
    assert parametrize.is_parametrized(layer, "bias")
    assert isinstance(layer.weight, nn.Parameter)
    parametrize.remove_parametrizations(layer, "bias")
    assert type(layer) is nn.Linear


def test_other_modules_of_the_class_are_left_alone():
    layer, other = linear(), linear()
    parametrize.register_parametrization(layer, "weight", Skew())
    assert isinstance(other.weight, nn.Parameter)
    assert isinstance(nn.Linear(2, 2).weight, nn.Parameter)


def test_cached_computes_once():
    layer = linear()
    parametrize.register_parametrization(layer, "weight", Skew())
    with parametrize.cached():
        with parametrize.cached():
            first = layer.weight
        assert layer.weight is first
    assert layer.weight is not first


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(copied):
    layer = parametrizations.weight_norm(linear())
    other = copied(layer)
    np.testing.assert_array_equal(other.weight.detach().numpy(), layer.weight.detach().numpy())
    with tg.no_grad():
        other.parametrizations.weight.original0.mul_(2.0)
    assert not np.array_equal(other.weight.detach().numpy(), layer.weight.detach().numpy())
    parametrize.remove_parametrizations(other, "weight")
    assert type(other) is nn.Linear
    assert parametrize.is_parametrized(layer)


def test_refused():
    layer = linear()
    before = layer.weight.detach().numpy().copy()
    with pytest.raises(ValueError, match=r"may not change the shape of the tensor.*got \(3, 6\)"):
        parametrize.register_parametrization(layer, "weight", Wider())
    assert type(layer) is nn.Linear
    np.testing.assert_array_equal(layer.weight.detach().numpy(), before)
    with pytest.raises(ValueError, match="does not have a parameter or buffer 'nothing'"):
        parametrize.register_parametrization(layer, "nothing", Skew())
    with pytest.raises(ValueError, match="not have a parametrization on 'weight'"):
        parametrize.remove_parametrizations(layer, "weight")
    parametrize.register_parametrization(layer, "weight", Skew())
    with pytest.raises(RuntimeError, match="right_inverse"):
        layer.weight = layer.weight.detach()
    parametrizations.weight_norm(layer, "bias")
    with pytest.raises(ValueError, match="single original"):
        parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)


# Against PyTorch

FORMS = [
    ("weight_norm", {}, (4, 3)),
    ("weight_norm", {"dim": None}, (4, 3)),
    ("weight_norm", {"dim": 1}, (4, 3)),
    ("spectral_norm", {}, (4, 3)),
    ("spectral_norm", {"n_power_iterations": 3, "dim": 1}, (4, 3)),
    ("orthogonal", {}, (4, 4)),
    ("orthogonal", {}, (5, 3)),
    ("orthogonal", {}, (3, 5)),
    ("orthogonal", {"orthogonal_map": "cayley"}, (4, 4)),
    ("orthogonal", {"orthogonal_map": "cayley"}, (5, 3)),
    ("orthogonal", {"orthogonal_map": "matrix_exp"}, (3, 5)),
    ("orthogonal", {"orthogonal_map": "householder", "use_trivialization": False}, (5, 3)),
]


def exchanged(ours, theirs, torch):
    """Move our state to PyTorch's module and back."""
    state = {name: torch.from_numpy(value.numpy().copy()) for name, value in ours.state_dict().items()}
    assert list(state) == list(theirs.state_dict())
    assert str(theirs.load_state_dict(state)) == "<All keys matched successfully>"
    assert str(ours.load_state_dict(theirs.state_dict())) == "<All keys matched successfully>"


def compared(ours, theirs, torch, inputs=3):
    """Two steps in training and one in evaluation: outputs, gradients and buffers."""
    rng = np.random.default_rng(0)
    for training in (True, True, False):
        ours.train(training), theirs.train(training)
        ours.zero_grad(), theirs.zero_grad()
        x = rng.standard_normal((2, inputs))
        out, expected = ours(tg.tensor(x)), theirs(torch.tensor(x))
        np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-8, atol=1e-9)
        (out * out).sum().backward()
        (expected * expected).sum().backward()
        for (name, a), (other, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert name == other
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-7, atol=1e-8, err_msg=name)
        for (name, a), (other, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            assert name == other
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("name", "options", "shape"), FORMS)
def test_parametrizations_equal_pytorch(name, options, shape, torch):
    rows, columns = shape
    ours = getattr(parametrizations, name)(linear(columns, rows), **options)
    theirs = getattr(torch.nn.utils.parametrizations, name)(torch.nn.Linear(columns, rows).double(), **options)
    assert repr(ours) == repr(theirs)
    with tg.no_grad():
        for parameter in ours.parameters():
            if "householder" not in repr(options) and parameter.shape != shape:
                parameter.add_(0.1 * tg.randn(*parameter.shape, dtype=tg.float64))
    exchanged(ours, theirs, torch)
    compared(ours, theirs, torch, columns)


@pytest.mark.parametrize("name", ["weight_norm", "spectral_norm"])
def test_hooks_equal_pytorch(name, torch):
    ours = getattr(nn.utils, name)(linear(3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(torch.nn.utils, name)(torch.nn.Linear(3, 4).double())
    exchanged(ours, theirs, torch)
    compared(ours, theirs, torch)
    removed = getattr(nn.utils, f"remove_{name}")(ours)
    x = np.ones((1, 3))
    np.testing.assert_allclose(
        removed(tg.tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-8
    )
    assert [n for n, _ in removed.named_parameters()] == ["bias", "weight"]
    with pytest.raises(ValueError, match="there is none"):
        getattr(nn.utils, f"remove_{name}")(removed)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("chosen", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_stays_orthogonal(shape, chosen):
    rows, columns = shape
    layer = parametrizations.orthogonal(linear(columns, rows), orthogonal_map=chosen)
    with tg.no_grad():
        original = layer.parametrizations.weight.original
        original.add_(0.3 * tg.randn(*shape, dtype=tg.float64).tril(-1))
    w = layer.weight.detach().numpy()
    product = w.T @ w if rows >= columns else w @ w.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-10)
    assert gradcheck_module(layer, tg.randn(2, columns))


def test_spectral_norm_has_norm_one():
    layer = parametrizations.spectral_norm(linear(4, 6))
    assert abs(np.linalg.norm(layer.weight.detach().numpy(), 2) - 1) < 0.05


def test_doors():
    with pytest.raises(ValueError, match="no parameter or buffer 'nothing'"):
        parametrizations.weight_norm(linear(), "nothing")
    with pytest.raises(ValueError, match="n_power_iterations must be positive, got 0"):
        parametrizations.spectral_norm(linear(), n_power_iterations=0)
    with pytest.raises(IndexError, match="dim must be in"):
        parametrizations.spectral_norm(linear(), dim=2)
    with pytest.raises(ValueError, match="expected a matrix"):
        parametrizations.orthogonal(linear(), "bias")
    with pytest.raises(ValueError, match="orthogonal_map must be one of"):
        parametrizations.orthogonal(linear(), orthogonal_map="qr")
    with pytest.raises(RuntimeError, match="no parameter 'nothing'"):
        nn.utils.weight_norm(linear(), "nothing")
    with pytest.raises(RuntimeError, match="already"):
        nn.utils.weight_norm(nn.utils.weight_norm(linear()))


class Into(nn.Module):
    """What is registered first or second with another `right_inverse`."""

    def __init__(self, back):
        super().__init__()
        self.back = back

    def forward(self, x, *_):
        return x.float()

    def right_inverse(self, x):
        return self.back(x)


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (lambda x: None, "must return a Tensor or a Sequence of Tensors, got NoneType"),
        (lambda x: (None, x), "got NoneType, Tensor"),
        (lambda x: x > 0, "may not change the dtype"),
    ],
)
def test_what_a_right_inverse_must_return(back, words):
    layer = nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    with pytest.raises(ValueError, match=words):
        parametrize.register_parametrization(layer, "weight", Into(back))
    assert not parametrize.is_parametrized(layer)
    assert (layer.weight == before).all()


@pytest.mark.parametrize("back", [lambda x: (x, x), lambda x: x > 0, lambda x: x[:1], lambda x: None])
def test_a_second_parametrization_must_lead_back(back):
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Doubled())
    with pytest.raises(ValueError, match="parametrized already, so right_inverse must return a tensor of shape"):
        parametrize.register_parametrization(layer, "weight", Into(back))
    assert len(layer.parametrizations.weight) == 1


def test_orthogonal_refuses_what_it_cannot_start_from():
    layer = parametrizations.orthogonal(nn.Linear(3, 4))
    with pytest.raises(ValueError, match="expected matrices of shape"):
        layer.weight = tg.eye(4)
    for name in ("matrix_exp", "cayley"):
        layer = parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map=name, use_trivialization=False)
        with pytest.raises(NotImplementedError, match="not possible to assign"):
            layer.weight = tg.eye(3)
        copy.deepcopy(layer), pickle.dumps(layer)
    with pytest.raises(ValueError, match="'householder' takes real numbers"):
        parametrizations.orthogonal(nn.Linear(3, 3, dtype=tg.complex64), orthogonal_map="householder")


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("name", ["matrix_exp", "cayley"])
@pytest.mark.parametrize("trivialized", [True, False])
def test_complex_weights_become_unitary(shape, name, trivialized):
    layer = nn.Linear(*shape, dtype=tg.complex64)
    parametrizations.orthogonal(layer, "weight", name, use_trivialization=trivialized)
    with tg.no_grad():
        for own in layer.parameters():
            own.add_(0.1 * tg.randn_like(own))
    w = layer.weight.detach()
    w = w if len(w) >= w.shape[1] else w.mT
    assert tg.allclose(w.mH @ w, tg.eye(w.shape[1], dtype=w.dtype), atol=1e-5)


def test_an_interrupt_leaves_the_tensor_as_it_was():
    class Halves(nn.Module):
        def forward(self, x):
            raise KeyboardInterrupt

        def right_inverse(self, x):
            return x / 2

    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    with pytest.raises(KeyboardInterrupt):
        parametrize.register_parametrization(layer, "weight", Halves())
    assert tg.equal(layer.weight, before)
    assert not parametrize.is_parametrized(layer)
