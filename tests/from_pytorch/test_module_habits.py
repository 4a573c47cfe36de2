"""What PyTorch's modules and their helpers do besides: registration hooks, versions, lazy modules, casts."""

from __future__ import annotations

import pickle
import warnings
from collections import namedtuple
from io import BytesIO

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import hooks
from tinygrad_lite.nn.modules.lazy import LazyModuleMixin
from tinygrad_lite.nn.utils import parametrizations, parametrize, prune, rnn

Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    ("register", "names"),
    [
        (hooks.register_module_parameter_registration_hook, ["weight", "bias"]),
        (hooks.register_module_buffer_registration_hook, ["running_mean", "running_var", "num_batches_tracked"]),
    ],
)
def test_registration_hooks_see_and_replace(register, names):
    seen = []

    def marked(module, name, value):
        seen.append(name)
        value.marked = True
        return value

    with register(marked):
        layer = nn.BatchNorm1d(2)
    assert seen == names
    assert all(getattr(layer, name).marked for name in names)
    nn.BatchNorm1d(2)
    assert seen == names
    with hooks.register_module_module_registration_hook(lambda module, name, child: nn.Tanh()):
        assert type(nn.Sequential(nn.ReLU())[0]) is nn.Tanh


def test_backward_hooks_leave_named_tuples():
    class Two(nn.Module):
        def forward(self, x):
            return Pair(x * 2, x * 3)

    module = Two()
    handle = module.register_full_backward_hook(lambda module, grad_input, grad_output: None)
    assert len(handle.hooks_dict_ref()) == 1
    assert handle.id in module._backward_hooks
    out = module(tg.ones(2, requires_grad=True))
    assert type(out) is Pair
    assert out.second.tolist() == [3.0, 3.0]
    module.register_forward_hook(print, with_kwargs=True, always_call=True)
    assert len(module._forward_hooks_with_kwargs) == len(module._forward_hooks_always_called) == 1
    del module._forward_hooks
    assert not module._forward_hooks_always_called


def test_state_dicts_tell_versions():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1))
    state = model.state_dict()
    assert {name: told["version"] for name, told in state._metadata.items()} == {"": 1, "0": 2, "1": 1}
    told = []
    model[0].register_load_state_dict_pre_hook(lambda module, state, prefix, metadata, *rest: told.append(metadata))
    file = BytesIO()
    tg.save(state, file)
    model.load_state_dict(tg.load(BytesIO(file.getvalue())))
    model.load_state_dict(state)
    model.load_state_dict(dict(state))
    assert told[1:] == [{"version": 2}, {}]
    model.register_state_dict_post_hook(lambda *args: {})
    with pytest.raises(RuntimeError, match="state_dict post-hook must return None"):
        model.state_dict()


def test_lazy_modules_of_ones_own():
    class Scale(LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            self.gain.materialize(x.shape[-1])
            nn.init.constant_(self.gain, 3.0)

        def forward(self, x):
            return x * self.gain

    scale = Scale().double()
    scale.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    gain = pickle.loads(pickle.dumps(scale.gain))
    assert type(gain) is nn.UninitializedParameter
    assert gain.dtype == tg.float64
    for use in (lambda: gain + gain, lambda: tg.empty_like(gain), lambda: nn.utils.weight_norm(nn.LazyLinear(2)),
                lambda: nn.utils.spectral_norm(nn.LazyLinear(2))):  # fmt: skip
        with pytest.raises(ValueError, match="uninitialized parameter"):
            use()
    with pytest.raises(RuntimeError, match="share memory on an uninitialized"):
        scale.share_memory()
    assert scale(tg.zeros(2, dtype=tg.float64)).tolist() == [3.0, 3.0]
    assert scale.gain.dtype == tg.float64
    assert type(scale) is Scale
    assert scale(tg.zeros(2, dtype=tg.float64)).tolist() == [3.0, 3.0]


def test_parametrizations_like_the_older_ones():
    tg.manual_seed(0)
    older, newer = nn.utils.weight_norm(nn.Linear(3, 2)), parametrizations.weight_norm(nn.Linear(3, 2))
    newer.load_state_dict(older.state_dict())
    x = tg.randn(4, 3)
    np.testing.assert_array_equal(newer(x).detach(), older(x).detach())
    layer = nn.Linear(3, 2).eval()
    parametrize.register_parametrization(layer, "weight", nn.Identity())
    assert not layer.parametrizations.weight[0].training
    other = parametrize.transfer_parametrizations_and_params(newer, nn.Linear(3, 2))
    np.testing.assert_array_equal(other.weight.detach(), newer.weight.detach())
    assert other.parametrizations.weight.original0 is newer.parametrizations.weight.original0


def test_pruning_amounts_and_masks():
    for amount, error in (("much", TypeError), (1.5, ValueError), (-1, ValueError)):
        with pytest.raises(error, match="prune: amount must"):
            prune.L1Unstructured(amount)
    method = prune.L1Unstructured(1)
    method._tensor_name = "weight"
    container = prune.PruningContainer(method)
    with pytest.raises(TypeError, match="methods of pruning, got int"):
        container.add_pruning_method(3)
    mask = container.compute_mask(tg.tensor([3.0, 2.0, 1.0]), tg.tensor([1, 1, 0]))
    assert (mask.tolist(), mask.dtype) == ([1.0, 0.0, 0.0], tg.float32)
    layer = prune.l1_unstructured(nn.Linear(3, 2), "weight", amount=2)
    again = pickle.loads(pickle.dumps(layer))  # its weight is a result
    np.testing.assert_array_equal(again.weight.detach(), layer.weight.detach())
    assert again.weight_orig.requires_grad


def test_results_can_be_pickled():
    made = pickle.loads(pickle.dumps(tg.ones(2, requires_grad=True) * 2))
    assert made.tolist() == [2.0, 2.0]
    assert made.is_leaf
    assert made.requires_grad


def test_packed_sequences_are_cast():
    packed = rnn.pack_sequence([tg.tensor([1.5, 2.0]), tg.tensor([4.0])])
    for name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
        cast = getattr(packed, name)()
        assert cast.data.dtype == getattr(tg.tensor([1.0]), name)().dtype
        assert cast.batch_sizes is packed.batch_sizes
    assert packed.to("cpu") is packed.cpu() is packed.float() is packed.pin_memory() is packed
    with pytest.raises(RuntimeError, match="Expected iterable for input sequences, but got arg of type: int"):
        rnn.pad_sequence(5)


def test_embeddings_of_nothing_have_gradients():
    for shape, index in (((3, 0), [1, 2]), ((3, 2), [])):
        weight = tg.ones(shape, requires_grad=True)
        nn.functional.embedding(tg.tensor(index, dtype=tg.int64), weight).sum().backward()
        assert weight.grad.shape == shape
    with pytest.raises(
        RuntimeError, match="per_sample_weights must have the same type as weight, float32, got float64"
    ):
        nn.functional.embedding_bag(tg.tensor([[0]]), tg.ones(1, 2), per_sample_weights=tg.ones(1, 1, dtype=tg.float64),
                                    mode="sum")  # fmt: skip


def test_schedulers_warn_in_pytorchs_words():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`")
        optim.lr_scheduler.StepLR(optim.SGD([tg.zeros(1, requires_grad=True)], lr=1.0), 2).step()


def test_gradients_of_convolutions_as_functions():
    tg.manual_seed(0)
    for dims in (1, 2, 3):
        convolve = getattr(nn.functional, f"conv{dims}d")
        x = tg.randn(2, 4, *(5,) * dims, requires_grad=True)
        weight = tg.randn(6, 2, *(3,) * dims, requires_grad=True)
        out = convolve(x, weight, None, 2, 1, 1, 2)
        g = tg.randn(*out.shape)
        out.backward(g)
        by_input, by_weight = getattr(nn.grad, f"conv{dims}d_input"), getattr(nn.grad, f"conv{dims}d_weight")
        np.testing.assert_allclose(by_input(x.shape, weight, g, 2, 1, 1, 2), x.grad, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            by_weight(x, weight.shape, g, stride=2, padding=1, groups=2), weight.grad, 1e-5, 1e-5
        )


def test_hooks_of_every_module_are_where_pytorch_has_them():
    nn.register_module_forward_hook(lambda module, args, output: output + 1)
    assert nn.Identity()(tg.zeros(1)).tolist() == [1.0]
    hooks._global_forward_hooks = type(hooks._global_forward_hooks)()
    assert nn.Identity()(tg.zeros(1)).tolist() == [0.0]
    with nn.register_module_forward_hook(lambda module, args, output: output + 2):
        assert nn.Identity()(tg.zeros(1)).tolist() == [2.0]
    assert nn.Module._hooks is None


def test_hooks_of_every_optimizer():
    seen = []
    p = tg.ones(1, requires_grad=True)
    p.sum().backward()
    with optim.optimizer.register_optimizer_step_pre_hook(lambda *_: seen.append("before")), \
            optim.optimizer.register_optimizer_step_post_hook(lambda *_: seen.append("after")):  # fmt: skip
        sgd = optim.SGD([p], lr=0.1)
        sgd.register_step_pre_hook(lambda *_: seen.append("own"))
        sgd.register_step_post_hook(lambda *_: seen.append("its own"))
        sgd.step()
        optim.Adam([p], lr=0.1).step()
    optim.Adam([p], lr=0.1).step()
    assert seen == ["before", "own", "its own", "after", "before", "after"]


def test_disable_decorates_with_options():
    assert tg.compiler.disable(recursive=False)(abs)(-2) == 2


def test_factors_in_pytorchs_older_places():
    a, b, c = tg.ones(2), tg.full((2,), 2.0), tg.full((2,), 4.0)
    m, batch = tg.ones(2, 2), tg.ones(1, 2, 2)
    calls = [
        (lambda: tg.add(a, 3, b), 7), (lambda: a.clone().add_(3, b), 7), (lambda: a.sub(3, b), -5),
        (lambda: tg.addcmul(a, 3, b, c), 25), (lambda: a.clone().addcmul_(3, b, c), 25),
        (lambda: a.clone().addcdiv_(-3, b, c), -0.5), (lambda: tg.addmm(2, m, 3, m, m), 8),
        (lambda: m.addmm(2, m, m), 4),
        (lambda: tg.addmv(2, a, 3, m, b), 14), (lambda: m.addr(2, 3, a, b), 8),
        (lambda: tg.addbmm(2, m, 3, batch, batch), 8),
        (lambda: tg.baddbmm(2, batch, batch, batch), 4), (lambda: tg.addcmul(a, 3, b, c, out=tg.zeros(2)), 25),
    ]  # fmt: skip
    for call, expected in calls:
        with pytest.warns(UserWarning, match="is deprecated: give (alpha|beta|value)"):
            assert set(call().reshape(-1).tolist()) == {expected}
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        tg.add(a, a, a)


def test_optimizers_keep_what_hooks_put_into_their_state():
    p = tg.ones(2, requires_grad=True)
    p.sum().backward()
    adam = optim.Adam([p], lr=0.1)
    adam.register_state_dict_pre_hook(lambda optimizer: optimizer.state.update(run="first"))
    adam.step()
    state = adam.state_dict()
    adam.step()
    assert state["state"]["run"] == "first"
    other = optim.Adam([p], lr=0.1)
    other.load_state_dict(state)
    other.step()
    assert (other.state["run"], int(other.state[p]["step"])) == ("first", 2)
    assert optim.LBFGS([p], tolerance_grad=float("inf")).param_groups[0]["tolerance_grad"] == float("inf")
