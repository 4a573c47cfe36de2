"""Layers: what the rows of `layers_table` do not say: indices, sizes, refusals, containers, extra state."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# --- pools and convolutions -----------------------------------------------------------------------


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("kind", ["MaxPool", "AdaptiveMaxPool"])
def test_indices_and_unpooling(kind, dims, torch):
    x = rand(2, 3, *(6, 4, 4)[:dims])
    args = (2,) if kind == "MaxPool" else ((3, 2, 2)[:dims],)
    ours, theirs = (getattr(m, f"{kind}{dims}d")(*args, return_indices=True) for m in (nn, torch.nn))
    out, places = ours(tg.tensor(x))
    expected, their_places = theirs(torch.from_numpy(x))
    assert (places.numpy() == their_places.numpy()).all()
    assert places.dtype == np.int64
    unpool, their_unpool = (getattr(m, f"MaxUnpool{dims}d")(2) for m in (nn, torch.nn))
    size = x.shape[2:]
    back, their_back = unpool(out, places, size), their_unpool(expected, their_places, size)
    assert (back.numpy() == their_back.numpy()).all()


@pytest.mark.parametrize("dims", [2, 3])
def test_fractional_pool_with_given_numbers(dims, torch):
    x, samples = rand(2, 3, *(7, 8, 6)[:dims]), np.random.default_rng(1).random((2, 3, dims))
    out, places = getattr(nn, f"FractionalMaxPool{dims}d")(
        2, output_size=3, return_indices=True, _random_samples=tg.tensor(samples)
    )(tg.tensor(x))
    theirs = getattr(torch.nn, f"FractionalMaxPool{dims}d")(
        2, output_size=3, return_indices=True, _random_samples=torch.from_numpy(samples)
    )
    expected, their_places = theirs(torch.from_numpy(x))
    assert (out.numpy() == expected.numpy()).all()
    assert (places.numpy() == their_places.numpy()).all()


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_output_size_of_a_transposed_convolution(dims, torch):
    x = rand(2, 3, *(4,) * dims)
    ours = getattr(nn, f"ConvTranspose{dims}d")(3, 2, 3, stride=2, padding=1).double()
    theirs = getattr(torch.nn, f"ConvTranspose{dims}d")(3, 2, 3, stride=2, padding=1).double()
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    for size in ((8,) * dims, (2, 2, *(7,) * dims)):
        out = ours(tg.tensor(x), output_size=size).detach().numpy()
        np.testing.assert_allclose(
            out, theirs(torch.from_numpy(x), output_size=list(size)).detach().numpy(), atol=1e-12
        )
    with pytest.raises(ValueError, match="output_size must be from .7.* to .8.*, got .9"):
        ours(tg.tensor(x), output_size=(9,) * dims)


@pytest.mark.parametrize(
    "name", ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
)
def test_initial_distribution_of_convolutions(name):
    tg.manual_seed(0)
    layer = getattr(nn, name)(32, 48, 3)
    bound = 1 / np.sqrt(np.prod(layer.weight.shape[1:]))
    for values in (layer.weight.detach().numpy(), layer.bias.detach().numpy()):
        assert np.abs(values).max() <= bound
    assert abs(layer.weight.detach().numpy().std() / (bound / np.sqrt(3)) - 1) < 0.05


REFUSED = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups=2, got 3"),
    (lambda: nn.Conv2d(4, 3, 3, groups=2), "out_channels must be divisible by groups=2, got 3"),
    (lambda: nn.Conv2d(4, 4, 3, groups=0), "groups must be a positive integer, got 0"),
    (lambda: nn.Conv2d(4, 4, 3, padding="full"), "padding must be one of 'valid', 'same', got 'full'"),
    (lambda: nn.Conv2d(4, 4, 3, stride=2, padding="same"), "needs a stride of 1"),
    (lambda: nn.Conv2d(4, 4, (3, 3, 3)), "kernel_size"),
    (lambda: nn.Conv2d(4, 4, 3, padding_mode="mirror"), "padding_mode must be one of"),
    (lambda: nn.ConvTranspose2d(4, 4, 3, padding_mode="reflect"), "padding_mode must be 'zeros'"),
    (lambda: nn.Conv1d(4, 4, 3, device="cuda"), "device must be None or 'cpu'"),
    (lambda: nn.ReflectionPad2d((1, 2, 3)), "padding"),
    (lambda: nn.FractionalMaxPool2d(2), "one of output_size and output_ratio must be given"),
    (lambda: nn.FractionalMaxPool2d(2, output_ratio=1.5), "output_ratio must be in"),
    (lambda: nn.GroupNorm(4, 6), "num_channels must be divisible by num_groups"),
    (lambda: nn.Hardtanh(1.0, 1.0), "max_val must be above min_val"),
    (lambda: nn.Dropout2d(1.5), "p must be in"),
    (lambda: nn.AlphaDropout(-0.1), "p must be in"),
    (lambda: nn.MultiMarginLoss(p=3), "p must be 1 or 2"),
    (lambda: nn.TripletMarginLoss(0.0), "margin must be positive"),
    (lambda: nn.CTCLoss(reduction="max"), "reduction must be one of"),
    (lambda: nn.Bilinear(0, 1, 1), "in1_features must be a positive integer"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [5, 3]), "cutoffs must be increasing"),
    (lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 10, [10]), "from 1 to 9"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=range(len(REFUSED)))
def test_bad_arguments_are_refused(build, message):
    with pytest.raises((ValueError, TypeError), match=message):
        build()


# --- normalization --------------------------------------------------------------------------------


def test_instance_norm_without_parameters_warns_of_other_channels():
    with pytest.warns(UserWarning, match="expected 3 channels"):
        nn.InstanceNorm1d(3)(tg.tensor(rand(2, 4, 5)))


def test_rms_norm_has_no_bias():
    assert [name for name, _ in nn.RMSNorm(3).named_parameters()] == ["weight"]


# --- the adaptive softmax -------------------------------------------------------------------------


@pytest.mark.parametrize("head_bias", [False, True])
@pytest.mark.parametrize("batched", [True, False])
def test_adaptive_softmax_equals_pytorch(head_bias, batched, torch):
    tg.manual_seed(0)
    ours = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 9], div_value=2.0, head_bias=head_bias).double()
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 9], div_value=2.0, head_bias=head_bias).double()
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    x, y = (rand(6, 16), np.array([0, 19, 5, 3, 8, 9])) if batched else (rand(16), np.array(7))
    a, b = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, expected = ours(a, tg.tensor(y)), theirs(b, torch.tensor(y))
    np.testing.assert_allclose(out.output.detach().numpy(), expected.output.detach().numpy(), rtol=1e-12)
    out.loss.backward()
    expected.loss.backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-15)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        grad = np.zeros(p.shape) if p.grad is None else p.grad.numpy()  # a cluster that no target is in
        np.testing.assert_allclose(grad, 0 if q.grad is None else q.grad.numpy(), rtol=1e-9, atol=1e-14)
    if batched:
        np.testing.assert_allclose(ours.log_prob(a).detach().numpy(), theirs.log_prob(b).detach().numpy(), rtol=1e-12)
        assert (ours.predict(a).numpy() == theirs.predict(b).numpy()).all()


def test_adaptive_softmax_refuses_what_does_not_fit():
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 10, [4])
    with pytest.raises(ValueError, match="targets must be in .0, 9., got 0 to 10"):
        layer(tg.zeros(2, 16), tg.tensor([0, 10]))
    with pytest.raises(ValueError, match="got .2, 16. and .3,."):
        layer(tg.zeros(2, 16), tg.tensor([0, 1, 2]))


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [(), (3, "none", True), (0, "sum")], ids=str)
def test_ctc_below_a_log_softmax_equals_pytorch(args, torch):
    short = 3 if args[2:] else 4  # three steps are too few for 2 1 (blank) 1
    x, targets, lengths, sizes = rand(6, 2, 4), np.array([[1, 2, 2], [2, 1, 1]]), np.array([6, short]), np.array([3, 3])
    a, b = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out = nn.CTCLoss(*args)(a.log_softmax(-1), *map(tg.tensor, (targets, lengths, sizes)))
    expected = torch.nn.CTCLoss(*args)(b.log_softmax(-1), *map(torch.tensor, (targets, lengths, sizes)))
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
    out.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("name", ["CTCLoss", "PoissonNLLLoss", "GaussianNLLLoss", "MultiMarginLoss"])
def test_repr_of_losses(name, torch):
    assert repr(getattr(nn, name)()) == repr(getattr(torch.nn, name)())


# --- lists and dicts of parameters ----------------------------------------------------------------


def test_parameter_list():
    shared = nn.Parameter(tg.ones(2))
    values = nn.ParameterList([shared, tg.zeros(3)])
    values.append(tg.ones(1))
    values += [shared]
    assert len(values) == 4
    assert values[0] is values[-1] is shared
    assert all(isinstance(p, nn.Parameter) for p in values)
    assert [name for name, _ in values.named_parameters()] == ["0", "1", "2"]  # the shared one once
    assert isinstance(values[1:3], nn.ParameterList)
    values[1] = tg.ones(5)
    assert values[1].shape == (5,)
    with pytest.raises(IndexError, match="index 4 is out of range for ParameterList of length 4"):
        values[4]
    with pytest.raises(TypeError, match="must be an iterable, got Tensor"):
        values.extend(tg.ones(3))
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        values()
    assert "0" not in dir(values)


def test_parameter_dict():
    values = nn.ParameterDict({"a": tg.ones(2)})
    values["b"] = tg.zeros(3)
    assert list(values) == values.keys() == ["a", "b"]
    assert [p.shape for p in values.values()] == [(2,), (3,)]
    assert "a" in values
    assert values.get("c") is None
    values.update([("c", tg.ones(1))])
    assert list(reversed(values)) == ["c", "b", "a"]
    assert values.popitem()[0] == "c"
    assert values.pop("a").shape == (2,)
    assert (values | {"d": tg.ones(1)}).keys() == ["b", "d"]
    assert values.setdefault("e", tg.ones(4)).shape == (4,)
    assert [name for name, _ in values.named_parameters()] == ["b", "e"]
    with pytest.raises(KeyError, match="is an attribute of the dict itself"):
        values["keys"] = tg.ones(1)
    with pytest.raises(TypeError, match="keys must be strings, got 3"):
        values[3] = tg.ones(1)
    values.clear()
    assert len(values) == 0


# --- the arguments' names, order and defaults -----------------------------------------------------

GONE = {"size_average", "reduce", "min_value", "max_value"}  # deprecated, and not taken over
SHARED = sorted(
    name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
)


@pytest.mark.each("name", SHARED)
def test_arguments_are_pytorchs(name, torch):
    if not hasattr(torch.nn, name):
        pytest.fail(f"{name} is not one of PyTorch's: say so here")
    theirs, ours = (
        [p for p in inspect.signature(getattr(m, name)).parameters.values() if not p.kind.name.startswith("VAR")]
        for m in (torch.nn, nn)
    )
    expected = [p for p in theirs if p.name not in GONE]
    if not expected:
        return  # PyTorch declares none for some: *args
    found = {p.name: p for p in ours}
    assert [p.name for p in expected if p.name not in found] == []
    for p in expected:
        default, wanted = (getattr(each.default, "__name__", each.default) for each in (found[p.name], p))
        assert default == wanted, p.name  # a function by its name
    free = [p.name for p in ours if p.kind.name == "POSITIONAL_OR_KEYWORD"]
    assert free == [p.name for p in theirs if p.kind.name == "POSITIONAL_OR_KEYWORD"][: len(free)]


# --- Module: extra state, submodules --------------------------------------------------------------


class Counter(nn.Linear):
    """A layer with a state that is no tensor."""

    def __init__(self):
        super().__init__(1, 1)
        self.count = 0

    def get_extra_state(self):
        return {"count": self.count}

    def set_extra_state(self, state):
        self.count = state["count"]


def test_extra_state():
    model, other = nn.Sequential(Counter()), nn.Sequential(Counter())
    model[0].count = 5
    state = model.state_dict()
    assert list(state) == ["0.weight", "0.bias", "0._extra_state"]
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert other[0].count == 5
    del state["0._extra_state"]
    with pytest.raises(RuntimeError, match='Missing key.* "0._extra_state"'):
        other.load_state_dict(state)
    assert other.load_state_dict(state, strict=False).missing_keys == ["0._extra_state"]
    with pytest.raises(RuntimeError, match='Unexpected key.* "0._extra_state"'):
        nn.Sequential(nn.Linear(1, 1)).load_state_dict(model.state_dict())
    with pytest.raises(RuntimeError, match="get_extra_state is not defined"):
        nn.Linear(1, 1).get_extra_state()


def test_set_submodule():
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    model.set_submodule("1.0", nn.Tanh())
    assert isinstance(model[1][0], nn.Tanh)
    model.set_submodule("1.1", nn.ReLU())
    assert len(model[1]) == 2
    with pytest.raises(AttributeError, match="no attribute `5`"):
        model.set_submodule("1.5", nn.ReLU(), strict=True)
    with pytest.raises(AttributeError, match="`weight` is not an nn.Module"):
        model.set_submodule("0.weight", nn.ReLU())
    with pytest.raises(ValueError, match="needs a name and a Module"):
        model.set_submodule("", nn.ReLU())
    with pytest.raises(ValueError, match="needs a name and a Module, got '0' and int"):
        model.set_submodule("0", 3)


def test_shared_parameters_are_saved_under_both_names_and_stay_shared():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert len(list(model.parameters())) == 3
    state = {name: value * 2 for name, value in model.state_dict().items()}
    model.load_state_dict(state)
    assert model[1].weight is model[0].weight
    np.testing.assert_array_equal(model[0].weight.detach().numpy(), state["1.weight"].numpy())


def test_buffers_by_assignment():
    module = nn.Module()
    module.kept, module.volatile = nn.Buffer(tg.zeros(1)), nn.Buffer(tg.ones(2), persistent=False)
    assert [name for name, _ in module.named_buffers()] == ["kept", "volatile"]
    assert list(module.state_dict()) == ["kept"]
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), module.double()):
        assert list(copied.state_dict()) == ["kept"]
        assert copied.volatile.tolist() == [1.0, 1.0]
    assert module.volatile.dtype == np.float64
    module.kept = tg.ones(3)
    assert list(module.state_dict()) == ["kept"]
    with pytest.raises(TypeError, match="Buffer: data must be a Tensor, got list"):
        nn.Buffer([1.0])
