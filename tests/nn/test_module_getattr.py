"""Classes that have a `__getattr__` of their own, or ask for `Module.__getattr__`, PyTorch's way to members."""

from __future__ import annotations

import copy
import io

import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn


def telling(m, base=None):
    """A class that tells what it is asked for and what is added to it, as pyro's modules do; and what it has told."""
    told = []

    class Telling(base or m.nn.Linear):
        def __getattr__(self, name):
            value = super().__getattr__(name)
            told.append(name)
            return value

        def add_module(self, name, module):
            told.append(f"add {name}")
            super().add_module(name, module)

    return Telling, told


def filled(m, layer):
    with m.no_grad():
        for i, value in enumerate([*layer.parameters(), *layer.buffers()]):
            if value.is_floating_point():
                value.copy_((m.arange(value.numel()).reshape(value.shape) + i) / 8)
    return layer


def state(layer):
    return [[name, value] for name, value in layer.state_dict().items()]


def asked_in_calls(m):
    cls, told = telling(m)
    layer = filled(m, cls(2, 3))
    told.clear()
    return layer(m.ones(2)), told


def asked_for_buffers_and_children(m):
    cls, told = telling(m, m.nn.BatchNorm1d)
    layer = filled(m, cls(2))
    layer.inner = m.nn.Identity()
    told.clear()
    return layer.inner(layer(m.eye(2))), sorted({*told}), state(layer)


def members_of_all_kinds(m):
    layer = filled(m, telling(m)[0](2, 3))
    layer.register_buffer("held", m.ones(2), persistent=False)
    layer.child = m.nn.Linear(1, 1, bias=False)
    layer.plain = 3
    names = [[n for n, _ in each] for each in (layer.named_parameters(), layer.named_buffers(), layer.named_children())]
    here = [n in dir(layer) for n in ("weight", "held", "child", "plain", "forward")]
    return names, here, "weight" in vars(layer), layer._parameters["weight"], layer.get_parameter("weight"), repr(layer)


def assigned_and_deleted(m):
    layer = filled(m, telling(m)[0](2, 3))
    layer.weight = m.nn.Parameter(m.zeros(1, 2))
    layer.bias = None
    layer.plain = m.ones(1)
    layer.register_buffer("held", m.ones(2))
    layer.held = m.zeros(2)
    found = [layer(m.ones(2)), layer.bias, state(layer)]
    del layer.bias, layer.held
    layer._parameters["weight"] = m.nn.Parameter(m.ones(1, 2))
    return found, hasattr(layer, "bias"), hasattr(layer, "held"), state(layer)


def refused(name):
    def program(m):
        layer = telling(m)[0](2, 3)
        if name == "set":
            layer.weight = m.ones(1)
        elif name == "register":
            layer.plain = 3
            layer.register_parameter("plain", m.nn.Parameter(m.ones(1)))
        elif name == "delete":
            del layer.nothing
        else:
            return layer.nothing
        return None

    return program


def copies(m):
    layer = filled(m, telling(m)[0](2, 3))
    deep, flat = copy.deepcopy(layer).double(), copy.copy(layer)
    deep.weight.data.zero_()
    return state(layer), state(deep), flat.weight is layer.weight, deep.weight, layer.weight


def loaded(m):
    layer, other = filled(m, telling(m)[0](2, 3)), telling(m)[0](2, 3)
    other.load_state_dict(layer.state_dict())
    file = io.BytesIO()
    m.save(other.state_dict(), file)
    file.seek(0)
    return state(other), sorted(m.load(file))


def converted(m):
    layer = filled(m, telling(m, m.nn.BatchNorm1d)[0](2)).double()
    return layer.weight, layer.running_mean, layer.to(m.float32).running_var, state(layer)


def trained(m):
    layer = filled(m, telling(m)[0](2, 1))
    optimizer = m.optim.SGD(layer.parameters(), lr=0.5)
    layer(m.ones(3, 2)).sum().backward()
    optimizer.step()
    return layer.weight, layer.bias, layer.weight.grad


def called_with_other_state(m):
    cls, told = telling(m)
    layer = filled(m, cls(2, 3))
    told.clear()
    return m.func.functional_call(layer, {"weight": m.ones(3, 2)}, m.ones(2)), told, state(layer)


def parametrized(m):
    layer = filled(m, telling(m)[0](2, 3))
    parametrize = m.nn.utils.parametrize
    parametrize.register_parametrization(layer, "weight", m.nn.Tanh())
    found = [layer.weight, state(layer), parametrize.is_parametrized(layer, "weight"), copy.deepcopy(layer).weight]
    parametrize.remove_parametrizations(layer, "weight")
    return found, parametrize.is_parametrized(layer), state(layer), layer(m.ones(2))


def another_class_and_back(m):
    cls, told = telling(m)
    layer = filled(m, m.nn.Linear(2, 3))
    found = []
    for kind in (cls, m.nn.Linear, cls):
        layer.__class__ = kind
        told.clear()
        found += [layer(m.ones(2)), list(told), state(layer)]
    return found


def containers(m):
    found = []
    for kind, given in ((m.nn.Sequential, [m.nn.Tanh()]), (m.nn.ModuleList, [[m.nn.Tanh()]])):
        cls, told = telling(m, kind)
        made = cls(*given)
        made.append(m.nn.ReLU())
        made[0] = m.nn.ELU()
        found += [told, repr(made), len(made), [type(each).__name__ for each in made]]
    cls, told = telling(m, m.nn.ModuleDict)
    made = cls({"a": m.nn.Tanh()})
    made["b"] = m.nn.ReLU()
    return found, told, list(made), repr(made.a)


def lazy(m):
    layer = telling(m, m.nn.LazyLinear)[0](3)
    names = [n for n, _ in layer.named_parameters()]
    layer(m.ones(4, 2))
    return names, type(layer).__name__, filled(m, layer)(m.ones(2))


def hooked(m):
    layer = filled(m, telling(m)[0](2, 3))
    layer.register_forward_hook(lambda module, args, out: out + module.bias)
    layer.register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    return layer(m.ones(2))


def by_a_mixin(m):
    class Mixin:
        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return f"no {name}"

    class Mixed(Mixin, m.nn.Linear):
        pass

    layer = filled(m, Mixed(2, 3))
    return layer.weight, layer.anything, layer(m.ones(2))


def around_another(m):
    class Around(m.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    outer = Around(filled(m, m.nn.Linear(2, 3)))
    return outer.weight, outer.in_features, [n for n, _ in outer.named_parameters()], hasattr(outer, "nothing")


def before_there_is_a_state(m):
    class Early(m.nn.Module):
        def __init__(self):
            self.weight = m.nn.Parameter(m.ones(1))

        def __getattr__(self, name):
            return super().__getattr__(name)

    return Early()


def traced(m):
    class Outer(telling(m, m.nn.Module)[0]):
        def __init__(self):
            super().__init__()
            self.inner, self.scale = filled(m, m.nn.Linear(2, 3)), m.nn.Parameter(m.full((3,), 2.0))

        def forward(self, x):
            return self.inner(x) * self.scale

    graph = m.fx.symbolic_trace(Outer())
    return graph(m.ones(2)), [n for n, _ in graph.named_parameters()]


PROGRAMS = [asked_in_calls, asked_for_buffers_and_children, members_of_all_kinds, assigned_and_deleted, copies, loaded,
            converted, trained, called_with_other_state, parametrized, another_class_and_back, containers, lazy, hooked,
            by_a_mixin, around_another, before_there_is_a_state, traced,
            *map(refused, ("set", "register", "delete", "get"))]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__qualname__)
def test_a_class_is_asked_by_its_own_getattr(program):
    agree(program, rtol=1e-6)


class Scaled(nn.Linear):
    """A layer whose members are asked for."""

    def __getattr__(self, name):
        return super().__getattr__(name)

    def forward(self, x):
        return super().forward(x) * 2


def test_recorded_steps_see_members_that_are_asked_for():
    layer = filled(tg, Scaled(2, 3))
    call = tg.compile(layer, fullgraph=True)
    x = tg.ones(2)
    for change in (lambda: None, lambda: None, lambda: None, lambda: setattr(layer, "bias", None),
                   lambda: setattr(layer, "weight", nn.Parameter(tg.eye(2))),
                   lambda: layer._parameters.update(weight=nn.Parameter(tg.eye(2) * 3)),
                   lambda: layer.weight.data.fill_(4)):  # fmt: skip
        change()
        assert call(x).tolist() == layer(x).tolist()


class Numbered(nn.Module):
    """Layers by names that are made of numbers."""

    def __init__(self) -> None:
        super().__init__()
        for i in range(2):
            self.__setattr__(f"layer_{i}", nn.Linear(2, 2))

    def forward(self, x):
        for i in range(2):
            x = self.__getattr__(f"layer_{i}")(x)
        return x


def test_members_by_explicit_calls():
    model = Numbered()
    assert model(tg.ones(1, 2)).shape == (1, 2)
    assert model.__getattr__("layer_1") is model.layer_1
    with pytest.raises(AttributeError, match="'Numbered' object has no attribute 'layer_2'"):
        model.__getattr__("layer_2")
