"""Hooks: their order, what they may replace, and the gradients they see, against PyTorch's."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def without_hooks(module):
    return module._hooks is None


def test_modules_without_hooks_have_none(monkeypatch):
    monkeypatch.setattr(nn.Module, "_hooks", None)  # an earlier test's hook for every module leaves an empty default
    assert all(map(without_hooks, nn.Sequential(nn.Linear(1, 1), nn.ReLU()).modules()))


# Forward


def test_order_and_prepend():
    module, calls = nn.Identity(), []
    for name in "abc":
        module.register_forward_pre_hook(lambda m, args, name=name: calls.append(f"before {name}"), prepend=name == "c")
        module.register_forward_hook(lambda m, args, out, name=name: calls.append(f"after {name}"), prepend=name == "c")
    module(tg.ones(1))
    assert calls == ["before c", "before a", "before b", "after c", "after a", "after b"]


def test_pre_hooks_replace_the_arguments():
    module = nn.Identity()
    module.register_forward_pre_hook(lambda m, args: args[0] + 1)
    module.register_forward_pre_hook(lambda m, args: (args[0] * 10,))
    assert module(tg.ones(1)).item() == 20


class Affine(nn.Module):
    def forward(self, x, *, scale=1.0, shift=0.0):
        return x * scale + shift


def test_hooks_with_keywords():
    module, seen = Affine(), []
    module.register_forward_pre_hook(lambda m, args, kwargs: (args, {**kwargs, "shift": 5.0}), with_kwargs=True)
    module.register_forward_hook(lambda m, args, kwargs, out: seen.append((kwargs, out.item())), with_kwargs=True)
    assert module(tg.ones(1), scale=2.0).item() == 7
    assert seen == [({"scale": 2.0, "shift": 5.0}, 7.0)]
    module.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"a tuple \(new_args, new_kwargs\), got 3"):
        module(tg.ones(1))


def test_hooks_replace_the_output_and_can_be_removed():
    module = nn.Identity()
    first = module.register_forward_hook(lambda m, args, out: out + 1)
    with module.register_forward_hook(lambda m, args, out: out * 10):
        assert module(tg.ones(1)).item() == 20
    assert module(tg.ones(1)).item() == 2
    first.remove()
    first.remove()
    assert module(tg.ones(1)).item() == 1


class Failing(nn.Module):
    def forward(self, x):
        raise RuntimeError("from forward")


def test_always_called_hooks_run_after_an_error():
    module, seen = Failing(), []
    module.register_forward_hook(lambda m, args, out: seen.append("plain"))
    module.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(RuntimeError, match="from forward"):
        module(tg.ones(1))
    assert seen == [None]


def test_always_called_hooks_run_once_and_only_warn():
    module, seen = nn.Identity(), []

    def fail(m, args, out):
        seen.append("fail")
        raise ValueError("from a hook")

    module.register_forward_hook(lambda m, args, out: seen.append("first"), always_call=True)
    module.register_forward_hook(fail, always_call=True)
    with pytest.raises(ValueError, match="from a hook"):
        module(tg.ones(1))
    assert seen == ["first", "fail"]
    other = Failing()
    other.register_forward_hook(fail, always_call=True)
    with pytest.warns(UserWarning, match="Failing: .*ValueError.'from a hook'"), pytest.raises(RuntimeError):
        other(tg.ones(1))


def test_a_hook_may_remove_itself():
    module, seen = nn.Identity(), []

    def once(m, args, out):
        seen.append(1)
        handle.remove()

    handle = module.register_forward_hook(once)
    module(tg.ones(1))
    module(tg.ones(1))
    assert seen == [1]


# For every module


def test_hooks_of_every_module_come_first():
    model, calls = nn.Sequential(nn.Linear(1, 1), nn.ReLU()), []
    model[1].register_forward_pre_hook(lambda m, args: calls.append("own"))

    def note(m, args):
        calls.append(type(m).__name__)

    with nn.register_module_forward_pre_hook(note):
        model(tg.ones(1, 1))
    assert calls == ["Sequential", "Linear", "ReLU", "own"]
    model(tg.ones(1, 1))
    assert calls[4:] == ["own"]


# Backward, the same program in both libraries

OURS = SimpleNamespace(nn=nn, tensor=lambda values: tg.tensor(np.array(values)))


def libraries():
    torch = pytest.importorskip("torch")
    theirs = SimpleNamespace(nn=torch.nn, tensor=lambda values: torch.tensor(np.array(values)))
    return OURS, theirs


def plain(value):
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return None if value is None else value.detach().numpy().tolist()


def two_layers(lib):
    model = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.Tanh()).double()
    for p in model.parameters():
        p.data = lib.tensor(np.linspace(-1.0, 1.0, p.data.numpy().size).reshape(tuple(p.shape)))
    return model


def program_seen(lib):
    model, seen = two_layers(lib), []
    for module in (model, *model):
        module.register_full_backward_pre_hook(lambda m, g: seen.append(("pre", type(m).__name__, plain(g))))
        module.register_full_backward_hook(lambda m, i, o: seen.append((type(m).__name__, plain(i), plain(o))))
    x = lib.tensor([[0.5, -1.0]]).requires_grad_()
    model(x).sum().backward()
    return seen, plain(x.grad), [plain(p.grad) for p in model.parameters()]


def program_replaced(lib):
    model = two_layers(lib)
    model[1].register_full_backward_pre_hook(lambda m, g: (g[0] * 2,))
    model[1].register_full_backward_pre_hook(lambda m, g: (g[0] + 1,))
    model[0].register_full_backward_hook(lambda m, i, o: (i[0] * 10 + o[0].sum(),))
    x = lib.tensor([[0.5, -1.0]]).requires_grad_()
    model(x).sum().backward()
    return plain(x.grad), [plain(p.grad) for p in model.parameters()]


def program_without_input_gradient(lib):
    model, seen = two_layers(lib), []
    model[0].register_full_backward_hook(lambda m, i, o: seen.append((plain(i), plain(o))))
    model(lib.tensor([[0.5, -1.0]])).sum().backward()
    return seen, [plain(p.grad) for p in model.parameters()]


def program_several(lib):
    seen = []

    class Mix(lib.nn.Module):
        def forward(self, x, n, y):
            return x * y, x + y * n, n

    module = Mix()
    module.register_full_backward_hook(lambda m, i, o: seen.append((plain(i), plain(o))))
    x, y = lib.tensor([1.0, 2.0]).requires_grad_(), lib.tensor([3.0, 4.0]).requires_grad_()
    a, b, _ = module(x, 3, y)
    (a.sum() + 2 * b.sum()).backward()
    return seen, plain(x.grad), plain(y.grad)


def program_called_twice(lib):
    module, seen = lib.nn.Linear(2, 2).double(), []
    for p in module.parameters():
        p.data = p.data * 0 + 0.5
    module.register_full_backward_hook(lambda m, i, o: seen.append((plain(i), plain(o))))
    x = lib.tensor([[0.5, -1.0]]).requires_grad_()
    module(module(x)).sum().backward()
    return seen, plain(x.grad), plain(module.weight.grad)


PROGRAMS = [
    program_seen,
    program_replaced,
    program_without_input_gradient,
    program_several,
    program_called_twice,
]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # PyTorch's, in one of the programs
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_backward_hooks_equal_pytorchs(program):
    ours, theirs = map(program, libraries())
    assert flat(ours) == pytest.approx(flat(theirs), rel=1e-12)
    assert shape(ours) == shape(theirs)


def flat(value):
    """The numbers in nested lists and tuples."""
    if isinstance(value, list | tuple):
        return [number for item in value for number in flat(item)]
    return [value] if isinstance(value, float) else []


def shape(value):
    """Everything but the numbers."""
    if isinstance(value, list | tuple):
        return type(value)(map(shape, value))
    return float if isinstance(value, float) else value


def test_backward_hooks_see_and_replace_gradients():
    module, seen = nn.Tanh(), []

    def hook(m, grad_input, grad_output):
        seen.append((grad_input[0].item(), grad_output[0].item()))
        return (grad_input[0] * 0 + 5.0,)

    module.register_full_backward_hook(hook)
    x = tg.zeros(1, requires_grad=True)
    (module(x) * 3.0).backward()
    assert seen == [(3.0, 3.0)]
    assert x.grad.item() == 5.0


def test_backward_hooks_record_second_derivatives():
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, i, o: (i[0] * 2,))
    x = tg.tensor([0.3, -0.2], dtype=tg.float64, requires_grad=True)
    (first,) = tg.autograd.grad(module(x).sum(), [x], create_graph=True)
    (second,) = tg.autograd.grad(first.sum(), [x])
    t = np.tanh(x.detach().numpy())
    np.testing.assert_allclose(first.detach().numpy(), 2 * (1 - t * t))
    np.testing.assert_allclose(second.numpy(), -4 * t * (1 - t * t))


def test_what_backward_hooks_return_is_checked():
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, i, o: (i[0], i[0]))
    x = tg.zeros(1, requires_grad=True)
    with pytest.raises(
        RuntimeError,
        match="Tanh: a backward hook returned a wrong number of values as grad_input: got 2, but expected 1",
    ):
        module(x).backward()
    module = nn.Linear(1, 1)
    module.register_full_backward_hook(lambda m, i, o: o)
    with pytest.raises(RuntimeError, match="Linear: a backward hook must return None where no input requires grad"):
        module(tg.zeros(1)).backward()


def test_backward_hooks_of_an_odd_output_warn():
    class Listed(nn.Module):
        def forward(self, x):
            return [x * 2]

    module = Listed()
    module.register_full_backward_hook(lambda m, i, o: None)
    with pytest.warns(UserWarning, match="Listed: for backward hooks to be called .* got list"):
        module(tg.zeros(1, requires_grad=True))


def test_backward_hooks_cost_nothing_without_a_graph():
    module = nn.Tanh()
    module.register_full_backward_hook(lambda m, i, o: pytest.fail("there is no backward pass"))
    x = tg.zeros(1, requires_grad=True)
    with tg.no_grad():
        assert not module(x).requires_grad
    assert not module(tg.zeros(1)).requires_grad


def test_with_the_last_hook_for_every_module_its_way_ends():
    """A compiled module refuses hooks: one that has long been removed must not count."""
    first = nn.register_module_forward_hook(lambda module, args, output: None)
    second = nn.register_module_forward_pre_hook(lambda module, args: None)
    first.remove()
    assert nn.Module._hooks is not None
    second.remove()
    second.remove()
    assert nn.Module._hooks is None


def test_what_a_backward_hook_guards_is_not_changed_in_place():
    """PyTorch's name of what hooks put there says where it comes from."""
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    net[0].register_full_backward_hook(lambda module, gradients, incoming: None)
    with pytest.raises(RuntimeError, match="relu_: the tensor is a view made by .* BackwardHookFunction"):
        net(tg.ones(1, 2))
