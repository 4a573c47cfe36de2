"""State dicts: saving, strict loading, and what the message says when something does not fit."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn


def model():
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def values(module):
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all((a[name] == b[name]).all() for name in a)


# Saving


def test_state_dict_shares_memory_and_has_no_graph():
    module = model()
    state = module.state_dict()
    assert isinstance(state, OrderedDict)
    assert not any(value.requires_grad for value in state.values())
    assert np.shares_memory(state["0.weight"]._data, module[0].weight._data)
    kept = module.state_dict(keep_vars=True)
    assert kept["0.weight"] is module[0].weight


def test_state_dict_prefix_and_destination():
    given = OrderedDict(before=tg.zeros(1))
    state = model().state_dict(destination=given, prefix="net.")
    assert state is given
    assert list(state)[:3] == ["before", "net.0.weight", "net.0.bias"]


def test_non_persistent_buffers_are_left_out():
    module = nn.Module()
    module.register_buffer("kept", tg.zeros(1))
    module.register_buffer("left_out", tg.zeros(1), persistent=False)
    assert list(module.state_dict()) == ["kept"]
    module.left_out = tg.ones(1)  # stays what it is
    assert list(module.state_dict()) == ["kept"]
    module.register_buffer("left_out", tg.ones(1), persistent=True)
    assert list(module.state_dict()) == ["kept", "left_out"]


def test_a_submodule_may_change_its_own_state():
    class Versioned(nn.Linear):
        def state_dict(self, **options):
            state = super().state_dict(**options)
            state[options.get("prefix", "") + "version"] = tg.tensor(2)
            return state

    assert list(nn.Sequential(Versioned(1, 1)).state_dict()) == ["0.weight", "0.bias", "0.version"]


# Loading


@pytest.mark.parametrize(
    "form", [lambda v: tg.tensor(v), lambda v: v, lambda v: v.tolist()], ids=["tensor", "array", "list"]
)
def test_loading_copies(form):
    module, other = model(), model()
    with tg.no_grad():
        for value in module.state_dict().values():
            value.add_(1)
    state = {name: form(value) for name, value in values(module).items()}
    addresses = [p._data.ctypes.data for p in other.parameters()]
    result = other.load_state_dict(state)
    assert repr(result) == str(result) == "<All keys matched successfully>"
    assert result.missing_keys == result.unexpected_keys == []
    assert same(values(other), values(module))
    assert [p._data.ctypes.data for p in other.parameters()] == addresses
    assert all(p.requires_grad and p.is_leaf for p in other.parameters())


def test_loading_converts_to_the_modules_dtype():
    module = model().double()
    state = model().state_dict()
    module.load_state_dict(state)
    assert module[0].weight.dtype == np.float64
    assert (module[0].weight.numpy(force=True) == state["0.weight"].numpy()).all()


def test_a_shared_parameter_loads_from_either_name():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight = module[0].weight
    state = module.state_dict()
    state["0.weight"] = state["1.weight"] = tg.full((2, 2), 7.0)
    module.load_state_dict(state)
    assert (module[0].weight.numpy(force=True) == 7).all()
    assert module[1].weight is module[0].weight


def broken():
    state = model().state_dict()
    del state["0.weight"], state["2.bias"]
    state["0.bias"] = tg.zeros(5)
    state["1.running_mean"] = tg.zeros(4, 1)
    state["new.weight"] = tg.zeros(1)
    return state


def test_everything_wrong_is_listed_and_nothing_is_written():
    module = model()
    state = broken()
    state["2.weight"] = tg.full((2, 4), 9.0)  # this one would fit
    before = values(module)
    with pytest.raises(RuntimeError) as caught:
        module.load_state_dict(state)
    assert str(caught.value).splitlines() == [
        "Error(s) in loading state_dict for Sequential:",
        '\tMissing key(s) in state_dict: "0.weight", "2.bias".',
        '\tUnexpected key(s) in state_dict: "new.weight".',
        "\tsize mismatch for 0.bias: copying a param with shape (5,) from checkpoint, the shape in current "
        "model is (4,).",
        "\tsize mismatch for 1.running_mean: copying a param with shape (4, 1) from checkpoint, the shape in current "
        "model is (4,).",
    ]
    assert same(values(module), before)


def test_the_message_says_what_pytorchs_says():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))
    state = {name: torch.from_numpy(value.numpy().copy()) for name, value in broken().items()}

    def lines(module):
        with pytest.raises(RuntimeError) as caught:
            module.load_state_dict(state)
        text = (
            str(caught.value)
            .replace("torch.Size([", "(")
            .replace("])", ")")
            .replace("(5)", "(5,)")
            .replace("(4)", "(4,)")
        )
        return [line.strip() for line in text.splitlines()]

    assert lines(model()) == lines(theirs)


def test_not_strict_loads_what_fits_and_reports():
    module = model()
    state = model().state_dict()
    state["0.bias"] = tg.full((4,), 5.0)
    del state["2.bias"]
    state["extra"] = tg.zeros(1)
    result = module.load_state_dict(state, strict=False)
    assert result.missing_keys == ["2.bias"]
    assert result.unexpected_keys == ["extra"]
    assert repr(result) == "IncompatibleKeys(missing_keys=['2.bias'], unexpected_keys=['extra'])"
    assert (module[0].bias.numpy(force=True) == 5).all()
    state["0.bias"] = tg.zeros(3)
    with pytest.raises(RuntimeError, match=r"size mismatch for 0\.bias"):
        module.load_state_dict(state, strict=False)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0.bias", object(), "0.bias: values of dtype object cannot be stored as float32"),
        ("0.bias", np.zeros(4, complex), "0.bias: values of dtype complex128 cannot be stored as float32"),
        ("0.bias", np.array(["a"] * 4), "0.bias: values of dtype <U1 cannot be stored as float32"),
        ("1.num_batches_tracked", np.float64(0.5), "1.num_batches_tracked: values of dtype float64 .* int64"),
    ],
)
def test_values_of_a_wrong_kind_are_refused(name, value, message):
    state = dict(model().state_dict())
    state[name] = value
    with pytest.raises(RuntimeError, match=message):
        model().load_state_dict(state)


def test_complex_state_is_loaded_and_takes_real_values():
    def complex_one():
        module = nn.Module()
        module.weight = nn.Parameter(tg.tensor([1j, 2 + 1j]))
        module.register_buffer("angles", tg.tensor([3j]))
        return module

    module = complex_one()
    module.load_state_dict({"weight": np.array([4.0, 5]), "angles": tg.tensor([6j])})
    assert module.weight.tolist() == [4, 5]
    assert module.angles.tolist() == [6j]
    assert str(complex_one().load_state_dict(module.state_dict())) == "<All keys matched successfully>"


def test_a_state_dict_must_be_a_mapping():
    with pytest.raises(TypeError, match="state_dict must be a mapping, got list"):
        model().load_state_dict([("0.weight", 1)])


def test_assign_takes_the_values_and_their_dtype():
    module = model()
    module[0].bias.requires_grad_(False)
    state = {name: tg.tensor(value) for name, value in values(model().double()).items()}
    module.load_state_dict(state, assign=True)
    assert module[0].weight.dtype == np.float64
    assert np.shares_memory(module[0].weight._data, state["0.weight"]._data)
    assert isinstance(module[0].weight, nn.Parameter)
    assert [p.requires_grad for p in module[0].parameters()] == [True, False]
    assert type(module[1].running_mean) is tg.Tensor
    assert module[1].running_mean.dtype == np.float64


def test_files_from_before_batches_were_counted_load():
    state = model().state_dict()
    del state["1.num_batches_tracked"]
    module = model()
    module[1].num_batches_tracked.fill_(3)
    assert str(module.load_state_dict(state)) == "<All keys matched successfully>"
    assert module[1].num_batches_tracked.item() == 3
    del state["1.running_mean"]
    with pytest.raises(RuntimeError, match=r'"1.running_mean", "1.num_batches_tracked"'):
        module.load_state_dict(state)


# Hooks


def test_hooks_around_saving():
    module = model()
    calls = []

    def after(hooked, state, prefix, metadata):
        calls.append(("after", prefix, metadata))
        state[prefix + "weight"] = state[prefix + "weight"] * 0

    module[0].register_state_dict_pre_hook(lambda hooked, prefix, keep_vars: calls.append((prefix, keep_vars)))
    handle = module[0].register_state_dict_post_hook(after)
    assert (module.state_dict(prefix="p.")["p.0.weight"].numpy() == 0).all()
    assert calls == [("p.0.", False), ("after", "p.0.", {"version": 1})]
    handle.remove()
    assert (module.state_dict()["0.weight"].numpy() != 0).any()


def test_hooks_around_loading():
    module = model()
    state = OrderedDict((name.replace("0.", "0.old_"), value) for name, value in model().state_dict().items())
    given = dict(state)

    def rename(hooked, state, prefix, metadata, strict, missing, unexpected, errors):
        assert hooked is module[0]
        assert (prefix, metadata, strict) == ("0.", {}, True)
        for name in ("weight", "bias"):
            state[prefix + name] = state.pop(prefix + "old_" + name)

    module[0].register_load_state_dict_pre_hook(rename)
    seen = []
    module.register_load_state_dict_post_hook(lambda hooked, keys: seen.append((hooked, keys)))
    result = module.load_state_dict(state)
    assert seen == [(module, result)]
    assert dict(state) == given  # the caller's dict stays as it was


class Hooked(nn.Module):
    """Hooks that are methods of its own, as libraries register them by PyTorch's inner names."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self._register_load_state_dict_pre_hook(self.before)
        self._register_state_dict_hook(Hooked.renamed)

    def before(self, state, prefix, *rest):
        self.seen.append(prefix)

    def renamed(self, state, prefix, metadata):
        return {"more": tg.ones(1)}


@pytest.mark.parametrize("again", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_have_hooks_of_their_own(again):
    module = Hooked()
    copied = again(module)
    assert list(copied.state_dict()) == ["more"]
    copied.load_state_dict({})
    assert (module.seen, copied.seen) == ([], [""])


def test_a_post_hook_may_forgive():
    module = model()
    state = model().state_dict()
    del state["2.bias"]
    module[2].register_load_state_dict_post_hook(lambda hooked, keys: keys.missing_keys.clear())
    assert module.load_state_dict(state).missing_keys == []


def _own_words(m):
    """A module that writes and reads its state under another name, within others."""

    class Serialized(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.param, self.sub = m.nn.Parameter(m.ones(1)), m.nn.Linear(2, 2)

        def _save_to_state_dict(self, destination, prefix, keep_vars):
            destination[prefix + "serialized"] = self.param.data + 1

        def _load_from_state_dict(self, state, prefix, *rest):
            self.param.data.copy_(state[prefix + "serialized"] - 1)

    first, second = (m.nn.Sequential(Serialized(), m.nn.Linear(2, 2)) for _ in range(2))
    with m.no_grad():
        first[0].param.fill_(10)
        first[0].sub.weight.fill_(5)
    keys = second.load_state_dict(first.state_dict())
    return [list(first.state_dict()), list(keys.missing_keys), list(keys.unexpected_keys), second[0].param.detach(),
            second[0].sub.weight.detach()]  # fmt: skip


def test_a_module_that_reads_its_own_words_knows_them():
    agree(_own_words)


def _what_hooks_see(m):
    net = m.nn.Sequential(m.nn.Sequential(m.nn.Linear(1, 1), m.nn.Linear(1, 1)), m.nn.Linear(1, 1))
    seen = []
    for part in (net, net[0], net[0][1]):
        part.register_load_state_dict_pre_hook(lambda module, state, *rest: seen.append(sorted(state)))
    net[0][1].register_load_state_dict_pre_hook(lambda module, state, prefix, *rest: state.pop(prefix + "bias"))
    keys = net.load_state_dict({**net.state_dict(), "0.1.other": m.ones(1), "2.x": m.ones(1), "0.y": m.ones(1)}, False)
    return [seen, keys.missing_keys, sorted(keys.unexpected_keys)]


def test_hooks_before_loading_see_what_is_their_modules():
    agree(_what_hooks_see)


def test_numbers_that_were_written_as_vectors_of_one():
    def program(m):
        layer = m.nn.BatchNorm1d(2)
        layer.load_state_dict({**layer.state_dict(), "num_batches_tracked": m.tensor([7])})
        return layer.num_batches_tracked

    agree(program)
