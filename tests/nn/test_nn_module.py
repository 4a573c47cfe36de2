"""`Module` and `Parameter`: registration, traversal, modes, conversion, copies, reprs."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import functional as F


class Block(nn.Module):
    def __init__(self, size=2):
        super().__init__()
        self.scale = nn.Parameter(tg.ones(size))
        self.register_buffer("count", tg.zeros(()))
        self.register_buffer("cache", tg.zeros(size), persistent=False)
        self.inner = nn.Linear(size, size)

    def forward(self, x):
        return self.inner(x * self.scale)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.second = Block()
        self.head = nn.Linear(2, 1)

    def forward(self, x):
        return self.head(self.second(self.first(x)))


# Registration


def test_attributes_are_registered_by_type_in_order():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "first.scale",
        "first.inner.weight",
        "first.inner.bias",
        "second.scale",
        "second.inner.weight",
        "second.inner.bias",
        "head.weight",
        "head.bias",
    ]
    assert [name for name, _ in net.named_buffers()] == [
        "first.count", "first.cache", "second.count", "second.cache",
    ]  # fmt: skip
    assert [name for name, _ in net.named_children()] == ["first", "second", "head"]
    assert [name for name, _ in net.named_modules()] == [
        "", "first", "first.inner", "second", "second.inner", "head",
    ]  # fmt: skip
    assert list(net.parameters(recurse=False)) == []
    assert [name for name, _ in net.first.named_parameters("p", recurse=False)] == ["p.scale"]
    assert [name for name, _ in net.first.named_buffers("p", recurse=False)] == ["p.count", "p.cache"]


def test_the_views_of_what_is_registered_show_and_change_it():
    block = Block()
    assert block._parameters == {"scale": block.scale}
    assert list(block._buffers) == ["count", "cache"]
    assert block._modules == {"inner": block.inner}
    block._parameters["scale"] = None
    assert block.scale is None
    assert list(block.parameters(recurse=False)) == []


def test_reassigning_keeps_the_place_and_another_kind_goes_to_the_end():
    module = nn.Module()
    module.a = nn.Parameter(tg.zeros(1))
    module.b = nn.Parameter(tg.zeros(1))
    module.a = nn.Parameter(tg.ones(1))
    assert [name for name, _ in module.named_parameters()] == ["a", "b"]
    module.c = nn.ReLU()
    module.a = nn.Linear(1, 1)
    assert [name for name, _ in module.named_parameters(recurse=False)] == ["b"]
    assert [name for name, _ in module.named_children()] == ["c", "a"]


def test_none_reserves_a_name():
    module = nn.Module()
    module.register_parameter("bias", None)
    module.register_buffer("mean", None)
    module.register_module("child", None)
    assert module.bias is None
    assert not [*module.parameters(), *module.buffers(), *module.children()]
    assert not module.state_dict()
    module.bias, module.mean, module.child = nn.Parameter(tg.zeros(1)), tg.zeros(2), nn.ReLU()
    assert list(module.state_dict()) == ["bias", "mean"]
    assert [name for name, _ in module.named_children()] == ["child"]
    module.bias = None
    assert not list(module.parameters())


def test_a_plain_tensor_or_list_is_not_registered():
    module = nn.Module()
    module.weight = tg.zeros(2)
    module.layers = [nn.Linear(1, 1)]
    assert not list(module.parameters())
    assert not list(module.children())
    assert not module.state_dict()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "scale",
            tg.zeros(2),
            "Block: cannot assign Tensor as parameter 'scale' .nn.Parameter or None expected",
        ),
        ("count", 3.0, "Block: cannot assign float as buffer 'count' .Tensor or None expected"),
        ("inner", tg.zeros(2), "Block: cannot assign Tensor as module 'inner' .nn.Module or None expected"),
    ],
)
def test_a_registered_name_keeps_its_type(name, value, message):
    block = Block()
    with pytest.raises(TypeError, match=message):
        setattr(block, name, value)


@pytest.mark.parametrize("value", [lambda: nn.Parameter(tg.zeros(1)), lambda: nn.ReLU()], ids=["parameter", "module"])
def test_assigning_before_init_says_so(value):
    class Early(nn.Module):
        def __init__(self):
            self.thing = value()

    with pytest.raises(AttributeError, match=r"Early: call super\(\).__init__\(\) before assigning"):
        Early()


@pytest.mark.parametrize("method", ["register_parameter", "register_buffer", "register_module", "add_module"])
def test_names_are_checked(method):
    module = nn.Module()
    module.taken = 3
    register = getattr(module, method)
    with pytest.raises(KeyError, match="'taken' already exists"):
        register("taken", None)
    with pytest.raises(KeyError, match="'forward' already exists"):
        register("forward", None)
    for name in ("a.b", ""):
        with pytest.raises(KeyError, match=f"must not be empty or contain a dot, got '{name}'"):
            register(name, None)
    with pytest.raises(TypeError, match="string"):
        register(3, None)
    with pytest.raises(TypeError):
        register("wrong", 3.0)
    assert not hasattr(module, "wrong")


def test_deleting_unregisters():
    block = Block()
    del block.scale, block.count, block.inner
    assert not list(block.parameters())
    assert [name for name, _ in block.named_buffers()] == ["cache"]
    assert not hasattr(block, "inner")
    with pytest.raises(AttributeError):
        del block.scale


def test_a_property_of_the_class_decides_for_itself():
    class Scaled(nn.Module):
        @property
        def weight(self):
            return self.raw * 2

        @weight.setter
        def weight(self, value):
            self.raw = nn.Parameter(value.detach() / 2)

        @property
        def fixed(self):
            return 1

    module = Scaled()
    module.weight = nn.Parameter(tg.full((2,), 6.0))
    assert [name for name, _ in module.named_parameters()] == ["raw"]
    assert (module.raw.numpy(force=True) == 3).all()
    with pytest.raises(KeyError, match="fixed"):
        module.fixed = nn.Parameter(tg.zeros(1))
    assert "fixed" not in module.state_dict()
    module.fixed = nn.Linear(1, 1)
    assert module.fixed == 1
    assert list(module._modules) == ["fixed"]


NAMES = ("parameters", "modules", "children", "eval", "train", "type", "to", "forward", "extra_repr", "size")


class Hiding(nn.Module):
    """Children under names that the class has."""

    size = 3

    def __init__(self):
        super().__init__()
        for i, name in enumerate(NAMES):
            setattr(self, name, nn.ParameterList([nn.Parameter(tg.full((2,), float(i)))]))


def test_a_child_hides_nothing_that_its_class_has():
    module = Hiding()
    assert module.size == 3
    assert [name for name, _ in module.named_children()] == list(NAMES)
    assert [p.sum().item() / 2 for p in module.parameters()] == list(range(len(NAMES)))
    assert len(list(module.modules())) == 1 + len(NAMES)
    assert not module.eval().to("cpu").training
    assert module.train().training
    with pytest.raises(NotImplementedError, match="forward"):
        module(1)
    for copied in (copy.copy(module), copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert copied.load_state_dict(module.state_dict()) == ([], [])
        assert list(copied.state_dict()) == [f"{name}.0" for name in NAMES]
    module.type = None
    del module.size
    assert module.size == 3
    assert module._modules.pop("forward") is not None
    assert [name for name, _ in module.named_children()] == [n for n in NAMES if n not in ("type", "size", "forward")]


@pytest.mark.parametrize("value", [nn.Parameter(tg.ones(1)), nn.Buffer(tg.ones(1))])
def test_parameters_and_buffers_take_no_name_of_the_class(value):
    module = Hiding()
    for name in ("size", "parameters"):
        with pytest.raises(KeyError, match=f"'{name}' already exists"):
            setattr(module, name, value)


def test_a_buffer_may_be_behind_a_property_that_has_no_value_of_its_own():
    class Base(nn.Module):
        def __init__(self, known):
            super().__init__()
            if known:
                self.register_buffer("optimum", tg.tensor([2.0]))

    class Function(Base):
        @property
        def optimum(self):
            return super().optimum

    assert Function(True).optimum.item() == 2
    assert [name for name, _ in Function(True).named_buffers()] == ["optimum"]
    with pytest.raises(AttributeError, match="optimum"):
        _ = Function(False).optimum


def test_functions_that_a_class_has_as_attributes_are_no_methods():
    class Base(nn.Linear):
        reset = nn.Linear.reset_parameters
        conv, act, doubled = F.conv2d, tg.tanh, lambda self, x: 2 * x

    layer = Base(2, 2)
    x = tg.ones(1, 1, 2, 2)
    layer.reset()
    assert layer.conv(x, x).item() == 4
    assert layer.act(x).shape == layer.doubled(x).shape == x.shape
    assert Base.act(x).equal(tg.tanh(x))


def test_a_missing_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Block' object has no attribute 'nothing'"):
        _ = Block().nothing


# Traversal


def tied():
    module = nn.Module()
    module.a = nn.Linear(2, 2)
    module.b = nn.Linear(2, 2)
    module.b.weight = module.a.weight
    module.c = module.a
    return module


def test_shared_parameters_and_modules_are_yielded_once():
    module = tied()
    assert [name for name, _ in module.named_parameters()] == ["a.weight", "a.bias", "b.bias"]
    assert len(list(module.parameters())) == 3
    assert [name for name, _ in module.named_parameters(remove_duplicate=False)] == [
        "a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias",
    ]  # fmt: skip
    assert [name for name, _ in module.named_modules()] == ["", "a", "b"]
    assert [name for name, _ in module.named_modules(remove_duplicate=False)] == ["", "a", "b", "c"]
    assert [name for name, _ in module.named_children()] == ["a", "b"]
    assert list(module.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight", "c.bias"]


def test_a_shared_parameter_gets_the_sum_of_the_gradients():
    module = tied().double()
    x = tg.tensor(np.array([[1.0, 2.0]]))
    (module.a(x) + module.b(x)).sum().backward()
    np.testing.assert_allclose(module.a.weight.grad.numpy(), [[2.0, 4.0], [2.0, 4.0]])
    np.testing.assert_allclose(module.b.bias.grad.numpy(), [1.0, 1.0])


def test_get_by_name():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("first.inner") is net.first.inner
    assert net.get_parameter("first.inner.weight") is net.first.inner.weight
    assert net.get_buffer("second.count") is net.second.count
    with pytest.raises(AttributeError, match=r"Block has no attribute `outer`.*'first.outer'"):
        net.get_submodule("first.outer")
    with pytest.raises(AttributeError, match=r"`scale` is not an nn.Module"):
        net.get_submodule("first.scale")
    with pytest.raises(AttributeError, match="Block has no parameter `count`"):
        net.get_parameter("first.count")
    with pytest.raises(AttributeError, match="Block has no buffer `scale`"):
        net.get_buffer("first.scale")


def test_apply_goes_through_children_first():
    net = Net()
    visited = []
    assert net.apply(visited.append) is net
    assert visited == [net.first.inner, net.first, net.second.inner, net.second, net.head, net]


# Modes and gradients


def test_train_and_eval_reach_the_whole_tree():
    net = Net()
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.first.train()
    assert [module.training for module in net.modules()] == [False, True, True, False, False, False]
    with pytest.raises(ValueError, match="boolean, got 'yes'"):
        net.train("yes")


def test_requires_grad_freezes():
    net = Net()
    assert net.first.requires_grad_(False) is net.first
    net(tg.ones(3, 2)).sum().backward()
    assert all(p.grad is None for p in net.first.parameters())
    assert all(p.grad is not None for p in net.second.parameters())


def test_zero_grad():
    net = Net()
    net(tg.ones(3, 2)).sum().backward()
    grads = [p.grad for p in net.parameters()]
    net.zero_grad(set_to_none=False)
    assert [p.grad for p in net.parameters()] == grads  # the same objects
    assert all((g.numpy() == 0).all() for g in grads)
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match=r'Module \[Module\] is missing the required "forward" function'):
        nn.Module()(1)


def test_forward_takes_keywords():
    class Shift(nn.Module):
        def forward(self, x, *, by):
            return x + by

    assert Shift()(tg.ones(1), by=2.0).item() == 3.0


# Conversion


def test_conversion_keeps_the_parameters_and_their_gradients():
    net = Net()
    net.first.count = tg.tensor(3)
    before = list(net.parameters())
    net(tg.ones(3, 2)).sum().backward()
    net.to(tg.float64)
    assert list(map(id, net.parameters())) == list(map(id, before))
    assert all(p.dtype == p.grad.dtype == np.float64 for p in net.parameters())
    assert net.first.count.dtype == np.int64
    assert net.first.cache.dtype == np.float64
    assert net(tg.ones(3, 2, dtype=tg.float64)).dtype == np.float64
    assert net.to(tg.zeros(1)).head.weight.dtype == np.float32
    assert net.to("cpu", dtype="float64").head.weight.dtype == np.float64
    assert net.float().head.weight.dtype == np.float32
    assert net.cpu().to(device="cpu") is net
    shared = tied().double()
    assert shared.a.weight is shared.b.weight


def test_a_module_becomes_complex():
    net = Net().to(tg.complex64)
    assert all(p.dtype == np.complex64 for p in net.parameters())
    net(tg.ones(3, 2, dtype=tg.complex64)).abs().sum().backward()
    assert all(p.grad.dtype == np.complex64 for p in net.parameters())
    assert net.float().head.weight.dtype == np.complex64  # as in PyTorch: of floating-point numbers only
    with pytest.warns(Warning, match="Casting complex values to real discards"):
        assert net.to(tg.float64).head.weight.dtype == np.float64


def test_conversion_refuses_what_is_not_there():
    with pytest.raises(TypeError, match=r"Net.to: dtype must be a floating or a complex one, got int64"):
        Net().to(tg.int64)
    with pytest.raises(ValueError, match=r"Net.to: .* the device must be 'cpu', got 'cuda:0'"):
        Net().to("cuda:0")
    with pytest.raises(ValueError, match="Linear: device must be None or 'cpu', got 'cuda'"):
        nn.Linear(1, 1, device="cuda")


@pytest.mark.parametrize("layer", [lambda **k: nn.Linear(2, 3, **k), lambda **k: nn.BatchNorm1d(3, **k)])
def test_layers_are_made_in_a_dtype(layer):
    module = layer(device="cpu", dtype=tg.float64)
    assert all(value.dtype in (np.float64, np.int64) for value in module.state_dict().values())
    assert all(p.dtype == np.float64 for p in module.parameters())


# Copies


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"])
def test_copies_keep_sharing_and_own_their_memory(copied):
    module = tied()
    module.a(tg.ones(1, 2)).sum().backward()
    other = copied(module)
    assert other.a.weight is other.b.weight
    assert other.c is other.a
    assert not np.shares_memory(other.a.weight._data, module.a.weight._data)
    assert (other.a.weight.grad.numpy() == module.a.weight.grad.numpy()).all()
    assert type(other.a.weight) is nn.Parameter
    with tg.no_grad():
        other.a.weight.zero_()
    assert (module.a.weight.numpy(force=True) != 0).all()


def test_a_shallow_copy_shares_parameters_and_registers_for_itself():
    net = Net()
    other = copy.copy(net)
    assert other.first.scale is net.first.scale
    other.extra = nn.Parameter(tg.zeros(1))
    del other.head
    assert "extra" not in net.state_dict()
    assert "head.weight" in net.state_dict()
    assert "head.weight" not in other.state_dict()


def test_copies_keep_what_is_registered():
    net = copy.deepcopy(Net())
    assert list(net.state_dict()) == list(Net().state_dict())
    net.extra = nn.Parameter(tg.zeros(1))
    assert "extra" in net.state_dict()


def test_a_module_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        net = Net()
        net(tg.ones(3, 2)).sum().backward()
        reference = weakref.ref(net)
        del net
        assert reference() is None
    finally:
        gc.enable()


# Parameter


def test_parameter_shares_memory_and_is_a_leaf():
    data = tg.zeros(3)
    parameter = nn.Parameter(data)
    assert isinstance(parameter, tg.Tensor)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert np.shares_memory(parameter._data, data._data)
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    assert type(parameter * 2) is tg.Tensor
    assert type(parameter.detach()) is tg.Tensor
    through_graph = nn.Parameter(tg.ones(2, requires_grad=True) * 2)
    assert through_graph.is_leaf


def test_parameter_refuses_what_cannot_be_trained():
    with pytest.raises(RuntimeError, match="floating point"):
        nn.Parameter(tg.tensor([1, 2]))
    assert nn.Parameter(tg.tensor([1, 2]), requires_grad=False).dtype == np.int64
    with pytest.raises(TypeError, match="Parameter: data must be a Tensor, got list"):
        nn.Parameter([1.0, 2.0])


@pytest.mark.parametrize(
    "values", [[[0.5, -1.25], [3.0, 4.0]], [], 2.5, [1e-7, 1e7]], ids=["matrix", "empty", "0d", "sci"]
)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_parameter_repr_is_pytorchs(values, requires_grad):
    torch = pytest.importorskip("torch")
    ours = nn.Parameter(tg.tensor(np.array(values, np.float32)), requires_grad)
    theirs = torch.nn.Parameter(torch.tensor(np.array(values, np.float32)), requires_grad)
    assert repr(ours) == repr(theirs)


# repr


def described(lib):
    class Custom(lib.Module):
        def __init__(self):
            super().__init__()
            self.left = lib.Linear(2, 3)
            self.right = lib.Sequential(lib.ReLU(), lib.Sequential(), lib.ModuleDict({"x": lib.Tanh()}))
            self.absent = lib.Identity()
            self.absent = None

        def extra_repr(self):
            return "one=1,\ntwo=2"

    class Leaf(lib.Module):
        def extra_repr(self):
            return "a\nb"

    outer = lib.ModuleList([Custom(), Custom(), Leaf(), lib.Module()])
    return repr(lib.Sequential(outer, Leaf()))


def test_repr_of_a_tree_is_pytorchs():
    torch = pytest.importorskip("torch")
    assert described(nn) == described(torch.nn)


def test_repr_of_a_tree():
    assert repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True))) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU(inplace=True)\n)"
    )


def test_tables_of_members_can_be_written_to():
    module = nn.Linear(2, 1)
    module.register_buffer("kept", tg.ones(1))
    weight = module._parameters["weight"]
    del module._parameters["weight"]
    assert not hasattr(module, "weight")
    module._parameters["raw"] = weight
    module.weight = tg.zeros(1, 2)
    assert list(module.state_dict()) == ["bias", "raw", "kept"]
    module._buffers["kept"] = None
    module._modules["inner"] = nn.ReLU()
    assert [name for name, _ in module.named_modules()] == ["", "inner"]
    assert dict(module._parameters) == module._parameters.copy() == {"bias": module.bias, "raw": weight}
    assert (len(module._buffers), "raw" in module._buffers, module._buffers.pop("kept")) == (1, False, None)
    with pytest.raises(KeyError, match="weight"):
        module._parameters["weight"]
    with pytest.raises(KeyError, match="kept"):
        del module._buffers["kept"]


def conversions(m):
    """A class that keeps something in step with its conversions, however they are asked for, and within another."""

    class Keeping(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = m.nn.Parameter(m.ones(1))
            self.scale, self.count, self.calls = m.ones(1), m.ones(1, dtype=m.int64), 0

        def _apply(self, fn):
            self.scale, self.count, self.calls = fn(self.scale), fn(self.count), self.calls + 1
            return super()._apply(fn)

    net = m.nn.Sequential(m.nn.Linear(1, 1), m.nn.Sequential(Keeping()))
    kept, found = net[1][0], []
    for convert in (lambda: net.double(), lambda: net.to(m.float16), lambda: net.to("cpu"), lambda: net[1].float(),
                    lambda: net.cpu(), lambda: net.type(m.float64)):  # fmt: skip
        convert()
        found.append([kept.scale, kept.count, kept.weight, net[0].bias * 0, kept.calls])
    return found


def test_a_class_may_take_part_in_conversions():
    agree(conversions)


def test_an_insertion_beyond_the_end_is_refused():
    for kind in (nn.Sequential, nn.ModuleList):
        row = kind(*([nn.ReLU()] if kind is nn.Sequential else [[nn.ReLU()]]))
        for index in (-2, 2):
            with pytest.raises(IndexError, match=rf"insert: index must be in \[-1, 1\], got {index}"):
                row.insert(index, nn.ReLU())
        row.insert(1, nn.Tanh())
        assert [type(m).__name__ for m in row] == ["ReLU", "Tanh"]


def test_dicts_of_modules_and_parameters_take_pairs():
    for container, value in ((nn.ModuleDict(), nn.ReLU()), (nn.ParameterDict(), 3.0)):
        with pytest.raises(TypeError, match="must be a pair"):
            container.update([value])
        with pytest.raises(ValueError, match="must be a pair"):
            container.update([("a", "b", value)])


def test_classes_beside_module_are_initialized_where_it_is_asked_for():
    class Beside:
        def __init__(self, width=1):
            self.width = width

    class After(nn.Module, Beside):
        pass

    class Asks(nn.Module, Beside):
        call_super_init = True

    assert not hasattr(After(), "width")
    assert Asks().width == 1
    assert Asks(width=3).width == 3
    with pytest.raises(TypeError, match="takes no arguments where call_super_init is False, got width"):
        After(width=3)


def test_what_is_applied_in_place_is_a_write():
    layer = nn.Linear(2, 2)
    layer.weight.grad = tg.ones(2, 2)
    out = (layer.weight * layer.weight).sum()
    layer._apply(lambda t: t.add_(1))
    assert layer.weight.grad.tolist() == [[2.0, 2.0]] * 2  # gradients, too
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.backward()
