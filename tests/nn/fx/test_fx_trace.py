"""`fx.symbolic_trace` finds PyTorch's graph of a program and writes its code, which computes what the program does."""

from __future__ import annotations

import copy
import importlib.util
import math
import pickle
import re

import numpy as np
import pytest
from fx_programs import PROGRAMS

import tinygrad_lite as tg
from tinygrad_lite import fx, nn


def comparable(text: str) -> str:
    """A graph or code without what cannot be the same: names of the library, and PyTorch's private ones."""
    text = re.sub(r"torch\._C\._nn\.|torch\.nn\.functional\.|torch\.functional\.", "torch.", text)
    text = text.replace("tinygrad_lite.nn.functional.", "torch.").replace("tinygrad_lite.", "torch.")
    return re.sub(r", _stacklevel(:| =) 3|^\s+$", "", text, flags=re.MULTILINE).strip()


def traced(make, library):
    root, args = make(library)
    if isinstance(root, library.nn.Module):
        root.eval()
        with library.no_grad():
            for i, p in enumerate(root.parameters()):
                p.copy_(library.linspace(-1, 1, p.numel()).reshape(p.shape) + 0.1 * i)
    return root, args, root if isinstance(root, library.fx.GraphModule) else library.fx.symbolic_trace(root)


def call(function, args):
    named = args[-1] if args and isinstance(args[-1], dict) and "a" in args[-1] else {}
    return function(*args[: len(args) - bool(named)], **named)


def arrays(value):
    if isinstance(value, dict):
        return {key: arrays(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [arrays(part) for part in value]
    return value.detach().numpy() if hasattr(value, "detach") else value


@pytest.mark.each("name", PROGRAMS)
def test_a_traced_program_computes_what_it_did(name):
    root, args, module = traced(PROGRAMS[name], tg)
    module.graph.lint()
    np.testing.assert_equal(arrays(call(module, args)), arrays(call(root, args)))
    given = args[:-1] if name == "arguments" else args  # no names beyond those of arguments in an Interpreter
    if name != "arguments":
        np.testing.assert_equal(arrays(fx.Interpreter(module).run(*given)), arrays(call(root, args)))
    for copied in (copy.deepcopy(module), copy.copy(module), pickle.loads(pickle.dumps(module))):
        assert copied.code == module.code
        np.testing.assert_equal(arrays(call(copied, args)), arrays(call(root, args)))
    again = fx.symbolic_trace(module)
    assert [n.format_node() for n in again.graph.nodes] == [n.format_node() for n in module.graph.nodes]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch, the oracle, is not installed")
@pytest.mark.each("name", PROGRAMS)
def test_graph_and_code_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    importlib.import_module("torch.fx")
    _, ours, module = traced(PROGRAMS[name], tg)
    _, theirs, expected = traced(PROGRAMS[name], torch)
    assert comparable(str(module.graph)) == comparable(str(expected.graph))
    assert comparable(module.code) == comparable(expected.code)
    with torch.no_grad():
        np.testing.assert_allclose(*map(_flat, (call(module, ours), call(expected, theirs))), rtol=1e-5, atol=1e-6)


def _flat(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        parts = [_flat(part) for part in value]
        return np.concatenate([part for part in parts if part is not None])
    return np.asarray(arrays(value), np.float64).ravel() if hasattr(value, "detach") else np.zeros(0)


# --- what decides the way ---------------------------------------------------------------------------------------------

REFUSED = {
    "a branch": lambda x: x + 1 if x.sum() > 0 else x,
    "not": lambda x: not x,
    "a loop": lambda x: list(x),
    "its members": lambda x: 3 in x,
    "spread": lambda x: (lambda *parts: parts)(*x),
    "a shape": lambda x: x + 1 if x.shape[0] == 3 else x,
}


@pytest.mark.each("name", REFUSED)
def test_what_depends_on_values_is_a_trace_error(name):
    with pytest.raises(fx.proxy.TraceError):
        fx.symbolic_trace(REFUSED[name])
    torch = pytest.importorskip("torch")
    importlib.import_module("torch.fx")
    with pytest.raises(torch.fx.proxy.TraceError):
        torch.fx.symbolic_trace(REFUSED[name])


def test_a_length_names_what_would_record_it():
    with pytest.raises(RuntimeError, match="fx.wrap"):
        fx.symbolic_trace(lambda x: [0] * x.__len__())
    with pytest.raises(TypeError, match="int"):
        fx.symbolic_trace(lambda x: [0] * int(x))
    with pytest.raises(NotImplementedError, match="argument of type"):
        fx.symbolic_trace(lambda x: x.to(object()))


def test_after_an_error_functions_are_what_they_were():
    code, keywords = tg.relu.__code__, tg.relu.__kwdefaults__
    with pytest.raises(ValueError, match="control flow"):
        fx.symbolic_trace(lambda x: x + 1 if tg.relu(x) > 0 else x)
    assert tg.relu.__code__ is code
    assert tg.relu.__kwdefaults__ is keywords
    assert "__getattribute__" not in vars(nn.Module)
    assert nn.ReLU()(tg.tensor([-1.0, 2.0])).tolist() == [0, 2]
    with pytest.raises(TypeError, match="relu: operands must be Tensors"):
        tg.relu("x")


def test_annotations_are_kept():
    def function(x: tg.Tensor, flag: bool = True) -> tg.Tensor:
        return x + 1

    module = fx.symbolic_trace(function)
    assert "def forward(self, x : tinygrad_lite.Tensor, flag : bool = True) -> tinygrad_lite.Tensor:" in module.code
    assert module.graph.find_nodes(op="placeholder")[1].type is bool
    function.__annotations__["x"] = "KnownToCheckersOnly"
    assert "def forward(self, x, flag = True):" in fx.symbolic_trace(function).code


def test_concrete_arguments():
    def function(x, flag=False, times=3, mask=None):
        for _ in range(times):
            x = x * 2
        return x if mask is None else x + mask

    module = fx.symbolic_trace(function, concrete_args={"times": 2, "mask": None})
    assert [n.name for n in module.graph.find_nodes(op="placeholder")] == ["x", "flag", "times_1", "mask_2"]
    assert module(tg.ones(1), True, 2, None).tolist() == [4]
    with pytest.raises(AssertionError, match="times has been specialized to have value 2"):
        module(tg.ones(1), True, 3, None)
    with pytest.raises(AssertionError, match="mask has been specialized"):
        module(tg.ones(1), True, 2, 1)


# --- tracers of one's own ---------------------------------------------------------------------------------------------


def test_a_tracer_of_ones_own():
    class Everything(fx.Tracer):
        def is_leaf_module(self, m, module_qualified_name):
            return False

        def to_bool(self, obj):
            return True

        def iter(self, obj):
            return iter([obj[0], obj[1]])

        def create_node(self, kind, target, *rest, **named):
            node = super().create_node(kind, target, *rest, **named)
            seen.append(node.name)
            return node

    seen: list[str] = []
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.ReLU())
    graph = Everything().trace(model)
    assert seen == [n.name for n in graph.nodes]
    assert not graph.find_nodes(op="call_module")
    x = tg.tensor([[1.0, -2.0]])
    assert tg.equal(fx.GraphModule(model, graph)(x), model(x))
    looped = Everything().trace(lambda x: [part + 1 for part in x] if x.sum() > 0 else x)
    assert [n.name for n in looped.nodes][-3:] == ["add", "add_1", "output"]


def test_modules_of_elsewhere_are_named():
    with pytest.raises(NameError, match="not installed as a submodule"):
        fx.symbolic_trace(lambda x: nn.Linear(2, 2)(x))


# --- functions that become nodes --------------------------------------------------------------------------------------


@fx.wrap
def clipped(x):
    return x if x.sum() > 0 else -x


fx.wrap("len")


def test_wrapped_functions_become_nodes():
    module = fx.symbolic_trace(lambda x: clipped(x) * len(x) + math.floor(x.size(0) / 2))
    assert [n.name for n in module.graph.nodes] == ["x", "clipped", "len_1", "mul", "size", "truediv", "floor", "add",
                                                    "output"]  # fmt: skip
    assert module(tg.tensor([-1.0, -2.0])).tolist() == [3, 5]
    assert [n.name for n in fx.symbolic_trace(module).graph.nodes] == [n.name for n in module.graph.nodes]
    assert len([1, 2]) == 2
    assert math.floor.__module__ == "math"
    with pytest.raises(NotImplementedError, match="top level"):
        fx.wrap("len")


def test_functions_imported_by_name_become_nodes():
    relu, functional_relu = tg.relu, nn.functional.relu
    graph = fx.symbolic_trace(lambda x: relu(x) + functional_relu(x) + nn.functional.elu(x)).graph
    assert [n.target for n in graph.find_nodes(op="call_function")][:2] == [tg.relu, nn.functional.relu]
