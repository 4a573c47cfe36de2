"""`Sequential`, `ModuleList` and `ModuleDict` as the list and the dict they look like, against PyTorch's."""

from __future__ import annotations

import operator
from collections import OrderedDict

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

LISTS = [nn.Sequential, lambda *modules: nn.ModuleList(modules)]
each_list = pytest.mark.parametrize("make", LISTS, ids=["Sequential", "ModuleList"])


def three():
    return nn.Linear(1, 2), nn.Linear(2, 3), nn.Linear(3, 4)


def names(module):
    return [name for name, _ in module.named_children()]


@each_list
def test_it_is_a_list(make):
    a, b, c = three()
    modules = make(a, b, c)
    assert len(modules) == 3
    assert list(modules) == [a, b, c]
    assert modules[0] is a
    assert modules[-1] is c
    assert type(modules[1:]) is type(modules)
    assert list(modules[1:]) == [b, c]
    assert list(modules[::-1]) == [c, b, a]
    assert "0" not in dir(modules)
    assert "forward" in dir(modules)


@each_list
def test_items_are_replaced_and_deleted(make):
    a, b, c = three()
    modules = make(a, b, c)
    modules[1] = d = nn.ReLU()
    assert list(modules) == [a, d, c]
    modules[-1] = b
    assert list(modules) == [a, d, b]
    del modules[0]
    assert list(modules) == [d, b]
    assert names(modules) == ["0", "1"]
    modules.extend([a, c])
    del modules[1:3]
    assert list(modules) == [d, c]
    assert names(modules) == ["0", "1"]
    assert modules.pop(0) is d
    assert modules.pop(-1) is c
    assert len(modules) == 0


@each_list
@pytest.mark.parametrize("index", [-3, -1, 0, 1, 3])
def test_insert_as_lists_do(make, index):
    plain = list(three())
    modules = make(*plain)
    new = nn.ReLU()
    modules.insert(index, new)
    plain.insert(index, new)
    assert list(modules) == plain
    assert names(modules) == ["0", "1", "2", "3"]


@each_list
def test_append_and_extend(make):
    a, b, c = three()
    modules = make(a)
    assert modules.append(b) is modules
    assert modules.extend(iter([c])) is modules
    assert list(modules) == [a, b, c]
    modules.extend(modules)  # the list grows while it is read
    assert list(modules) == [a, b, c] * 2
    assert names(modules) == ["0", "1", "2"]  # each module once
    assert len(modules.state_dict()) == 12


@each_list
def test_indices_are_checked(make):
    modules = make(*three())
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            modules[index]
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            modules[index] = nn.ReLU()
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            del modules[index]
    with pytest.raises(TypeError, match="integer"):
        modules["0"]


@each_list
@pytest.mark.parametrize("method", ["append", "extend", "insert", "item"])
def test_only_modules_go_in(make, method):
    modules = make(*three())
    calls = {
        "append": lambda: modules.append(3),
        "extend": lambda: modules.extend([3]),
        "insert": lambda: modules.insert(0, 3),
        "item": lambda: modules.__setitem__(0, 3),
    }
    said = "cannot assign int as module" if method == "item" else "int is not a Module subclass"
    with pytest.raises(TypeError, match=said):
        calls[method]()
    assert len(modules) == 3
    with pytest.raises(TypeError, match="must be an iterable, got int"):
        modules.extend(3)


@pytest.mark.each("start", [None, 0, 1, -2, 5])
@pytest.mark.parametrize("stop", [None, 0, 2, -1, 9])
@pytest.mark.parametrize("step", [None, 1, 2, -1])
def test_every_slice(start, stop, step):
    plain = list(three())
    index = slice(start, stop, step)
    assert list(nn.Sequential(*plain)[index]) == plain[index]
    assert list(nn.ModuleList(plain)[index]) == plain[index]


# Sequential


def test_sequential_chains():
    a, b, _ = three()
    x = tg.randn(4, 1)
    assert (nn.Sequential(a, b)(x).numpy(force=True) == b(a(x)).numpy(force=True)).all()
    assert nn.Sequential()(x) is x


def test_sequential_with_names():
    a, b, c = three()
    model = nn.Sequential(OrderedDict(first=a, second=b, third=c))
    assert names(model) == ["first", "second", "third"]
    assert model.second is model[1] is b
    assert names(model[1:]) == ["second", "third"]
    model.append(nn.ReLU())
    assert names(model) == ["first", "second", "third", "3"]
    del model[0]
    assert names(model) == ["0", "1", "2"]


def test_sequential_arithmetic():
    a, b, c = three()
    assert list(nn.Sequential(a) + nn.Sequential(b, c)) == [a, b, c]
    assert list(nn.Sequential(a, b) * 2) == list(2 * nn.Sequential(a, b)) == [a, b, a, b]
    model = nn.Sequential(a)
    same = model
    model += nn.Sequential(b)
    model *= 2
    assert model is same
    assert list(model) == [a, b, a, b]
    with pytest.raises(TypeError, match="unsupported operand"):
        operator.add(nn.Sequential(a), [b])
    with pytest.raises(TypeError):
        operator.mul(nn.Sequential(a), 1.5)
    with pytest.raises(ValueError, match="Sequential: must be multiplied by a positive integer, got 0"):
        operator.mul(nn.Sequential(a), 0)


def test_sequential_with_a_buffer_beside_its_modules():
    model = nn.Sequential(nn.Linear(1, 1))
    model.register_buffer("note", tg.zeros(1))
    model(tg.ones(1, 1))
    assert len(model) == 1


# ModuleList


def test_module_list_arithmetic():
    a, b, c = three()
    both = operator.add(nn.ModuleList([a]), [b, c])
    assert type(both) is nn.ModuleList
    assert list(both) == [a, b, c]
    modules = nn.ModuleList([a])
    modules += (module for module in [b])
    assert list(modules) == [a, b]
    assert list(modules.pop(slice(0, 1))) == [a]
    assert list(modules) == [b]


def grown(lib):
    model = lib.ModuleList([lib.Linear(2, 2), lib.ReLU()])
    model.append(lib.ReLU())
    model.extend([lib.Sequential(lib.ReLU(), lib.ReLU()), lib.Linear(2, 2)])
    model.insert(1, lib.Tanh())
    del model[0]
    return model


def test_the_same_program_gives_pytorchs_list():
    torch = pytest.importorskip("torch")
    assert repr(grown(nn)) == repr(grown(torch.nn))
    assert list(grown(nn).state_dict()) == list(grown(torch.nn).state_dict())


# ModuleDict


def test_module_dict_is_a_dict():
    a, b, c = three()
    modules = nn.ModuleDict({"a": a, "b": b})
    assert len(modules) == 2
    assert list(modules) == list(modules.keys()) == ["a", "b"]
    assert list(modules.values()) == [a, b]
    assert dict(modules.items()) == {"a": a, "b": b}
    assert modules["a"] is modules.a is a
    assert "a" in modules
    assert "c" not in modules
    modules["c"] = c
    modules["a"] = b
    assert list(modules) == ["a", "b", "c"]
    assert modules.pop("b") is b
    del modules["a"]
    assert dict(modules.items()) == {"c": c}
    modules.clear()
    assert len(modules) == 0
    assert not list(modules.parameters())


@pytest.mark.parametrize("form", [dict, list, OrderedDict, nn.ModuleDict, iter])
def test_module_dict_updates_from(form):
    pairs = [("b", nn.ReLU()), ("a", nn.Tanh())]
    modules = nn.ModuleDict({"a": nn.Linear(1, 1)})
    modules.update(form(pairs))
    assert list(modules) == ["a", "b"]
    assert modules["a"] is pairs[1][1]


def test_module_dict_refuses():
    modules = nn.ModuleDict()
    with pytest.raises(KeyError):
        modules["nothing"]
    with pytest.raises(KeyError):
        del modules["training"]
    with pytest.raises(KeyError):
        modules.pop("nothing")
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        modules["a"] = 3
    with pytest.raises(KeyError, match="'keys' already exists"):
        modules["keys"] = nn.ReLU()
    with pytest.raises(TypeError, match="must be a mapping or an iterable of pairs, got int"):
        modules.update(3)
    with pytest.raises(ValueError, match="element 1 must be a pair"):
        modules.update([("a", nn.ReLU()), ("b", nn.ReLU(), 3)])


@pytest.mark.parametrize("container", [nn.ModuleList, nn.ModuleDict])
def test_containers_are_not_called(container):
    with pytest.raises(NotImplementedError, match=f"{container.__name__}. is missing the required"):
        container()(1)
