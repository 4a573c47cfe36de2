"""The backward pass: every argument, every order, every refusal."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from makers import leaf
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.rules import differentiable

grad = tg.autograd.grad


def shares(a, b) -> bool:
    return np.shares_memory(a.detach().numpy(), b.detach().numpy())


# --- the same program in both libraries -----------------------------------------------------------------------------

programs = Programs()


def two(m, *, grads=True):
    x = m.tensor([0.5, -1.5, 2.0], dtype=m.float64, requires_grad=grads)
    y = m.tensor([1.0, 3.0, -0.25], dtype=m.float64, requires_grad=grads)
    return x, y


@programs
def accumulation(m):
    x, y = two(m)
    (x * y).sum().backward()
    first = x.grad.clone()
    (x * x * y).sum().backward()
    return first, x.grad, y.grad


@programs
def a_gradient_set_by_hand_is_added_to(m):
    x, y = two(m)
    x.grad = m.ones(3, dtype=m.float64) * 10
    mine = x.grad
    (x * y).sum().backward()
    return x.grad, mine is x.grad, mine


@programs
def a_vector_for_a_vector(m):
    x, y = two(m)
    (x * y).backward(m.tensor([1.0, 10.0, 100.0], dtype=m.float64))
    return x.grad, y.grad


@programs
def an_integer_vector_is_cast(m):
    x, _ = two(m)
    (x * 2).backward(m.ones(3, dtype=m.int64))
    return x.grad


@programs
def several_outputs_with_their_vectors(m):
    x, y = two(m)
    m.autograd.backward([x * y, (x + y).sum()], [m.ones(3, dtype=m.float64) * 2, None])
    return x.grad, y.grad


@programs
def the_same_output_twice(m):
    x, _ = two(m)
    z = x * x
    m.autograd.backward([z, z], [m.ones(3, dtype=m.float64), m.ones(3, dtype=m.float64) * 3])
    return x.grad


@programs
def an_output_that_is_an_ancestor_of_another(m):
    x, _ = two(m)
    z = x * x
    return m.autograd.grad([(z * z).sum(), z], x, [None, m.ones(3, dtype=m.float64)])


@programs
def a_leaf_as_output(m):
    x, _ = two(m)
    x.backward(m.ones(3, dtype=m.float64))
    return x.grad, *m.autograd.grad(x.sum(), x)


@programs
def inputs_restrict_accumulation(m):
    x, y = two(m)
    (x * y).sum().backward(inputs=[x])
    return x.grad, y.grad


@programs
def inputs_may_be_interior(m):
    x, _ = two(m)
    h = x * 2
    h.retain_grad()
    (h * h).sum().backward(inputs=h)
    return x.grad, h.grad


@programs
def gradient_of_an_interior_result(m):
    x, y = two(m)
    h = x * y
    return m.autograd.grad((h * h).sum(), [h, x])


@programs
def an_interior_input_keeps_its_own_graph(m):
    x, _ = two(m)
    h = x.exp()
    (g,) = m.autograd.grad((h * h).sum(), h)
    h.backward(g)
    return x.grad


@programs
def an_interior_input_whose_graph_is_gone(m):
    x, _ = two(m)
    h = x.exp()
    h.sum().backward()
    return m.autograd.grad((h * h).sum(), h)


@programs
def an_input_twice(m):
    x, _ = two(m)
    return m.autograd.grad((x * x).sum(), [x, x])


@programs
def unused_is_refused(m):
    x, y = two(m)
    return m.autograd.grad(x.sum(), [x, y])


@programs
def unused_allowed(m):
    x, y = two(m)
    return m.autograd.grad(x.sum(), [x, y], allow_unused=True)


@programs
def unused_materialized(m):
    x, y = two(m)
    return m.autograd.grad(x.sum(), [x, y], materialize_grads=True)


@programs
def second_pass_refused(m):
    x, y = two(m)
    z = (x * y).sum()
    z.backward()
    z.backward()


@programs
def second_pass_over_a_shared_part_refused(m):
    x, _ = two(m)
    h = x.exp()
    h.sum().backward()
    (h * 2).sum().backward()


@programs
def second_pass_retained(m):
    x, y = two(m)
    z = (x * y).sum()
    z.backward(retain_graph=True)
    z.backward()
    return x.grad, y.grad


@programs
def create_graph_retains_by_default(m):
    x, _ = two(m)
    z = (x * x * x).sum()
    (g,) = m.autograd.grad(z, x, create_graph=True)
    (again,) = m.autograd.grad(z, x)
    return g, again, *m.autograd.grad(g.sum(), x)


@programs
def grad_with_graph_not_retained(m):
    x, _ = two(m)
    z = (x * x).sum()
    m.autograd.grad(z, x, retain_graph=False)
    return m.autograd.grad(z, x)


@programs
def backward_with_create_graph(m):
    x, _ = two(m)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    (h,) = m.autograd.grad(g.sum(), x)
    return g, h, g.requires_grad


@programs
def a_gradient_with_a_graph_is_not_changed_in_place(m):
    x, _ = two(m)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    z = (g * g).sum()
    z.backward()
    return g, x.grad


@programs
def gradient_penalty(m):
    x, y = two(m)
    (g,) = m.autograd.grad((m.tanh(x * y)).sum(), x, create_graph=True)
    ((g * g).sum() - 1).pow(2).backward()
    return x.grad, y.grad


@programs
def the_vector_is_differentiable_too(m):
    x, _ = two(m)
    v = m.tensor([1.0, 2.0, 3.0], dtype=m.float64, requires_grad=True)
    (g,) = m.autograd.grad(x * x, x, v, create_graph=True)
    return m.autograd.grad((g * g).sum(), [v, x])


@programs
def hessian_vector_product_by_double_backward(m):
    x, y = two(m)
    z = (m.exp(x) * m.sin(y)).sum()
    gx, gy = m.autograd.grad(z, [x, y], create_graph=True)
    return m.autograd.grad([gx, gy], [x, y], [m.ones(3, dtype=m.float64), 2 * m.ones(3, dtype=m.float64)])


@programs
def no_grad_results(m):
    x, y = two(m)
    with m.no_grad():
        z = x * y
        with m.enable_grad():
            w = x * y
    return z.requires_grad, w.requires_grad, z.is_leaf, m.is_grad_enabled()


@programs
def detached_parts(m):
    x, y = two(m)
    z = x * y.detach() + y * x.detach()
    z.sum().backward()
    return x.grad, y.grad, x.detach().requires_grad, x.data.requires_grad


@programs
def detach_shares_memory(m):
    x, _ = two(m)
    h = x * 2
    d = h.detach()
    d[0] = 7.0
    return h, d


@programs
def leaves_and_results(m):
    x, y = two(m)
    c = m.ones(3)
    z = x + y
    return [t.is_leaf for t in (x, c, z, z.detach(), c + c)], [t.grad_fn is None for t in (x, c, z)]


@programs
def requires_grad_off_and_on(m):
    x, y = two(m)
    (x * y).sum().backward()
    kept = x.grad
    x.requires_grad_(False)
    z = x * y
    off = x.requires_grad, x.grad is kept
    x.requires_grad = True
    (x * y + z).sum().backward()
    return off, x.grad, y.grad


@programs
def requires_grad_of_a_result_is_fixed(m):
    x, _ = two(m)
    (x * 2).requires_grad_(False)


@programs
def integers_have_no_gradient(m):
    m.ones(3, dtype=m.int64).requires_grad_()


@programs
def detach_in_place_keeps_the_gradient(m):
    x, _ = two(m)
    x.sum().backward()
    x.detach_()
    return x.requires_grad, x.grad


@programs
def retained_gradient(m):
    x, y = two(m)
    h = x * y
    before = h.retains_grad
    h.retain_grad()
    h.retain_grad()
    (h * h).sum().backward(retain_graph=True)
    (h * 2).sum().backward()
    return h.grad, before, h.retains_grad


@programs
def retained_gradient_after_the_hooks(m):
    x, _ = two(m)
    h = x * 2
    h.retain_grad()
    h.register_hook(lambda g: g * 10)
    h.sum().backward()
    return h.grad, x.grad


@programs
def retain_grad_moves_with_the_tensor(m):
    x, _ = two(m)
    h = x * 2
    h.retain_grad()
    h.mul_(5)
    (h * 3).sum().backward()
    return h.grad, x.grad, h.retains_grad


@programs
def retain_grad_moves_with_the_base_of_a_view(m):
    x, _ = two(m)
    h = x * 2
    v = h[:2]
    h.retain_grad()
    v.retain_grad()
    v.mul_(5)
    ((h * 3).sum() + (v * v).sum()).backward()
    return h.grad, v.grad, x.grad


@programs
def retain_grad_on_a_leaf_does_nothing(m):
    x, _ = two(m)
    x.retain_grad()
    x.sum().backward()
    return x.grad, x.retains_grad


@programs
def retain_grad_needs_a_gradient(m):
    m.ones(3).retain_grad()


@programs
def hooks_replace_in_order(m):
    x, y = two(m)
    seen = []
    h = x * y
    h.register_hook(lambda g: seen.append(g.clone()))
    h.register_hook(lambda g: g * 2)
    h.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 100)
    (h * h).sum().backward()
    return seen, x.grad, y.grad


@programs
def a_hook_of_a_leaf_sees_the_sum(m):
    x, _ = two(m)
    seen = []
    x.register_hook(lambda g: seen.append(g.clone()))
    (x * 2 + x * 3).sum().backward()
    x.sum().backward()
    return seen, x.grad


@programs
def a_removed_hook_is_silent(m):
    x, _ = two(m)
    a = x.register_hook(lambda g: g * 2)
    b = x.register_hook(lambda g: g * 5)
    a.remove()
    a.remove()
    x.sum().backward()
    b.remove()
    x.sum().backward()
    return x.grad


@programs
def a_hook_acts_on_what_grad_returns(m):
    x, _ = two(m)
    h = x * 3
    h.register_hook(lambda g: g * 2)
    return m.autograd.grad(h.sum(), h, retain_graph=True) + m.autograd.grad(h.sum(), x)


@programs
def a_hook_with_create_graph(m):
    x, _ = two(m)
    h = x * x
    h.register_hook(lambda g: g * h)
    (g,) = m.autograd.grad(h.sum(), x, create_graph=True)
    return g, *m.autograd.grad(g.sum(), x)


@programs
def a_hook_stays_with_the_old_value(m):
    x, _ = two(m)
    seen = []
    h = x * 2
    h.register_hook(lambda g: seen.append(g.clone()))
    h.mul_(5)
    (h * 3).sum().backward()
    return seen


@programs
def a_hook_must_keep_the_shape(m):
    x, _ = two(m)
    x.register_hook(lambda g: g[:2])
    x.sum().backward()


@programs
def a_hook_on_a_constant(m):
    m.ones(3).register_hook(print)


@programs
def backward_without_a_graph(m):
    m.ones(()).backward()


@programs
def backward_of_a_vector_needs_a_vector(m):
    x, _ = two(m)
    (x * 2).backward()


@programs
def backward_of_one_element_needs_none(m):
    x, _ = two(m)
    (x[:1] * 2).reshape(1, 1).backward()
    return x.grad


@programs
def a_vector_of_another_shape(m):
    x, _ = two(m)
    (x * 2).backward(m.ones(1, dtype=m.float64))


@programs
def fewer_vectors_than_outputs(m):
    x, y = two(m)
    m.autograd.backward([x.sum(), y.sum()], [None])


@programs
def no_inputs_for_backward(m):
    x, _ = two(m)
    x.sum().backward(inputs=[])


@programs
def no_inputs_for_grad(m):
    x, _ = two(m)
    m.autograd.grad(x.sum(), [])


@programs
def an_input_without_gradient(m):
    x, _ = two(m)
    m.autograd.grad(x.sum(), m.ones(3))


@programs
def gradient_of_another_shape_refused(m):
    x, _ = two(m)
    x.grad = m.ones(2, dtype=m.float64)


@programs
def gradient_of_another_dtype_refused(m):
    x, _ = two(m)
    x.grad = m.ones(3, dtype=m.float32)


@programs
def a_tensor_as_its_own_gradient_refused(m):
    x, _ = two(m)
    x.grad = x


@programs
def mixed_dtypes(m):
    x = m.tensor([1.0, 2.0], dtype=m.float32, requires_grad=True)
    y = m.tensor([3.0, 4.0], dtype=m.float64, requires_grad=True)
    (x * y).sum().backward()
    return x.grad, y.grad


@programs
def broadcast_gradients(m):
    x = m.ones(3, 1, dtype=m.float64, requires_grad=True)
    y = m.ones(1, 4, dtype=m.float64, requires_grad=True)
    z = m.ones((), dtype=m.float64, requires_grad=True)
    ((x + y) * z * m.arange(12.0, dtype=m.float64).reshape(3, 4)).sum().backward()
    return x.grad, y.grad, z.grad


@programs
def data_replaced(m):
    x, y = two(m)
    x.data = m.zeros(5, dtype=m.float64)
    (x + 1).sum().backward()
    return x.grad, x.is_leaf, x.requires_grad


@programs
def data_of_another_shape_in_a_result(m):
    x, _ = two(m)
    h = x * 2
    h.data = m.zeros(5, dtype=m.float64)
    h.sum().backward()


@programs
def a_generator_under_no_grad(m):
    @m.no_grad()
    def steps(n):
        got = []
        for _ in range(n):
            got.append((yield m.is_grad_enabled()))
        return got

    inner = steps(2)
    modes = [next(inner), m.is_grad_enabled(), inner.send("a"), m.is_grad_enabled()]
    with pytest.raises(StopIteration) as stop:
        inner.send("b")
    return modes, stop.value.value, m.is_grad_enabled()


@programs
def a_generator_that_is_thrown_at_and_closed(m):
    seen = []

    @m.no_grad()
    def steps():
        try:
            yield 1
        except KeyError:
            seen.append(m.is_grad_enabled())
        try:
            yield 2
        finally:
            seen.append(m.is_grad_enabled())

    inner = steps()
    next(inner)
    seen.append(inner.throw(KeyError))
    inner.close()
    return seen, m.is_grad_enabled()


@programs
def switches_as_decorators(m):
    @m.no_grad()
    def off():
        return m.is_grad_enabled()

    @m.no_grad
    def bare():
        return m.is_grad_enabled()

    @m.enable_grad()
    def on():
        return m.is_grad_enabled()

    @m.set_grad_enabled(False)
    def set_off():
        return m.is_grad_enabled()

    with m.no_grad():
        inside = on()
    return off(), bare(), on(), set_off(), inside, m.is_grad_enabled(), off.__name__


@programs
def set_grad_enabled_as_a_function(m):
    before = m.is_grad_enabled()
    m.set_grad_enabled(False)
    during = m.is_grad_enabled()
    with m.set_grad_enabled(True):
        inside = m.is_grad_enabled()
    after = m.is_grad_enabled()
    m.set_grad_enabled(True)
    return before, during, inside, after, m.is_grad_enabled()


@programs
def an_exception_restores_the_mode(m):
    try:
        with m.no_grad():
            raise KeyError
    except KeyError:
        return m.is_grad_enabled()


@programs.parameters()
def test_as_pytorch(program):
    agree(program)


@pytest.mark.parametrize("kind", [iter, dict.fromkeys, nn.ParameterList, lambda given: (p for p in given)])
def test_inputs_and_outputs_are_whatever_can_be_gone_through(kind):
    weights = [nn.Parameter(tg.ones(2)), nn.Parameter(tg.ones(2))]
    outputs = [(weights[0] * 2).sum(), (weights[1] * 3).sum()]
    assert [g.tolist() for g in tg.autograd.grad(iter(outputs), kind(weights))] == [[2, 2], [3, 3]]
    tg.autograd.backward(iter([(weights[0] * 2 + weights[1]).sum()]), inputs=kind(weights))
    assert [p.grad.tolist() for p in weights] == [[2, 2], [1, 1]]


def test_a_switch_may_be_nested_in_itself():
    off = tg.no_grad()
    with off:
        with off, tg.enable_grad():
            assert tg.is_grad_enabled()
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_hooks_act_on_all_that_grad_returns():
    x = leaf([1.0])
    h = x * 3
    h.register_hook(lambda g: g * 2)
    assert [g.item() for g in grad(h.sum(), [h, x])] == [2.0, 6.0]


# --- orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order_of_a_polynomial(order):
    x = leaf([0.5, -1.5, 2.0])
    y = x**5 - 2 * x**3
    for _ in range(order):
        (y,) = grad(y.sum(), x, create_graph=True)
    polynomial = np.polynomial.Polynomial([0, 0, 0, -2, 0, 1]).deriv(order)
    np.testing.assert_allclose(y.detach().numpy(), polynomial(x.detach().numpy()), rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.each(
    "name",
    ["exp", "log", "sqrt", "tanh", "sigmoid", "sin", "cos", "tan", "erf", "reciprocal", "log1p", "expm1", "rsqrt"],
)
def test_any_order_as_pytorch(name, order):
    def program(m):
        x = m.tensor([0.3, 0.9, 1.4], dtype=m.float64, requires_grad=True)
        y = getattr(m, name)(x * 1.1) * x
        results = []
        for _ in range(order):
            (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
            results.append(y)
        return results

    agree(program, rtol=1e-9)


def test_mixed_partial_derivatives():
    x, y = leaf([2.0]), leaf([3.0])
    z = (x**3 * y**2).sum()
    (zx,) = grad(z, x, create_graph=True)
    (zxy,) = grad(zx.sum(), y, create_graph=True)
    (zxyx,) = grad(zxy.sum(), x, create_graph=True)
    (zxyxy,) = grad(zxyx.sum(), y)
    assert [zx.item(), zxy.item(), zxyx.item(), zxyxy.item()] == [3 * 4 * 9, 6 * 4 * 3, 12 * 2 * 3, 12 * 2]


@pytest.mark.parametrize("shared", [False, True])
def test_fused_operation_with_dependent_arguments(shared):
    """With create_graph the gradient goes through the plain twin: it must stay a partial derivative."""
    x = tg.tensor(np.random.default_rng(0).standard_normal((6, 3)), requires_grad=True)
    w = leaf([1.0, 2.0, 3.0])

    def loss():
        b = w if shared else x.mean(0)  # one tensor as two arguments, or an argument that depends on another
        return (tg.nn.functional.batch_norm(x, None, None, w, b, True) ** 3).sum()

    plain = grad(loss(), [x, w])
    recorded = grad(loss(), [x, w], create_graph=True)
    for a, b in zip(plain, recorded):
        np.testing.assert_allclose(b.detach().numpy(), a.numpy(), rtol=1e-12)


def test_gradient_penalty_through_batch_norm():
    """A second forward moves the running statistics, on which no gradient depends."""

    def program(m):
        x = m.tensor(np.random.default_rng(0).standard_normal((6, 3)), requires_grad=True)
        w = m.tensor([1.0, 2.0, 3.0], dtype=m.float64, requires_grad=True)
        mean, var = m.zeros(3, dtype=m.float64), m.ones(3, dtype=m.float64)

        def critic(x):
            return m.tanh(m.nn.functional.batch_norm(x, mean, var, w, None, True))

        real, fake = critic(x), critic(x.detach() * 2)
        (g,) = m.autograd.grad(real.sum(), x, create_graph=True)
        ((g * g).sum() + fake.sum()).backward()
        return g, x.grad, w.grad, mean, var

    agree(program)


def test_a_twin_that_takes_fewer_arguments_takes_them_by_name():
    def scaled(x, scratch, factor):
        scratch += 1.0
        return x**3 * factor, x * x * factor

    op = differentiable(
        scaled, aux=("square",), twin=lambda x, factor: x**3 * factor, x=lambda g, square: 3 * g * square, name="scaled"
    )
    x = leaf([1.0, 2.0])
    scratch = np.zeros(1)
    (g,) = grad(op(x, scratch, 2.0).sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x)
    assert (g.tolist(), h.tolist(), scratch[0]) == ([6.0, 24.0], [12.0, 24.0], 1.0)
    wrong = differentiable(scaled, aux=("square",), twin=lambda y: y, x=lambda g, square: g * square, name="wrong")
    with pytest.raises(TypeError, match="wrong: the twin must take"):
        wrong(x, scratch, 2.0)


# --- memory of gradients --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", [lambda x: x, lambda x: x.reshape(3), lambda x: x.clone(), lambda x: x[:]])
def test_gradients_of_a_sum_are_apart(through):
    x, y = leaf([1.0, 2.0, 3.0]), leaf([4.0, 5.0, 6.0])
    v = tg.tensor([1.0, 1.0, 1.0], dtype=tg.float64)
    (through(x) + through(y)).backward(v)
    assert not any(shares(a, b) for a, b in [(x.grad, y.grad), (x.grad, v), (y.grad, v)])
    x.grad.mul_(0)
    assert y.grad.tolist() == v.tolist() == [1.0, 1.0, 1.0]
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    assert y.grad.tolist() == v.tolist() == [1.0, 1.0, 1.0]


def test_what_grad_returns_is_apart():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    v = tg.ones(2, dtype=tg.float64)
    h, k = x * 1, y * 1
    z = h + k
    results = (*grad(z, [h, k, z, x, h], v, retain_graph=True), *grad(x, x, v))
    for i, a in enumerate(results):
        assert a.tolist() == [1.0, 1.0]
        assert not shares(a, v)
        assert not any(shares(a, b) for b in results[:i])


def test_the_vector_is_only_read():
    x = leaf([1.0, 2.0])
    v = np.array([3.0, 5.0])
    v.flags.writeable = False
    (x + 0).backward(tg.from_numpy(v))
    x.backward(v)
    x.backward(tg.from_numpy(v))
    assert x.grad.tolist() == [9.0, 15.0]
    assert v.tolist() == [3.0, 5.0]


def test_retained_gradient_is_apart():
    x = leaf([1.0, 2.0])
    h = x * 1
    h.retain_grad()
    k = h + 0
    k.retain_grad()
    v = tg.ones(2, dtype=tg.float64)
    k.backward(v)
    assert not any(shares(a, b) for a, b in [(h.grad, k.grad), (h.grad, v), (k.grad, v), (h.grad, x.grad)])


def test_an_expanded_gradient_is_added_to_out_of_place():
    x = leaf([1.0, 1.0, 1.0])
    x.grad = tg.tensor(1.0, dtype=tg.float64).expand(3)
    (x * tg.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [2.0, 3.0, 4.0]


def test_a_gradient_that_is_part_of_a_buffer_is_added_to_in_place():
    buffer = tg.zeros(4, dtype=tg.float64)
    x = leaf([1.0, 1.0])
    x.grad = buffer[1:3]
    (x * 3).sum().backward()
    assert buffer.tolist() == [0.0, 3.0, 3.0, 0.0]


def test_a_gradient_that_a_graph_needs_is_protected():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    y = leaf([1.0, 1.0])
    z = (y * x.grad).sum()
    x.sum().backward()  # accumulates into what z has saved
    with pytest.raises(RuntimeError, match="gradient accumulation at .* has overwritten it"):
        z.backward()


# --- failure leaves things as they were -----------------------------------------------------------------------------


def test_nothing_is_accumulated_when_a_pass_fails():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    x.grad = tg.ones(2, dtype=tg.float64)
    h = x * 2
    h.retain_grad()

    def fail(g):
        raise KeyError("stop")

    handle = x.register_hook(fail)  # x is older than y, so y's gradient is there already
    with pytest.raises(KeyError, match="stop"):
        (h * y).sum().backward(retain_graph=True)
    assert x.grad.tolist() == [1.0, 1.0]
    assert y.grad is None
    assert h.grad is None
    assert tg.is_grad_enabled()
    handle.remove()
    (x * y).sum().backward()
    assert x.grad.tolist() == [4.0, 5.0]


def test_a_stale_value_stops_the_pass_before_anything_is_accumulated():
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    h = x * 1
    z = (h * y).sum() + (y * 2).sum()
    h.detach().add_(1.0)
    with pytest.raises(RuntimeError, match="mul at .* needs its 'x', but add_ at"):
        z.backward()
    assert x.grad is None
    assert y.grad is None


# --- hooks ----------------------------------------------------------------------------------------------------------


def test_a_hook_may_change_its_dtype_but_the_gradient_does_not():
    x = leaf([1.0, 2.0], tg.float32)
    x.register_hook(lambda g: g.double() * 2)
    x.sum().backward()
    assert x.grad.dtype == tg.float32
    assert x.grad.tolist() == [2.0, 2.0]


def test_hooks_do_not_record():
    x = leaf([1.0])
    modes = []
    x.register_hook(lambda g: modes.append((tg.is_grad_enabled(), g.requires_grad)))
    x.sum().backward()
    (x * x).sum().backward(create_graph=True)
    assert modes == [(False, False), (True, True)]


def test_a_handle_is_a_context():
    x = leaf([1.0])
    with x.register_hook(lambda g: g * 7):
        x.sum().backward()
    x.sum().backward()
    assert x.grad.item() == 8.0


def test_a_backward_within_a_hook():
    x, y = leaf([2.0]), leaf([3.0])
    x.register_hook(lambda g: tg.enable_grad()(lambda: (y * y).sum().backward())())
    (x * x).sum().backward()
    assert (x.grad.item(), y.grad.item()) == (4.0, 6.0)
    assert tg.is_grad_enabled()


# --- the graph as seen from outside ---------------------------------------------------------------------------------


def test_grad_fn_names_the_operation():
    x = leaf([1.0])
    assert x.grad_fn is None
    y = (x * 2).exp()
    assert repr(y.grad_fn) == "<ExpBackward0>"
    assert y.grad_fn.name() == "ExpBackward0"
    ((mul, index),) = y.grad_fn.next_functions
    assert (mul.name(), index) == ("MulBackward0", 0)
    assert mul.next_functions[0][0].name() == "AccumulateGrad"
    y.backward()
    assert repr(y.grad_fn) == "<ExpBackward0>"


def test_a_pass_frees_what_was_saved():
    import weakref

    x = leaf(np.ones(10))
    h = x.exp()
    saved = weakref.ref(h._data)
    z = h.sum()
    del h
    assert saved() is not None
    z.backward(retain_graph=True)
    assert saved() is not None
    z.backward()
    assert saved() is None


# --- messages -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: (x * 2).backward(), RuntimeError, r"backward: .* only for scalar outputs, got shape \(2,\)"),
        (lambda x: x.detach().backward(), RuntimeError, "backward: element 0 of tensors does not require grad"),
        (lambda x: (x * 2).backward(tg.ones(3)), RuntimeError, r"must have the output's shape \(2,\), got \(3,\)"),
        (lambda x: x.sum().backward("a"), TypeError, "backward: gradient must be a Tensor, got 'a'"),
        (lambda x: x.sum().backward(object()), TypeError, "backward: gradient must be a Tensor, got object"),
        (lambda x: x.sum().backward(inputs=[]), RuntimeError, "backward: inputs must hold at least one Tensor"),
        (lambda x: x.sum().backward(inputs=["x"]), TypeError, "backward: inputs must be Tensors, got str"),
        (lambda x: grad(x.sum(), []), RuntimeError, "grad: inputs must hold at least one Tensor"),
        (lambda x: grad("x", x), TypeError, "grad: outputs must be Tensors, got str"),
        (lambda x: grad(x.sum(), [x, "x"]), TypeError, "grad: inputs must be Tensors, got str"),
        (lambda x: grad(x.sum(), tg.ones(2)), RuntimeError, "grad: one of the inputs does not require grad"),
        (lambda x: grad(x.sum(), leaf([1.0])), RuntimeError, "grad: input 0 was not used in the graph"),
        (lambda x: grad([x.sum()], x, [None, None]), RuntimeError, "grad: got 1 outputs but 2 grad_outputs"),
        (lambda x: tg.autograd.backward([x.sum()], [None, None]), RuntimeError, "got 1 tensors but 2 gradients"),
        (lambda x: (x * 2).requires_grad_(False), RuntimeError, "only leaves can be changed; use detach"),
        (
            lambda x: tg.arange(3).requires_grad_(),
            RuntimeError,
            "only floating point tensors can require grad, got int64",
        ),
        (lambda x: setattr(x, "grad", 1.0), TypeError, "grad: must be a Tensor or None, got float"),
        (
            lambda x: setattr(x, "grad", tg.ones(3)),
            RuntimeError,
            r"grad: must have shape \(2,\) and dtype float64, got",
        ),
        (lambda x: x.detach().retain_grad(), RuntimeError, "retain_grad: the tensor does not require grad"),
        (lambda x: x.detach().register_hook(print), RuntimeError, "register_hook: the tensor does not require grad"),
        (lambda x: x[0].detach_(), RuntimeError, "detach_: cannot detach a view in place"),
        (lambda x: tg.mul([x], x), RuntimeError, r"numpy: Can't call numpy\(\) on Tensor that requires grad"),
    ],
)
def test_messages_and_an_unharmed_state(call, error, message):
    x = leaf([1.0, 2.0])
    with pytest.raises(error, match=message):
        call(x)
    assert tg.is_grad_enabled()
    assert x.grad is None
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_freed_graph_is_named():
    x = leaf([1.0])
    y = x.exp()
    y.backward()
    with pytest.raises(RuntimeError, match=r"through the graph a second time \(at exp\).*retain_graph=True"):
        y.backward()
    with pytest.raises(RuntimeError, match=r"through the graph a second time \(at exp\)"):
        grad((y * 2).sum(), x)


def test_a_freed_input_above_another_is_refused_rather_than_guessed():
    x = leaf([1.0])
    h = x.exp()
    h.backward()
    with pytest.raises(RuntimeError, match="through the graph a second time"):
        grad((h * 2).sum(), [h, x], allow_unused=True)


def test_a_rule_for_one_tensor_that_is_given_a_list():
    x = leaf([1.0, 2.0])
    with pytest.raises(TypeError, match="stack"):
        _list_sum([x, x]).backward()


@differentiable(a=lambda g, a_shape: np.broadcast_to(g, a_shape[0]))
def _list_sum(a):
    return np.sum(a)


def test_signatures_are_pytorchs():
    assert list(inspect.signature(tg.Tensor.backward).parameters) == [
        "self", "gradient", "retain_graph", "create_graph", "inputs",
    ]  # fmt: skip
    assert list(inspect.signature(grad).parameters) == [
        "outputs", "inputs", "grad_outputs", "retain_graph", "create_graph", "only_inputs", "allow_unused",
        "is_grads_batched", "materialize_grads",
    ]  # fmt: skip


# --- a leaf owns its gradient ---------------------------------------------------------------------------------------


def test_gradients_that_come_as_views_of_one_array_do_not_share_memory():
    x, y = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([1.0, 2.0, 3.0, 4.0])
    (x.reshape(4) + y).backward(v := tg.ones(4, dtype=tg.float64))
    assert not any(shares(a, b) for a, b in [(x.grad, y.grad), (x.grad, v), (y.grad, v)])
    z = leaf([1.0, 2.0, 3.0])
    z.expand(2, 3).sum().backward()
    z.grad[0] = 7.0
    assert z.grad.tolist() == [7.0, 2.0, 2.0]
    whole = leaf(np.ones((2, 3)))
    whole.sum().backward()
    whole.grad[0, 0] = 5.0
    assert whole.grad.tolist() == [[5.0, 1.0, 1.0], [1.0, 1.0, 1.0]]


def test_a_gradient_that_a_hook_keeps_a_view_of_is_not_taken_over():
    kept = []
    x = leaf([[1.0, 2.0]])
    flat = x.reshape(2)
    flat.register_hook(lambda g: kept.append(g.reshape(2, 1)))
    (flat * 3).backward(tg.ones(2, dtype=tg.float64))
    assert not shares(kept[0], x.grad)


def test_a_reshaped_gradient_is_taken_over_without_a_copy():
    fresh = []

    @differentiable(a=lambda g: fresh.append((g * 2).reshape(2, 3)) or fresh.pop())
    def doubled(a):
        return a.reshape(6) * 2

    x = leaf(np.ones((2, 3)))
    doubled(x).backward(tg.ones(6, dtype=tg.float64))
    assert x.grad.numpy().base is not None
    assert x.grad.numpy().base.shape == (6,)


@pytest.mark.parametrize("function", [lambda x: x * 2, lambda x: x.reshape(2) * 2, lambda x: x.exp(), lambda x: x])
def test_a_gradient_that_a_hook_keeps_stays_what_it_was(function):
    kept = []
    x = leaf([[0.0, 1.0]])
    x.register_hook(kept.append)
    function(x).sum().backward()
    before = kept[0].tolist()
    function(x).sum().backward()
    assert kept[0].tolist() == kept[1].tolist() == before
    assert x.grad.tolist() == [[2 * v for v in row] for row in before]


@pytest.mark.parametrize(("answer", "error"), [(5, TypeError), ("a", TypeError), (tg.ones(2), RuntimeError)])
def test_what_a_hook_must_not_return(answer, error):
    x = tg.ones(3, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: answer)
    with pytest.raises(error, match=r"must return None or a Tensor of shape \(3,\)"):
        y.sum().backward()
    assert x.grad is None


def test_zeros_for_unused_inputs_and_their_refusal_exclude_each_other():
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="grad: materialize_grads gives zeros"):
        tg.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)
