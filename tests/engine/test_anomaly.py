"""`detect_anomaly` names the line of the first NaN; hooks on nodes, gradients and saved values."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest
from makers import leaf
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite.graph import OFF


class Bad(tg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 1

    @staticmethod
    def backward(ctx, g):
        return g * float("nan")


class Fails(Bad):
    @staticmethod
    def backward(ctx, g):
        raise KeyError("mine")


def line_in(error) -> int:
    name, line = re.search(r"at (\S+):(\d+)", str(error.value)).groups()
    assert name == __file__
    return int(line)


def here() -> int:
    return inspect.currentframe().f_back.f_lineno


# --- the first NaN --------------------------------------------------------------------------------------------------

FORWARD = {
    "log": lambda x: (x * -1).log(), "sqrt": lambda x: (x - 9).sqrt(), "div": lambda x: (x * 0) / (x * 0),
    "sub": lambda x: (x + np.inf) - (x + np.inf), "logsumexp": lambda x: tg.logsumexp(x * np.nan + x, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_forward(name):
    x = leaf([1.0, 2.0])
    assert np.isnan(FORWARD[name](x).detach().numpy()).any()
    with pytest.raises(RuntimeError, match="returned nan in the forward pass") as error, tg.autograd.detect_anomaly():
        FORWARD[name](x)
    lines, start = inspect.getsourcelines(inspect.getmodule(test_forward)), 0
    source = lines[0][line_in(error) - 1 - start]
    assert f'"{name}"' in source
    assert not OFF


BACKWARD = {
    "sqrt": lambda x: (x * 0).sqrt() * 0, "norm": lambda x: (x * 0) ** 0.5 * 0, "Bad": lambda x: Bad.apply(x),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARD)
@pytest.mark.parametrize("create_graph", [False, True])
def test_backward(name, create_graph):
    x = leaf([1.0, 2.0])
    with tg.autograd.detect_anomaly():
        line = here() + 1
        y = BACKWARD[name](x).sum()
        with pytest.raises(RuntimeError, match=r"detect_anomaly: backward of \w+ at \S+ returned nan") as error:
            y.backward(create_graph=create_graph)
    assert line_in(error) == inspect.getsourcelines(BACKWARD[name])[1] or line_in(error) < line
    assert x.grad is None
    assert not OFF


def test_the_line_of_the_operation_not_of_what_follows():
    x = leaf([0.0])
    with tg.autograd.detect_anomaly():
        a = x + 0
        line = here() + 1
        b = a.sqrt()
        c = (b * 0).sum() + a.sum()
        with pytest.raises(RuntimeError, match="backward of sqrt") as error:
            c.backward()
    assert line_in(error) == line


def test_a_seed_that_is_nan_is_nobodys_fault():
    x = leaf([1.0])
    with tg.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="exp at .* was given a gradient that is nan"):
        x.exp().backward(tg.tensor([float("nan")], dtype=tg.float64))


def test_integers_and_constants_are_left_alone():
    with tg.autograd.detect_anomaly():
        y = tg.tensor([float("nan")]) * 2
        (leaf([1.0]) * 2).long()
        assert np.isnan(y.numpy()).all()
        with tg.no_grad():
            leaf([-1.0]) * float("nan")


def test_without_looking_for_nan():
    x = leaf([0.0])
    with tg.autograd.detect_anomaly(check_nan=False):
        assert not tg.autograd.is_anomaly_check_nan_enabled()
        (x.sqrt() * 0).sum().backward()
        assert np.isnan(x.grad.numpy()).all()
        y = Fails.apply(x)
        with pytest.raises(KeyError) as error:
            y.backward()
    if hasattr(error.value, "__notes__"):
        assert re.search(r"in the backward of Fails at .*test_anomaly.py:\d+", error.value.__notes__[0])


def test_on_and_off():
    on = tg.autograd.is_anomaly_enabled
    assert not on()
    tg.autograd.set_detect_anomaly(True)
    assert on()
    with tg.autograd.set_detect_anomaly(False):
        assert not on()
        leaf([-1.0]) * float("nan")
    assert on()
    tg.autograd.set_detect_anomaly(False)
    assert not on()
    both = tg.autograd.detect_anomaly()
    with both, both:
        assert on()
    assert not on()
    assert not OFF


def test_gradients_are_the_same_while_it_looks():
    def gradients():
        x = leaf([[0.3, 1.2], [0.7, 0.1]])
        (g,) = tg.autograd.grad((x.tanh() @ x).logsumexp(0).sum(), x, create_graph=True)
        g.pow(2).sum().backward()
        return x.grad.numpy()

    plain = gradients()
    with tg.autograd.detect_anomaly():
        np.testing.assert_array_equal(gradients(), plain)


# --- hooks on nodes: programs that PyTorch runs as well -------------------------------------------------------------

HOOKS = Programs()


@HOOKS
def prehook(m):
    x, seen = m.tensor([1.0, 2.0], requires_grad=True), []
    y = x * 3
    y.grad_fn.register_prehook(lambda outs: seen.append([len(outs), outs[0] * 1]))
    y.grad_fn.register_prehook(lambda outs: (outs[0] * 10,))
    handle = y.grad_fn.register_prehook(lambda outs: (outs[0] * 100,))
    handle.remove()
    y.sum().backward()
    return [seen, x.grad]


@HOOKS
def posthook(m):
    x, seen = m.tensor([1.0, 2.0], requires_grad=True), []
    w = m.tensor(5.0, requires_grad=True)
    y = x * w
    y.grad_fn.register_hook(lambda ins, outs: seen.append([list(ins), list(outs)]))
    y.grad_fn.register_hook(lambda ins, outs: tuple(g * 2 for g in ins))
    y.grad_fn.register_hook(lambda ins, outs: seen.append(list(ins)))
    y.sum().backward()
    return [seen, x.grad, w.grad]


@HOOKS
def order(m):
    x, seen = m.tensor([1.0], requires_grad=True), []
    y = x.exp()
    y.grad_fn.register_hook(lambda ins, outs: seen.append("after"))
    y.grad_fn.register_prehook(lambda outs: seen.append("before"))
    y.register_hook(lambda g: seen.append("tensor"))
    x.register_hook(lambda g: seen.append("leaf"))
    x.register_post_accumulate_grad_hook(lambda p: seen.append("accumulated"))
    y.sum().backward()
    return seen


@HOOKS
def posthook_create_graph(m):
    x = m.tensor([1.0, 2.0], dtype=m.float64, requires_grad=True)
    y = x.sin()
    y.grad_fn.register_hook(lambda ins, outs: (ins[0] * x,))
    (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
    (h,) = m.autograd.grad(g.sum(), x)
    return [g, h]


@HOOKS
def wrong_number(m):
    x = m.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    y.grad_fn.register_hook(lambda ins, outs: (ins[0], ins[0], ins[0]))
    y.sum().backward()
    return x.grad


@HOOKS
def several_results(m):
    x, seen = m.tensor([1.0, 2.0, 3.0], requires_grad=True), []
    a, b, c = x.unbind()
    node = a.grad_fn.next_functions[0][0] if hasattr(m, "rules") else a.grad_fn
    node.register_prehook(lambda outs: seen.append([g is not None for g in outs][:2]))
    (a * 2 + b * 3).backward()
    return x.grad


@HOOKS
def post_accumulate(m):
    x, seen = m.tensor([1.0, 2.0], requires_grad=True), []

    def step(p):
        seen.append([p is x, p.grad * 1])
        p.grad = None

    handle = x.register_post_accumulate_grad_hook(step)
    (x * 2).sum().backward()
    first = x.grad
    handle.remove()
    (x * 3).sum().backward()
    m.autograd.grad((x * 3).sum(), x)
    return [seen, first, x.grad]


@HOOKS
def post_accumulate_of_a_result(m):
    (m.tensor([1.0], requires_grad=True) * 2).register_post_accumulate_grad_hook(print)


@HOOKS
def names(m):
    x = m.tensor([1.0, 2.0], requires_grad=True)
    y = x.exp().log_softmax(0)
    exp = y.grad_fn.next_functions[0][0]
    accumulate = exp.next_functions[0][0]
    return [y.grad_fn.name(), exp.name(), len(exp.next_functions), exp.next_functions[0][1], accumulate.next_functions]


@HOOKS
def saved_packed(m):
    x, seen = m.tensor([1.5, 2.5], dtype=m.float64, requires_grad=True), []

    def pack(t):
        seen.append(list(t.shape))
        return t.detach().numpy().copy()

    with m.autograd.graph.saved_tensors_hooks(pack, lambda a: m.from_numpy(a) * 2):
        y = (x.exp() * 3).sin()
    y.sum().backward()
    return [seen, x.grad]


@HOOKS
def packing_overwrites(m):
    with m.autograd.graph.saved_tensors_hooks(lambda t: t.add_(1), lambda t: t):
        return m.ones(2, requires_grad=True).exp()


@HOOKS
def several_of_which_some_are_reached(m):
    (x, y, z), seen = (m.ones(1, requires_grad=True) for _ in range(3)), []
    m.autograd.graph.register_multi_grad_hook((x, y, z), lambda g: seen.append([v is None for v in g]))
    out = x * y
    out.backward(retain_graph=True)
    out.backward(inputs=[x], retain_graph=True)
    out.backward(inputs=[z], retain_graph=True)
    (out * z).exp().backward(inputs=[z])
    return seen


@HOOKS
def several_around_another_pass(m):
    (x, y), seen = (m.ones(1, requires_grad=True) for _ in range(2)), []
    m.autograd.graph.register_multi_grad_hook((x, y), lambda g: seen.append([v.item() for v in g]))
    w = x.detach().requires_grad_()
    y.register_hook(lambda g: m.autograd.backward(w * w))
    (x * 3 * y).backward()
    return seen


@HOOKS
def called_at_the_end(m):
    x, seen = m.ones(2, requires_grad=True), []
    queue = m.autograd.Variable._execution_engine.queue_callback

    def last():
        seen.append(x.grad.tolist())
        queue(lambda: seen.append("after"))

    x.register_hook(lambda g: queue(last))
    (x * 2 + x * 3).sum().backward()
    x.grad = None
    (x * x).sum().backward()
    return seen


@HOOKS
def called_at_the_end_of_nothing(m):
    m.autograd.Variable._execution_engine.queue_callback(print)


@HOOKS.parameters()
def test_as_pytorchs(program):
    agree(program)


def test_packed_values_and_higher_orders():
    x = leaf([0.3, 1.2])
    with tg.autograd.graph.saved_tensors_hooks(lambda t: [t.clone()], lambda kept: kept[0]):
        y = (x.exp().sin() * tg.softmax(x, 0).tanh()).sum()
    (g,) = tg.autograd.grad(y, x, create_graph=True)
    (h,) = tg.autograd.grad(g.sum(), x)
    z = (x.exp().sin() * tg.softmax(x, 0).tanh()).sum()
    (g2,) = tg.autograd.grad(z, x, create_graph=True)
    (h2,) = tg.autograd.grad(g2.sum(), x)
    np.testing.assert_allclose(g.detach().numpy(), g2.detach().numpy())
    np.testing.assert_allclose(h.numpy(), h2.numpy())
    assert not OFF


def test_unpacking_something_else_is_refused():
    x = leaf([0.3, 1.2])
    with tg.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t[:1]):
        y = x.exp()
    with pytest.raises(RuntimeError, match=r"unpack_hook must return a Tensor of \(2,\) float64, got \(1,\) float64"):
        y.sum().backward()
    with pytest.raises(TypeError, match="pack_hook must be callable, got int"):
        tg.autograd.graph.saved_tensors_hooks(1, 2)


def test_a_hook_sees_the_shape_of_the_input():
    x, w, seen = leaf([[1.0], [2.0]]), leaf([1.0, 2.0, 3.0]), []
    y = x + w
    y.grad_fn.register_hook(lambda ins, outs: seen.extend([g.shape for g in (*ins, *outs)]))
    y.sum().backward()
    assert seen == [(2, 1), (3,), (2, 3)]


def test_a_hook_on_what_has_run_is_refused():
    y = leaf([1.0]).exp()
    node = y.grad_fn
    y.sum().backward()
    with pytest.raises(RuntimeError, match="register_hook: the node .exp. has run already"):
        node.register_hook(print)


def test_stale_values_are_still_refused_under_a_hook():
    x = leaf([1.0])
    h = x * 2
    y = h.sin()
    y.grad_fn.register_hook(lambda ins, outs: None)
    h.add_(1)
    with pytest.raises(RuntimeError, match="sin at .* needs .* has overwritten it"):
        y.sum().backward()
