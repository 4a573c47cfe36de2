"""Graphs that are changed: nodes put in, moved, taken out; dead ones; patterns; interpreters and transformers."""

from __future__ import annotations

import gc

import pytest

import tinygrad_lite as tg
from tinygrad_lite import fx, nn
from tinygrad_lite.nn.fx.passes.shape_prop import ShapeProp
from tinygrad_lite.transforms import interception


def names(graph):
    return [node.name for node in graph.nodes]


def test_nodes_know_who_uses_them():
    module = fx.symbolic_trace(lambda x: tg.add(x, 1) * x)
    x, add, mul, output = module.graph.nodes
    assert list(x.users) == [add, mul]
    assert add.all_input_nodes == [x]
    assert (add.args, add.kwargs, add.next, add.prev) == ((x, 1), {}, mul, x)
    add.args = (x, 2)
    mul.update_arg(1, add)
    assert (list(x.users), list(add.users)) == ([add], [mul])
    module.recompile()
    assert module(tg.tensor(3.0)).item() == 25
    with pytest.raises(RuntimeError, match="still had 1 users"):
        module.graph.erase_node(add)
    with pytest.raises(NotImplementedError, match="assign node.args"):
        fx.symbolic_trace(lambda x: tg.cat([x, x])).graph.output_node().args[0].args[0].append(1)
    assert list(reversed(module.graph.nodes)) == [output, mul, add, x]
    assert x < add


def test_nodes_are_put_in_and_taken_out():
    module = fx.symbolic_trace(lambda x: tg.add(x, 1))
    x, add, _ = module.graph.nodes
    with module.graph.inserting_after(add):
        neg = module.graph.call_function(tg.neg, (add,))
        exp = module.graph.call_function(tg.exp, (neg,))
    add.replace_all_uses_with(exp, lambda user: user is not neg)
    module.recompile()
    module.graph.lint()
    assert names(module.graph) == ["x", "add", "neg", "exp", "output"]
    assert module(tg.tensor(-1.0)).item() == 1
    x.append(neg)
    with pytest.raises(RuntimeError, match="used before it has been defined"):
        module.graph.lint()
    add.append(neg)
    exp.replace_all_uses_with(add)
    assert module.graph.eliminate_dead_code()
    assert names(module.graph) == ["x", "add", "output"]
    assert not module.graph.eliminate_dead_code()
    with pytest.raises(AssertionError, match="not in graph"), fx.Graph().inserting_before(add):
        pass


def test_what_writes_is_not_dead():
    def function(x):
        x[0] = 5
        tg._assert(x.sum() > 0, "positive")
        tg.exp(x)
        return x

    module = fx.symbolic_trace(function)
    assert module.graph.eliminate_dead_code()
    module.recompile()
    assert module(tg.zeros(2)).tolist() == [5, 0]
    with pytest.raises(AssertionError, match="positive"):
        module(tg.tensor([0.0, -9.0]))


def test_graphs_that_make_no_sense_say_so():
    graph = fx.Graph()
    with pytest.raises(ValueError, match="op must be one of"):
        graph.create_node("call", "x")
    with pytest.raises(ValueError, match="must be callable"):
        graph.create_node("call_function", "relu")
    with pytest.raises(RuntimeError, match="does not belong to this Graph"):
        graph.output(fx.Graph().placeholder("x"))
    with pytest.raises(RuntimeError, match="lin"):
        fx.GraphModule({}, _calling("lin"))
    module = fx.GraphModule({"lin": nn.Linear(2, 2)}, _calling("lin"))
    del module.lin
    with pytest.raises(RuntimeError, match="nonexistent attribute lin"):
        module.graph.lint()


def _calling(path):
    graph = fx.Graph()
    graph.output(graph.call_module(path, (graph.placeholder("x"),)))
    return graph


def test_names_hide_nothing_of_pythons():
    graph = fx.symbolic_trace(lambda x: x.max().float() + x.max() + getattr(x, "type")).graph  # noqa: B009
    assert names(graph) == ["x", "max_1", "float_1", "max_2", "add", "getattr_1", "add_1", "output"]


def test_submodules_are_added_and_taken_out():
    module = fx.symbolic_trace(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    assert module.add_submodule("extra.deep", nn.Tanh())
    assert module.get_submodule("extra.deep")(tg.zeros(1)).item() == 0
    module.delete_all_unused_submodules()
    assert [name for name, _ in module.named_modules()] == ["", "0", "1"]
    assert module.delete_submodule("1")
    assert not module.delete_submodule("1")


def test_modules_are_trained_by_their_own_parameters():
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
    module = fx.symbolic_trace(model)
    module(tg.ones(3, 2)).sum().backward()
    assert model[0].weight.grad is not None
    assert list(module.state_dict()) == list(model.state_dict())


def test_tables_are_printed(capsys):
    fx.symbolic_trace(lambda x: tg.relu(x)).graph.print_tabular()
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["opcode", "name", "target", "args", "kwargs"]
    assert [row.split()[:2] for row in rows] == [["placeholder", "x"], ["call_function", "relu"], ["output", "output"]]


# --- patterns ---------------------------------------------------------------------------------------------------------


def test_patterns_are_replaced_everywhere():
    def function(x, w1, w2):
        return x + tg.cat([w1, w2]).sum().exp() + tg.cat([w1, w2]).sum().exp()

    module = fx.symbolic_trace(function)
    found = fx.replace_pattern(module, lambda a, b: tg.cat([a, b]).sum(), lambda a, b: tg.dot(a, b))
    assert len(found) == 2
    assert names(module.graph) == ["x", "w1", "w2", "dot", "exp", "add", "dot_1", "exp_1", "add_1", "output"]
    one, two = tg.tensor([1.0, 2.0]), tg.tensor([0.5, 0.0])
    assert module(tg.zeros(()), one, two).item() == pytest.approx(2 * 2.718281828**0.5)


def test_a_chain_of_patterns_is_replaced():
    def doubled(x):
        return tg.relu(x) * 2

    module = fx.symbolic_trace(lambda x: doubled(doubled(x)))
    assert len(fx.replace_pattern(module, doubled, lambda x: x.tanh())) == 2
    assert names(module.graph) == ["x", "tanh", "tanh_1", "output"]


def test_values_used_elsewhere_are_no_pattern():
    def function(x):
        y = tg.relu(x)
        return y * 2 + y

    module = fx.symbolic_trace(function)
    assert fx.replace_pattern(module, lambda x: tg.relu(x) * 2, lambda x: x) == []
    assert fx.replace_pattern(module, lambda x: tg.relu(x) * 3, lambda x: x) == []
    with pytest.raises(ValueError, match="as many arguments"):
        fx.replace_pattern(module, lambda x: x * 2, lambda x, y: x)


# --- interpreters -----------------------------------------------------------------------------------------------------


def test_interpreters_let_go_of_what_is_done():
    class Watched(fx.Interpreter):
        def run_node(self, n):
            held.append(sorted(node.name for node in self.env))
            return super().run_node(n)

    held: list[list[str]] = []
    module = fx.symbolic_trace(lambda x: (x + 1).exp().sum())
    assert Watched(module).run(tg.zeros(2)).item() == pytest.approx(2 * 2.718281828)
    assert held == [[], ["x"], ["add"], ["exp"], ["sum_1"]]
    with pytest.raises(RuntimeError, match="parameter x"):
        fx.Interpreter(module).run()


def test_transformers_make_another_graph():
    class Swapped(fx.Transformer):
        def call_function(self, target, args, kwargs):
            return tg.neg(*args) if target is tg.sigmoid else super().call_function(target, args, kwargs)

        def call_method(self, target, args, kwargs):
            return args[0].sigmoid() if target == "neg" else super().call_method(target, args, kwargs)

    swapped = Swapped(fx.symbolic_trace(lambda x: tg.sigmoid(x).neg())).transform()
    assert [(n.op, n.name) for n in swapped.graph.nodes][1:3] == [("call_function", "neg"), ("call_method", "sigmoid")]
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    x = tg.ones(1, 2)
    assert tg.equal(fx.Transformer(fx.symbolic_trace(model)).transform()(x), model(x))


def test_proxies_of_nodes_add_to_their_graph():
    handlers = list(interception._handlers)
    old = fx.symbolic_trace(lambda x: tg.relu(x))
    new, known = fx.Graph(), {}
    tracer = fx.proxy.GraphAppendingTracer(new)
    for node in old.graph.nodes:
        if node.target is tg.relu:
            x = fx.Proxy(known[node.args[0]], tracer)
            known[node] = ((x > 0) * x + tg.tanh(x)).node
        else:
            known[node] = new.node_copy(node, lambda n: known[n])
    assert names(new) == ["x", "gt", "mul", "tanh", "add", "output"]
    assert fx.GraphModule({}, new)(tg.tensor([0.0])).item() == 0
    del tracer, x, node
    gc.collect()
    assert interception._handlers == handlers


def test_shapes_are_noted():
    module = fx.symbolic_trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten()))
    ShapeProp(module).propagate(tg.ones(2, 3, 8, 8))
    noted = [node.meta["tensor_meta"] for node in module.graph.nodes]
    assert [tuple(n.shape) for n in noted] == [(2, 3, 8, 8), (2, 4, 6, 6), (2, 4, 6, 6), (2, 144), (2, 144)]
    assert [n.requires_grad for n in noted] == [False, True, True, True, True]
    assert noted[1].dtype is tg.float32


# --- how functions are asked ------------------------------------------------------------------------------------------


def test_handlers_are_asked_in_turn_and_see_what_was_given():
    def outer(function, run, args, kwargs):
        asked.append(("outer", function.__name__, args, kwargs))
        return run(*args, **kwargs)

    def inner(function, run, args, kwargs):
        asked.append(("inner", function.__name__, args, kwargs))
        return run(*args, **kwargs) + 1 if function is tg.flatten else run(*args, **kwargs)

    asked: list[tuple] = []
    x = tg.ones(2, 2)
    with interception.intercepted(outer), interception.intercepted(inner):
        assert tg.flatten(x, start_dim=0).tolist() == [2, 2, 2, 2]
        assert tg.exp(x).shape == (2, 2)
    assert asked[0] == ("inner", "flatten", (x,), {"start_dim": 0})
    assert asked[1] == ("outer", "flatten", (x,), {"start_dim": 0})
    before = len(asked)
    assert tg.flatten(x).tolist() == [1, 1, 1, 1]
    assert len(asked) == before


def test_operands_of_einsum_stand_side_by_side_as_pytorch_records_them():
    graph = tg.fx.Graph()
    x = tg.fx.proxy.GraphAppendingTracer(graph).create_proxy("placeholder", "x", (), {})
    for call in (tg.einsum("ij,jk", x, x), tg.einsum("ij,jk", (x, x)), tg.einsum("ij,jk", [x, x])):
        assert call.node.args == ("ij,jk", x.node, x.node)
