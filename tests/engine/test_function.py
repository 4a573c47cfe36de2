"""`autograd.Function`: operations of the user's own."""

from __future__ import annotations

import gc
import sys
import weakref

import numpy as np
import pytest
from makers import leaf
from oracle import Programs, agree

import tinygrad_lite as tg

grad = tg.autograd.grad


# --- the same program in both libraries -----------------------------------------------------------------------------

programs = Programs()


def start(m):
    x = m.tensor([0.5, -1.5, 2.0], dtype=m.float64, requires_grad=True)
    y = m.tensor([1.0, 3.0, -0.25], dtype=m.float64, requires_grad=True)
    return x, y


def function(m, forward, backward, setup_context=None):
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    if setup_context is not None:
        members["setup_context"] = staticmethod(setup_context)
    return type("Mine", (m.autograd.Function,), members).apply


def cube(m):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x

    return function(m, forward, backward)


def exp(m):
    def forward(ctx, x):
        out = x.exp()
        ctx.save_for_backward(out)
        return out

    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out

    return function(m, forward, backward)


def sincos(m, **flags):
    """Two outputs, both saved, with a constant between them."""

    def forward(ctx, x, scale):
        s, c = (x * scale).sin(), (x * scale).cos()
        ctx.scale = scale
        ctx.save_for_backward(s, c)
        return s, c

    def backward(ctx, gs, gc):
        s, c = ctx.saved_tensors
        return (gs * c - gc * s) * ctx.scale, None

    return function(m, forward, backward)


@programs
def every_order_from_a_saved_input(m):
    x, _ = start(m)
    y = cube(m)(x * 2)
    results = [y]
    for _ in range(4):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append(y)
    return results


@programs
def every_order_from_a_saved_output(m):
    x, _ = start(m)
    y = exp(m)(x * 2)
    results = [y]
    for _ in range(4):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append(y)
    return results


@programs
def several_outputs(m):
    x, _ = start(m)
    s, c = sincos(m)(x, 2.0)
    (s * c * c + s).sum().backward()
    return s, c, x.grad


@programs
def one_of_several_outputs(m):
    x, _ = start(m)
    _, c = sincos(m)(x, 2.0)
    c.sum().backward()
    return x.grad


@programs
def every_order_of_several_outputs(m):
    x, _ = start(m)
    s, c = sincos(m)(x, 2.0)
    y = s * c * c + c
    results = []
    for _ in range(4):
        (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append(y)
    return results


@programs
def passes_with_respect_to_an_output(m):
    x, _ = start(m)
    s, c = sincos(m)(x, 2.0)
    return m.autograd.grad((s * s * c).sum(), [s, c, x])


@programs
def hooks_on_outputs(m):
    x, _ = start(m)
    s, c = sincos(m)(x, 2.0)
    c.register_hook(lambda g: g * 10)
    s.retain_grad()
    (s * c).sum().backward()
    return s.grad, x.grad


@programs
def missing_gradients_are_zeros(m):
    seen = []

    def backward(ctx, ga, gb):
        seen.extend([ga, gb])
        return ga + gb

    x, _ = start(m)
    a, _ = function(m, lambda ctx, x: (x * 1, x * 2), backward)(x)
    a.sum().backward()
    return seen, x.grad


@programs
def missing_gradients_not_materialized(m):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 2

    def backward(ctx, ga, gb):
        seen.extend([ga, gb])
        return gb * 2

    x, _ = start(m)
    _, b = function(m, forward, backward)(x)
    b.sum().backward()
    return seen, x.grad


@programs
def inputs_of_all_kinds(m):
    seen = []

    def forward(ctx, x, n, text, y, nothing, numbers):
        ctx.save_for_backward(x, None, y)
        ctx.n = n
        seen.extend([ctx.needs_input_grad, text, numbers])
        return x * y * n

    def backward(ctx, g):
        x, none, y = ctx.saved_tensors
        seen.append(none)
        return g * y * ctx.n, None, None, g * x * ctx.n, None, None

    x, y = start(m)
    function(m, forward, backward)(x, 3, "text", y, None, [1, 2]).sum().backward()
    return [str(s) for s in seen], x.grad, y.grad


@programs
def needs_input_grad(m):
    seen = []

    def forward(ctx, x, y):
        seen.append(ctx.needs_input_grad)
        return x * y

    def backward(ctx, g):
        seen.append(ctx.needs_input_grad)
        return (g * 2 if ctx.needs_input_grad[0] else None), (g * 3 if ctx.needs_input_grad[1] else None)

    x, y = start(m)
    f = function(m, forward, backward)
    f(x, y.detach()).sum().backward()
    f(x.detach(), y * 2).sum().backward()
    with m.no_grad():
        z = f(x, y)
    return [list(s) for s in seen], x.grad, y.grad, z.requires_grad


@programs
def a_gradient_for_what_needs_none_is_dropped(m):
    x, y = start(m)
    f = function(m, lambda ctx, x, y: x * y, lambda ctx, g: (g, g))
    f(x, y.detach()).sum().backward()
    return x.grad, y.grad


@programs
def no_gradient_at_all(m):
    x, y = start(m)
    f = function(m, lambda ctx, x: x * 2, lambda ctx, g: None)
    (f(x) + y).sum().backward()
    return x.grad, y.grad


@programs
def more_nones_than_inputs(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None, None))(x).sum().backward()
    return x.grad


@programs
def fewer_gradients_than_inputs(m):
    x, y = start(m)
    function(m, lambda ctx, x, y: x * y, lambda ctx, g: g)(x, y).sum().backward()


@programs
def more_gradients_than_inputs(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: (g, g))(x).sum().backward()


@programs
def a_gradient_too_small(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: g.sum().reshape(1))(x).sum().backward()


@programs
def a_gradient_of_another_shape(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: m.ones(2, dtype=m.float64))(x).sum().backward()


@programs
def a_gradient_that_sums_to_the_shape(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: m.ones(4, 3, dtype=m.float64))(x).sum().backward()
    return x.grad


@programs
def a_gradient_of_another_dtype_is_cast(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: m.ones(3, dtype=m.float32))(x).sum().backward()
    return x.grad


@programs
def a_gradient_that_is_no_tensor(m):
    x, _ = start(m)
    function(m, lambda ctx, x: x * 2, lambda ctx, g: 2.0)(x).sum().backward()


@programs
def forward_without_a_tensor(m):
    x, _ = start(m)
    return function(m, lambda ctx, x: (None, 3), lambda ctx, *g: None)(x)


@programs
def outputs_of_all_kinds(m):
    x, _ = start(m)
    f = function(m, lambda ctx, x: (x * 2, "text", None, x.long()), lambda ctx, g, *rest: g * 2)
    a, text, nothing, whole = f(x)
    a.sum().backward()
    return a, text, nothing, whole, whole.requires_grad, x.grad


@programs
def marked_non_differentiable(m):
    def forward(ctx, x):
        order = x.detach().argsort()
        values = x[order]
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(order)
        return values, order

    def backward(ctx, g, _):
        (order,) = ctx.saved_tensors
        out = m.zeros(3, dtype=m.float64)
        out[order] = g
        return out

    x, _ = start(m)
    values, order = function(m, forward, backward)(x)
    (values * m.tensor([1.0, 10.0, 100.0], dtype=m.float64)).sum().backward()
    return values, order, order.requires_grad, x.grad


@programs
def a_float_output_marked_non_differentiable(m):
    def forward(ctx, x):
        mask = (x > 0).double()
        ctx.mark_non_differentiable(mask)
        return x * 2, mask

    x, _ = start(m)
    a, mask = function(m, forward, lambda ctx, g, gm: g * 2 + gm)(x)
    (a * mask).sum().backward()
    return mask, mask.requires_grad, a.requires_grad, x.grad


def in_place(m, *, mark=True, returned=True):
    def forward(ctx, x):
        if mark:
            ctx.mark_dirty(x)
        x.mul_(2)
        return x if returned else x * 2

    return function(m, forward, lambda ctx, g: g * 2)


@programs
def dirty_input(m):
    x, _ = start(m)
    h = x * 3
    out = in_place(m)(h)
    (h * h).sum().backward()
    return out is h, h, x.grad


@programs
def dirty_view(m):
    x, _ = start(m)
    h = x * 3
    v = h[:2]
    w = h[1:]
    out = in_place(m)(v)
    ((h * h).sum() + (w * w).sum() + (out * v).sum()).backward()
    return out is v, h, v, w, x.grad


@programs
def dirty_saved_value(m):
    x, _ = start(m)
    h = x * 3
    k = h * h
    in_place(m)(h)
    k.sum().backward()


@programs
def dirty_by_a_kernel_that_announces_nothing(m):
    def forward(ctx, x):
        array = x.detach().numpy()
        array *= 2
        ctx.mark_dirty(x)
        return x

    x, _ = start(m)
    h = x * 3
    k = h * h
    function(m, forward, lambda ctx, g: g * 2)(h)
    k.sum().backward()


@programs
def dirty_leaf(m):
    x, _ = start(m)
    in_place(m)(x)


@programs
def dirty_view_of_a_leaf(m):
    x, _ = start(m)
    in_place(m)(x[:2])


@programs
def dirty_but_not_returned(m):
    x, _ = start(m)
    in_place(m, returned=False)(x * 1)


@programs
def dirty_constant_with_a_differentiable_operand(m):
    def forward(ctx, buffer, x):
        ctx.mark_dirty(buffer)
        buffer.add_(x * x)
        ctx.save_for_backward(x)
        return buffer

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g, g * 2 * x

    x, _ = start(m)
    buffer = m.zeros(3, dtype=m.float64)
    function(m, forward, backward)(buffer, x)
    (buffer * 5).sum().backward()
    return buffer.requires_grad, x.grad


@programs
def an_input_returned_as_it_is(m):
    x, _ = start(m)
    h = x * 3
    y = function(m, lambda ctx, x: x, lambda ctx, g: g * 7)(h)
    (y * y).sum().backward()
    return y is h, y, x.grad


@programs
def an_input_returned_as_it_is_is_not_written_to(m):
    x, _ = start(m)
    h = x * 3
    function(m, lambda ctx, x: x, lambda ctx, g: g * 7)(h).mul_(2)


@programs
def a_part_of_an_input_is_not_written_to(m):
    x, _ = start(m)
    h = x * 3
    function(m, lambda ctx, x: x[:2], lambda ctx, g: m.cat([g, g[:1]]))(h).mul_(2)


@programs
def an_input_returned_as_it_is_is_not_read_after_a_write(m):
    x, _ = start(m)
    h = x * 3
    y = function(m, lambda ctx, x: x, lambda ctx, g: g * 7)(h)
    h.mul_(2)
    (y * 1).sum().backward()


@programs
def an_output_may_be_written_to(m):
    x, _ = start(m)
    y = function(m, lambda ctx, x: x * 3, lambda ctx, g: g * 3)(x)
    y.mul_(x)
    y[:1].add_(1.0)
    y.sum().backward()
    return y, x.grad


@programs
def an_output_saved_and_written_to(m):
    x, _ = start(m)
    y = exp(m)(x)
    y.mul_(2)
    y.sum().backward()


@programs
def an_input_saved_and_written_to(m):
    x, _ = start(m)
    h = x * 1
    y = cube(m)(h)
    h.mul_(2)
    y.sum().backward()


@programs
def forward_does_not_record(m):
    modes = []

    def forward(ctx, x):
        modes.append((m.is_grad_enabled(), (x * 2).requires_grad))
        with m.enable_grad():
            modes.append((m.is_grad_enabled(), (x * 2).requires_grad))
        return x * 2

    def backward(ctx, g):
        modes.append((m.is_grad_enabled(), g.requires_grad))
        return g * 2

    x, _ = start(m)
    f = function(m, forward, backward)
    f(x).sum().backward()
    m.autograd.grad((f(x) ** 2).sum(), x, create_graph=True)
    return [list(p) for p in modes], m.is_grad_enabled()


@programs
def a_gradient_computed_inside_backward(m):
    """Checkpointing: forget, and compute again when it is needed."""

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin().exp()

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        with m.enable_grad():
            z = x.detach().requires_grad_()
            (d,) = m.autograd.grad(z.sin().exp(), z, g)
        return d

    x, _ = start(m)
    function(m, forward, backward)(x).sum().backward()
    return x.grad


@programs
def with_setup_context(m):
    def setup_context(ctx, inputs, output):
        x, ctx.n = inputs
        ctx.save_for_backward(x, output)

    def backward(ctx, g):
        x, out = ctx.saved_tensors
        return g * ctx.n * out / x, None

    x, _ = start(m)
    z = function(m, lambda x, n: x**n, backward, setup_context)(x, 3)
    (g,) = m.autograd.grad(z.sum(), x, create_graph=True)
    return z, g, *m.autograd.grad(g.sum(), x)


@programs
def once_differentiable(m):
    home = getattr(m.autograd, "function", m.autograd)

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @home.once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x

    x, _ = start(m)
    f = function(m, forward, backward)
    f(x).sum().backward()
    (g,) = m.autograd.grad(f(x).sum() + (x**3).sum(), x, create_graph=True)
    first = x.grad, g.detach()
    try:
        m.autograd.grad(g.sum(), x)
    except RuntimeError:
        return first, "refused"
    return first


@programs
def an_exception_in_forward_restores_the_mode(m):
    def forward(ctx, x):
        raise KeyError

    try:
        function(m, forward, None)(start(m)[0])
    except KeyError:
        return m.is_grad_enabled()


@programs
def the_same_tensor_twice(m):
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x

    x, _ = start(m)
    f = function(m, forward, backward)
    (g,) = m.autograd.grad(f(x, x).sum(), x, create_graph=True)
    return g, *m.autograd.grad((g * g).sum(), x)


@programs
def a_gradient_that_is_given_to_both(m):
    x, y = start(m)
    function(m, lambda ctx, x, y: x + y, lambda ctx, g: (g, g))(x, y).sum().backward()
    x.grad.mul_(5)
    return x.grad, y.grad


@programs
def vjp_by_that_name(m):
    class Scaled(m.autograd.Function):
        @staticmethod
        def forward(ctx, x, k):
            ctx.save_for_forward(x)
            ctx.k = k
            return x * k

        @staticmethod
        def vjp(ctx, g):
            return g * ctx.k, None

    x, _ = start(m)
    Scaled.apply(x, 3.0).sum().backward()
    return x.grad


@programs
def vjp_and_backward(m):
    class Both(m.autograd.Function):
        forward = staticmethod(lambda ctx, x: x * 2)
        backward = vjp = staticmethod(lambda ctx, g: g * 2)

    Both.apply(start(m)[0]).sum().backward()


@programs
def zeros_in_place_of_none(m):
    x, y = start(m)
    (first,) = m.autograd.grad((x * 2).sum(), x, create_graph=True)
    (second,) = m.autograd.grad(first.sum(), x, create_graph=True, materialize_grads=True) if first.grad_fn else [None]
    (third,) = m.autograd.grad((y * 2).sum(), x, create_graph=True, materialize_grads=True)
    (fourth,) = m.autograd.grad((y * 2).sum(), x, materialize_grads=True)
    return [first, second, third, third.requires_grad, fourth.requires_grad,
            m.autograd.grad(third.sum(), x, materialize_grads=True)]  # fmt: skip


@programs.parameters()
def test_as_pytorch(program):
    agree(program)


# --- exact values ---------------------------------------------------------------------------------------------------


def test_second_derivative_of_both_saved_outputs():
    x = leaf([0.3, 0.7])
    s, c = sincos(tg)(x, 2.0)
    (g,) = grad((s * c).sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x)
    np.testing.assert_allclose(g.detach().numpy(), 2 * np.cos(4 * x.detach().numpy()))
    np.testing.assert_allclose(h.numpy(), -8 * np.sin(4 * x.detach().numpy()))


def test_two_outputs_of_one_memory_are_apart():
    """PyTorch refuses the write; here the second output owns a copy."""
    x = leaf([1.0, 2.0, 3.0])

    def forward(ctx, x):
        out = x * 2
        return out, out[:2], out

    a, b, c = function(tg, forward, lambda ctx, ga, gb, gc: ga * 2 + gc * 2)(x)
    a.mul_(5.0)
    assert b.tolist() == [2.0, 4.0]
    assert c.tolist() == [2.0, 4.0, 6.0]
    (a + c).sum().backward()
    assert x.grad.tolist() == [12.0, 12.0, 12.0]


def test_gradients_handed_over_are_apart():
    kept = []

    def backward(ctx, g):
        d = g * 2
        kept.append(d)
        return d, d

    x, y = leaf([1.0]), leaf([2.0])
    function(tg, lambda ctx, x, y: x + y, backward)(x, y).sum().backward()
    arrays = [t.numpy() for t in (x.grad, y.grad, kept[0])]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[:i])


def test_a_dirty_view_writes_into_its_base():
    x = leaf([1.0, 2.0, 3.0])
    h = x * 1
    rows = h.reshape(3, 1)
    in_place(tg)(rows[1:])
    assert h.tolist() == [1.0, 4.0, 6.0]
    h.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 2.0]


# --- messages -------------------------------------------------------------------------------------------------------

IDENTITY = {"forward": staticmethod(lambda ctx, x: x * 1)}


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        ({}, NotImplementedError, r"must define the static method forward\(ctx, \*args\)"),
        (IDENTITY, NotImplementedError, r"must define the static method backward\(ctx, \*gradients\)"),
        ({**IDENTITY, "backward": staticmethod(lambda ctx, g: (g, g))}, RuntimeError,
         "Mine.backward: must return 1 gradients, one per input, got 2"),
        ({**IDENTITY, "backward": staticmethod(lambda ctx, g: ())}, RuntimeError,
         "Mine.backward: must return 1 gradients, one per input, got 0"),
        ({**IDENTITY, "backward": staticmethod(lambda ctx, g: 1.0)}, TypeError,
         "Mine.backward: gradient 0 must be a Tensor or None, got float"),
        ({**IDENTITY, "backward": staticmethod(lambda ctx, g: g[:1])}, RuntimeError,
         r"Mine.backward: gradient 0 must have the shape \(2,\), got \(1,\)"),
        ({"forward": staticmethod(lambda ctx, x: ctx.save_for_backward(x, 3))}, TypeError,
         "save_for_backward: argument 1 must be a Tensor or None, got int"),
        ({"forward": staticmethod(lambda ctx, x: ctx.mark_dirty(x))}, RuntimeError,
         "Mine.forward: every input given to mark_dirty must be returned"),
    ],
)  # fmt: skip
def test_messages_and_an_unharmed_state(members, error, message):
    mine = type("Mine", (tg.autograd.Function,), members)
    x = leaf([1.0, 2.0])
    h = x * 1
    with pytest.raises(error, match=message):
        mine.apply(h).sum().backward()
    assert tg.is_grad_enabled()
    assert x.grad is None
    (h * h).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_saved_value_overwritten_names_function_and_lines():
    class Square(tg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf([1.0, 2.0])
    h = x * 1
    needed = sys._getframe().f_lineno + 1
    y = Square.apply(h)
    h.add_(1.0)
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert str(caught.value) == (
        f"backward: Square at {__file__}:{needed} needs its 'saved tensors', "
        f"but add_ at {__file__}:{needed + 1} has overwritten it; clone() it before (one of the "
        "variables needed for gradient computation has been modified by an inplace operation)"
    )


def test_the_graph_names_the_function():
    class Swish(tg.autograd.Function):
        forward = staticmethod(lambda ctx, x: ctx.save_for_backward(x) or x * x.sigmoid())
        backward = staticmethod(lambda ctx, g: g)

    y = Swish.apply(leaf([1.0]))
    assert repr(y.grad_fn) == "<SwishBackward>"
    assert repr(y) == "tensor([0.7311], dtype=float64, grad_fn=<SwishBackward>)"
    y.backward()
    with pytest.raises(RuntimeError, match=r"through the graph a second time \(at Swish\)"):
        y.backward()


# --- memory ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [cube, exp, lambda m: lambda x: sincos(m)(x, 2.0)[1]])
def test_memory_returns_without_the_garbage_collector(make):
    apply = make(tg)
    gc.collect()
    gc.disable()
    try:
        x = leaf(np.ones(3))
        h = x * 1
        watched = [weakref.ref(h._node), weakref.ref(h._data)]
        y = apply(h)
        watched += [weakref.ref(y._data), weakref.ref(y._node)]
        z = y.sum()
        del h, y
        assert watched[0]() is not None
        z.backward()
        del z
        assert [w() for w in watched] == [None] * 4
        h = x * 1
        watched = [weakref.ref(h._node), weakref.ref(h._data)]
        y = apply(h)
        (g,) = grad(y.sum(), x, create_graph=True)
        watched += [weakref.ref(g._node), weakref.ref(y._node)]
        del h, y, g
        assert [w() for w in watched] == [None] * 4
    finally:
        gc.enable()
