"""Views and in-place writes: never a silently wrong gradient."""

from __future__ import annotations

import gc
import itertools
import re
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from makers import leaf
from memory_programs import Machine, Reference, programs
from oracle import Programs, agree, same

import tinygrad_lite as tg
from tinygrad_lite import graph

grad = tg.autograd.grad


def line() -> int:
    """The number of the line that calls this."""
    return sys._getframe(1).f_lineno


# --- random programs ------------------------------------------------------------------------------------------------

# What this library refuses though PyTorch may give a value, as documented in `views.begin`: a write to a part of an
# expanded tensor, even if the places of that part are apart.
DOCUMENTED = "read-only|is expanded"


def run(machine, program):
    try:
        return machine.run(program)
    except RuntimeError as error:
        return error


@settings(max_examples=250, deadline=None, derandomize=True)
@given(programs)
def test_random_programs_mean_what_they_say(program):
    """Either refused, or equal to the same program without views and without writing."""
    ours = run(Machine(tg), program)
    if not isinstance(ours, RuntimeError):
        values, _, gradients = Reference(tg).run(program)
        same(list(ours[0]), list(values), "values", 1e-9)
        same(list(ours[2]), list(gradients), "gradients", 1e-9)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(programs)
def test_random_programs_as_pytorch(program):
    """Where PyTorch gives a result, the same; where it refuses, refused or equal to the reference (the test above)."""
    torch = pytest.importorskip("torch")
    theirs = run(Machine(torch), program)
    if isinstance(theirs, RuntimeError):
        return
    ours = run(Machine(tg), program)
    if isinstance(ours, RuntimeError):
        assert re.search(DOCUMENTED, str(ours)), ours
        return
    try:
        same([list(part) for part in ours], [list(part) for part in theirs], "outcome", 1e-9)
    except AssertionError:
        reference = Reference(tg)
        reference.run(program)
        assert reference.overlaps, "PyTorch differs though nothing it leaves undefined has happened"


# --- every in-place method ------------------------------------------------------------------------------------------

ARGUMENTS = {
    "add": (2.0,), "sub": (2.0,), "mul": (2.0,), "div": (2.0,), "pow": (3,), "remainder": (0.3,), "fmod": (0.3,),
    "clamp": (0.2, 0.7), "clip": (0.2, 0.7), "masked_fill": (np.array([True, False, True, False]), 5.0),
    "requires_grad": None, "detach": None, "bernoulli": None, "uniform": None, "normal": None,
    "copy": None, "fill": None, "zero": None,
    **dict.fromkeys(
        "subtract multiply divide true_divide floor_divide xlogy copysign float_power clamp_min clamp_max".split(),
        (2.0,),
    ),
    **dict.fromkeys("atan2 arctan2 hypot heaviside ldexp nextafter".split(), (np.array(2.0, np.float64),)),
    "lerp": (2.0, 0.3), **dict.fromkeys(("addcmul", "addcdiv"), (np.array(2.0), np.array(3.0))),
    "mvlgamma": (1,), "polygamma": (1,), "cumsum": (0,), "cumprod": (0,),
    **dict.fromkeys(  # tests/tables/ops/ops_rows_pointwise.py and ops_rows_reduce.py have these
        "acosh arccosh gcd lcm renorm eq ne lt le gt ge not_equal less less_equal greater greater_equal logical_and "
        "logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift "
        "bitwise_right_shift".split()
    ),
    **dict.fromkeys("addmm addmv addr addbmm baddbmm".split()),  # tests/tables/ops/ops_rows_linalg.py has these
    **dict.fromkeys("apply map map2 igamma igammac".split()),  # tests/ops/test_special.py
    **dict.fromkeys("squeeze unsqueeze t transpose swapaxes swapdims".split()),  # tests/kernels/test_turn.py
    **dict.fromkeys("resize resize_as share_memory".split()),  # tensors/test_memory_order.py, torch_idioms.py
    **dict.fromkeys(  # tests/ops/test_shape_index.py and tests/ops/test_random.py have these
        "index_add index_copy index_fill index_put index_reduce put masked_scatter scatter scatter_add scatter_reduce "
        "fill_diagonal set as_strided cauchy exponential geometric log_normal random".split()
    ),
}  # fmt: skip
METHODS = sorted(
    name for name in dir(tg.Tensor) if name.endswith("_") and not name.startswith("_")
    and ARGUMENTS.get(name[:-1], ()) is not None
)  # fmt: skip


RANDOM = ("zero_", "uniform_", "normal_")


def arguments(name):
    return tuple(tg.tensor(a) if isinstance(a, np.ndarray) else a for a in ARGUMENTS.get(name[:-1], ()))


@pytest.mark.each("name", METHODS)
def test_in_place_is_out_of_place_in_the_same_memory(name):
    shape = (2, 2) if name in ("tril_", "triu_") else (4,)
    values = np.array([0.1, 0.35, 0.6, 0.85]).reshape(shape)
    weights = np.array([1.0, -2.0, 3.0, 0.5]).reshape(shape)
    x, y = leaf(values), leaf(values)
    expected = getattr(x * 1.0, name[:-1])(*arguments(name))
    h = y * 1.0
    memory = h.detach().numpy()
    view = h.view(*shape)
    result = getattr(h, name)(*arguments(name))
    assert result is h
    np.testing.assert_array_equal(memory, expected.detach().numpy())
    assert np.shares_memory(memory, h.detach().numpy())
    (expected * weights).sum().backward()
    (view * weights).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), x.grad.numpy())


@pytest.mark.each("name", [*METHODS, "zero_", "fill_", "copy_", "uniform_", "normal_"])
def test_in_place_on_a_leaf_is_refused_and_changes_nothing(name):
    x = leaf(np.full((2, 2), 0.3))
    own = {"masked_fill_": (tg.ones(2, 2) > 0, 1.0), "fill_": (1.0,), "copy_": (1.0,), **dict.fromkeys(RANDOM, ())}
    args = own[name] if name in own else arguments(name)
    for target in (x, x.view(4).view(2, 2)):
        with pytest.raises(RuntimeError, match=f"{name}: a (view of a )?leaf Tensor that requires grad"):
            getattr(target, name)(*args)
    assert x.tolist() == [[0.3, 0.3], [0.3, 0.3]]
    with tg.no_grad():
        getattr(x, name)(*args)
    assert x.requires_grad
    assert x.is_leaf


# --- the same program in both libraries -----------------------------------------------------------------------------

same_in_both = Programs()


def start(m, n=6):
    x = m.tensor([0.5, -1.5, 2.0, 0.25, -0.75, 1.25][:n], dtype=m.float64, requires_grad=True)
    return x, x * 1.0


def finish(m, x, *tensors):
    sum((t * m.arange(1.0, t.numel() + 1, dtype=m.float64).reshape(t.shape)).sum() for t in tensors).backward()
    return [t.detach() for t in tensors], x.grad, [t.requires_grad for t in tensors]


@same_in_both
def base_written_view_read(m):
    x, h = start(m)
    v = h.view(2, 3)[:, 1:]
    h.mul_(x)
    return finish(m, x, h, v)


@same_in_both
def view_of_a_view_written_all_read(m):
    x, h = start(m)
    v = h.view(2, 3)
    w = v.t()[1]
    w.mul_(x[:2])
    return finish(m, x, h, v, w)


@same_in_both
def a_constant_becomes_differentiable_through_its_view(m):
    x, _ = start(m)
    buffer = m.zeros(8, dtype=m.float64)
    v = buffer[1:7]
    w = buffer[4:]
    leafs = buffer.is_leaf, v.is_leaf
    v.copy_(x)
    return leafs, buffer.is_leaf, v.is_leaf, finish(m, x, buffer, v, w, w.sum().reshape(1))


@same_in_both
def a_constant_becomes_differentiable_and_its_view_follows(m):
    x, _ = start(m)
    buffer = m.zeros(6, dtype=m.float64)
    v = buffer[:3]
    buffer += x
    return v.requires_grad, v.is_leaf, finish(m, x, m.sum(v).reshape(1), m.cat([v, v]), v.reshape(3, 1))


@same_in_both
def filling_a_buffer_row_by_row(m):
    x, _ = start(m)
    out = m.empty(4, 6, dtype=m.float64)
    for i in range(4):
        out[i] = x * (i + 1)
    return finish(m, x, out)


@same_in_both
def a_recurrence_in_one_buffer(m):
    x, _ = start(m)
    out = m.zeros(6, dtype=m.float64)
    for i in range(1, 6):
        out[i] = out[i - 1].clone() * 0.5 + x[i]
    return finish(m, x, out)


@same_in_both
def one_element_is_a_view_too(m):
    x, h = start(m)
    v = h[2]
    v.mul_(x[0])
    w = h.view(2, 3)[1, 2]
    w.add_(5.0)
    return finish(m, x, h, v.reshape(1), w.reshape(1))


@same_in_both
def iteration_gives_views(m):
    x, h = start(m)
    for v in h.view(3, 2)[:2]:
        v.detach().add_(1.0)
    return h


@same_in_both
def augmented_assignment_to_an_item(m):
    x, h = start(m)
    h[1] += x[0]
    h[2:4] *= x[4:]
    h.view(2, 3)[0, 1:] -= 1.0
    return finish(m, x, h)


@same_in_both
def swapping_parts(m):
    x, h = start(m)
    h[:3], h[3:] = h[3:].clone(), h[:3].clone()
    return finish(m, x, h)


@same_in_both
def zero_keeps_requiring(m):
    x, h = start(m)
    h.zero_()
    return finish(m, x, h)


@same_in_both
def fill_and_copy_erase_the_old(m):
    x, h = start(m)
    y = m.tensor(2.0, dtype=m.float64, requires_grad=True)
    h[:2].fill_(3.0)
    h[2:4].copy_(y * m.ones(2, dtype=m.float64))
    h[4:].copy_(y)
    return finish(m, x, h), y.grad


@same_in_both
def copy_casts_both_ways(m):
    x = m.tensor([1.0, 2.0], dtype=m.float32, requires_grad=True)
    h = m.zeros(2, dtype=m.float64)
    h.copy_(x)
    k = m.zeros(2, dtype=m.float32)
    k.copy_(h * 2)
    (h.sum() + k.sum().double()).backward()
    return h.detach(), k.detach(), x.grad


@same_in_both
def keyword_arguments_carry_gradients(m):
    x, _ = start(m)
    buffer = m.zeros(6, dtype=m.float64)
    buffer.add_(other=x, alpha=2)
    return finish(m, x, buffer)


@same_in_both
def limits_carry_gradients(m):
    x, _ = start(m)
    buffer = m.zeros(6, dtype=m.float64)
    buffer.clamp_(min=x)
    return finish(m, x, buffer)


@same_in_both
def detached_memory_is_the_same_memory(m):
    x, h = start(m)
    d = h.detach()
    k = h * 2
    d.add_(1.0)
    return finish(m, x, h, k)


@same_in_both
def no_grad_writes_leave_history(m):
    x, h = start(m)
    with m.no_grad():
        h.mul_(3.0)
        h[0] = 7.0
    return finish(m, x, h)


@same_in_both
def a_leaf_under_no_grad(m):
    x, _ = start(m)
    with m.no_grad():
        x.sub_(0.5)
        x[1] = 3.0
        x[2:].zero_()
    return finish(m, x, x * x)


@same_in_both
def a_view_keeps_its_history_when_its_base_stops(m):
    x = m.ones(4, dtype=m.float64, requires_grad=True)
    v = x[:2]
    x.requires_grad_(False)
    return v.requires_grad, x.requires_grad


@same_in_both
def a_view_made_under_no_grad_is_not_written_to(m):
    x, h = start(m)
    with m.no_grad():
        v = h[:2]
    v.mul_(2.0)


@same_in_both
def a_view_of_a_leaf_made_under_no_grad_is_not_written_to(m):
    x, _ = start(m)
    with m.no_grad():
        v = x[:2]
    v.fill_(2.0)


@same_in_both
def a_view_made_under_no_grad_is_not_read_after_its_base_changed(m):
    x, h = start(m)
    with m.no_grad():
        v = h[:2]
    h.mul_(2.0)
    return (v * 1).requires_grad


@same_in_both
def a_view_of_a_leaf_made_before_is_not_written_to(m):
    x = m.ones(4, dtype=m.float64)
    v = x[:2]
    x.requires_grad_()
    v.add_(1.0)


@same_in_both
def an_expanded_tensor_is_not_written_to(m):
    x, h = start(m)
    h.expand(2, 6).mul_(2.0)


@same_in_both
def expanding_to_the_same_shape_is_a_view(m):
    x, h = start(m)
    h.expand(6).mul_(x)
    h.squeeze().mul_(x)
    h.reshape(6).mul_(2.0)
    h.view(-1).add_(1.0)
    h.contiguous().mul_(3.0)
    return finish(m, x, h)


@same_in_both
def a_whole_slice_is_a_view(m):
    x, h = start(m)
    h[:].mul_(x)
    h[...].mul_(x)
    h[None][0].add_(1.0)
    return finish(m, x, h)


@same_in_both
def advanced_indexing_copies(m):
    x, h = start(m)
    h[m.tensor([0, 1])].mul_(5.0)
    h[h > 0].zero_()
    h[[2, 3]].fill_(9.0)
    return finish(m, x, h)


@same_in_both
def a_mask_written_with_a_vector(m):
    x, h = start(m)
    mask = m.tensor([True, False, True, True, False, False])
    h[mask] = x[3:] * 2
    return finish(m, x, h)


@same_in_both
def indices_written_with_a_matrix(m):
    x, h = start(m)
    k = h.view(2, 3)
    k[:, m.tensor([2, 0])] = (x[:4] * 3).view(2, 2)
    return finish(m, x, h, k)


@same_in_both
def a_pair_of_indices(m):
    x, h = start(m)
    k = h.view(2, 3)
    k[m.tensor([0, 1]), m.tensor([2, 0])] = x[:2] * 3
    k[1, m.tensor([1, 2])] = x[0]
    return finish(m, x, h, k)


@same_in_both
def a_write_broadcasts(m):
    x, h = start(m)
    k = h.view(2, 3)
    k[:] = x[:3] * 2
    k[:, :1] = x[4:].view(2, 1)
    k[0, 1:] = x[5]
    return finish(m, x, h)


@same_in_both
def an_empty_write(m):
    x, h = start(m)
    h[6:] = x[:0]
    h[h > 100] = 3.0
    return finish(m, x, h)


@same_in_both
def higher_order_through_writes(m):
    x, h = start(m)
    v = h.view(2, 3)[1]
    v.mul_(x[:3])
    h[0] = x[5] * x[5]
    (g,) = m.autograd.grad((h**3).sum(), x, create_graph=True)
    (k,) = m.autograd.grad((g * g).sum(), x, create_graph=True)
    return g, k, *m.autograd.grad(k.sum(), x)


@same_in_both
def an_integer_tensor(m):
    x = m.arange(6)
    v = x[::2]
    v += 10
    x[1] = 7.9
    return x, v


@same_in_both
def a_float_result_does_not_fit_integers(m):
    m.arange(3).add_(0.5)


@same_in_both
def a_result_of_another_shape_does_not_fit(m):
    m.zeros(3).add_(m.zeros(2, 3))


@same_in_both
def a_saved_value_overwritten(m):
    x, h = start(m)
    y = h.exp()
    y.add_(1.0)
    y.sum().backward()


@same_in_both
def a_saved_value_overwritten_through_a_view(m):
    x, h = start(m)
    y = h.sin()
    h.view(2, 3)[0, 0] = 1.0
    y.sum().backward()


@same_in_both
def a_saved_value_overwritten_through_detach(m):
    x, h = start(m)
    y = h * h
    h.detach().zero_()
    y.sum().backward()


@same_in_both
def a_saved_value_overwritten_under_no_grad(m):
    x, _ = start(m)
    y = x * x
    with m.no_grad():
        x.sub_(1.0)
    y.sum().backward()


@same_in_both
def a_saved_index_overwritten(m):
    x, _ = start(m)
    index = m.tensor([0, 1])
    y = x[index]
    index.add_(1)
    y.sum().backward()


@same_in_both
def an_unneeded_value_overwritten(m):
    x, h = start(m)
    y = h + 1.0
    k = h * 3.0
    h.zero_()
    y.mul_(2.0)
    return finish(m, x, y, k)


@same_in_both
def overwritten_before_it_was_saved(m):
    x, h = start(m)
    h.add_(1.0)
    y = h * h
    return finish(m, x, y)


CUTS = {
    "chunk": lambda x: x.chunk(2), "split": lambda x: x.split(3), "sizes": lambda x: x.split([2, 4]),
    "split_with_sizes": lambda x: x.split_with_sizes([2, 4]), "unbind": lambda x: x.unbind(), "iter": tuple,
    "tensor_split": lambda x: x.tensor_split(2), "hsplit": lambda x: x.hsplit(2),
}  # fmt: skip
WRITES_TO_PARTS = {
    "a part": lambda m, h, parts, x: parts[0].mul_(2.0),
    "by what requires grad": lambda m, h, parts, x: parts[0].mul_(x[0]),
    "a view of a part": lambda m, h, parts, x: parts[0][...].mul_(2.0),
    "the base": lambda m, h, parts, x: (h.mul_(2.0), parts[1].mul(3.0))[1],
    "another part": lambda m, h, parts, x: (h[:1].mul_(2.0), parts[0].mul(3.0))[1],
    "nothing": lambda m, h, parts, x: parts[0].mul(2.0),
}


@pytest.mark.parametrize(("requires_grad", "quiet"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("what", WRITES_TO_PARTS)
@pytest.mark.each("name", CUTS)
def test_one_of_several_views_is_not_written_to(name, what, quiet, requires_grad):
    def program(m):
        x, h = start(m)
        base = h if requires_grad else h.detach()
        parts = CUTS[name](base)
        with m.set_grad_enabled(not quiet):
            out = WRITES_TO_PARTS[what](m, base, parts, x)
        if out.requires_grad:
            return out, base, *m.autograd.grad((out * 2).sum() + base.sum(), x)
        return out, base

    agree(program)


@same_in_both.parameters()
def test_as_pytorch(program):
    agree(program)


# --- what PyTorch refuses or leaves undefined, and this library gives -----------------------------------------------


@pytest.mark.parametrize("name", ["unsafe_chunk", "unsafe_split"])
def test_pieces_of_an_unsafe_split_may_be_written_to(name):
    x = leaf([1.0, 2.0, 3.0, 4.0])
    h = x * 1
    a, b = getattr(h, name)(2)
    a.mul_(10.0)
    b.mul_(a)
    assert h.tolist() == [10.0, 20.0, 30.0, 80.0]
    h.sum().backward()
    assert x.grad.tolist() == [40.0, 50.0, 10.0, 20.0]


@pytest.mark.parametrize("history", ["none", "quiet"])
@pytest.mark.parametrize("write", [
    lambda m, x: x.zero_(), lambda m, x: x.fill_(3), lambda m, x: m.nn.init.ones_(x), lambda m, x: x[:, :2].fill_(3),
    lambda m, x: x.fill_(m.tensor(3.0)), lambda m, x: x.copy_(m.ones(2, 3)), lambda m, x: x.add_(1),
])  # fmt: skip
def test_one_number_goes_to_all_places_of_an_expanded_tensor(write, history):
    def program(m):
        base = m.arange(3.0, requires_grad=history != "none") * 1
        with m.set_grad_enabled(history != "quiet"):
            write(m, base.expand(2, 3))
        return base

    agree(program)


def test_the_target_as_its_own_operand():
    x = leaf([1.0, 2.0])
    h = x * 1
    h.mul_(h)
    h.add_(h)
    h *= h
    h += np.asarray(h.detach())  # a constant, by whatever name of the memory
    assert h.tolist() == [8.0, 128.0]
    h.sum().backward()
    assert x.grad.tolist() == [16.0, 128.0]  # 4 x^4


def test_a_view_made_under_no_grad_is_a_constant():
    x = leaf([1.0, 2.0])
    h = x * 1
    with tg.no_grad():
        v = h[:1]
        v.mul_(3.0)
    assert not v.requires_grad
    (h * v).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_views_of_a_tensor_that_requires_grad_later():
    """PyTorch lets such a view claim that it requires grad, and loses the gradient."""
    x = tg.ones(4, dtype=tg.float64)
    v = x[:2]
    with tg.no_grad():
        w = x[2:]
    x.requires_grad_()
    assert v.requires_grad
    assert not w.requires_grad
    (v * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 0.0, 0.0]


def test_overlapping_operands():
    x = leaf([1.0, 2.0, 3.0, 4.0])
    h = x * 1
    h[1:].mul_(h[:-1])
    assert h.tolist() == [1.0, 2.0, 6.0, 12.0]
    h.sum().backward()
    assert x.grad.tolist() == [1 + 2, 1 + 3, 2 + 4, 3]


@pytest.mark.parametrize("how", ["copy_", "all of it", "part of it"])
@pytest.mark.parametrize("steps", [(1, 1), (2, 1), (1, 2), (3, 2), (4, 1)])
def test_writes_read_first_what_they_overwrite(steps, how):
    """NumPy's assignment of one dimension does not, where the strides differ."""
    for start, other, needs_grad in itertools.product(range(4), range(4), (False, True)):
        leaf = tg.tensor(np.arange(24.0), requires_grad=needs_grad)
        x = leaf * 1
        place, value = x[start :: steps[0]][:5], x[other :: steps[1]][:5]
        numbers = np.arange(24.0)
        numbers[start :: steps[0]][:5] = value.tolist()
        if how == "copy_":
            place.copy_(value)
        elif how == "all of it":
            place[...] = value
        else:
            x[start : start + 5 * steps[0] : steps[0]] = value
        assert x.tolist() == numbers.tolist()
        if needs_grad:
            x.sum().backward()
            np.testing.assert_array_equal(leaf.grad, np.bincount(numbers.astype(int), minlength=24))


def test_the_last_of_repeated_writes_counts():
    x = leaf([0.0, 0.0])
    v = leaf([1.0, 2.0, 3.0, 4.0])
    h = x * 1
    h[tg.tensor([0, 1, 0, 0])] = v * v
    assert h.tolist() == [16.0, 4.0]
    (h * tg.tensor([1.0, 10.0])).sum().backward()
    assert v.grad.tolist() == [0.0, 40.0, 0.0, 8.0]
    assert x.grad.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("turn", [lambda t: t.T, lambda t: t, lambda t: t[::-1].T.flip(0), lambda t: t * 1])
def test_gradients_of_any_layout(turn):
    """The gradient that reaches a written base may be laid out in another order than the base."""
    x = leaf(np.arange(6.0).reshape(2, 3))
    base = (x * 1.0).T if turn(x).shape == (2, 3) else x * 1.0  # both C and Fortran order
    base = base.contiguous() if base.shape == (2, 3) else base
    flat = base.T.reshape(-1) if not base.is_contiguous() else base.reshape(-1)
    weights = tg.tensor(np.arange(1.0, 7.0), dtype=tg.float64)
    flat.mul_(weights)
    out = turn(base)
    coefficients = np.arange(6.0).reshape(out.shape)
    (out * coefficients).sum().backward()
    y = leaf(np.arange(6.0).reshape(2, 3))
    scaled = y * weights.reshape(2, 3) if not base.is_contiguous() else None
    if scaled is None:
        scaled = (y.T if base.shape == (3, 2) else y).reshape(-1)
        scaled = (scaled * weights).reshape(base.shape)
    else:
        scaled = scaled.T if base.shape == (3, 2) else scaled
    (turn(scaled) * coefficients).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy())


# --- messages -------------------------------------------------------------------------------------------------------


def fails(loss) -> str:
    with pytest.raises(RuntimeError, match="has overwritten it") as caught:
        loss.sum().backward()
    return str(caught.value)


def test_the_error_names_both_operations_with_their_lines():
    x = leaf([1.0, 2.0])
    y = x.exp(); needed = line()  # fmt: skip # noqa: E702
    y.add_(1.0); wrote = line()  # fmt: skip # noqa: E702
    assert fails(y) == (
        f"backward: exp at {__file__}:{needed} needs its result, "
        f"but add_ at {__file__}:{wrote} has overwritten it; clone() it before (one of the "
        "variables needed for gradient computation has been modified by an inplace operation)"
    )


def doubled(t):
    return t * t


def here(function) -> str:
    return f"{__file__}:{function.__code__.co_firstlineno + 1}"


WRITERS = {
    "setitem": lambda h: h.__setitem__(0, 3.0), "add_": lambda h: h.add_(1.0), "zero_": lambda h: h.zero_(),
    "fill_": lambda h: h.view(2, 1)[1].fill_(3.0), "copy_": lambda h: h.detach().copy_(tg.zeros(2)),
    "uniform_": lambda h: h.uniform_(), "__imul__": lambda h: h.__imul__(2.0),
    "out=": lambda h: np.add(np.ones(2), 1.0, out=h.detach()),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("mode", [tg.no_grad, tg.enable_grad])
def test_every_writer_is_named(name, mode):
    x = leaf([1.0, 2.0])
    h = x * 1.0
    y = doubled(h)
    with mode():
        WRITERS[name](h)
    message = fails(y)
    assert f"mul at {here(doubled)} needs its 'y', but {name} at {__file__}:" in message
    assert f":{WRITERS[name].__code__.co_firstlineno} has" in message


NEEDERS = {
    "matmul": lambda h: h @ h, "matmul ": lambda h: np.matmul(h, h), "div": lambda h: 1.0 / h,
    "sin": lambda h: np.sin(h),
    "prod": lambda h: h.prod(), "var": lambda h: h.var(), "cross_entropy": lambda h: tg.cross_entropy(h, tg.tensor(1)),
    "softmax": lambda h: h.softmax(0), "linear": lambda h: tg.linear(h, h[None]),
    "einsum": lambda h: tg.einsum("i,i", h, h),
    "maximum": lambda h: np.maximum(h, 1.5), "getitem": lambda h: h[np.array([0, 1])],
    "where": lambda h: tg.where(h > 1, h, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", NEEDERS)
def test_every_reader_is_named_or_keeps_nothing(name):
    x = leaf([1.0, 2.0])
    h = x * 1.0
    y = NEEDERS[name](h)
    (expected,) = grad(y.sum(), x, retain_graph=True)
    (y if name == "softmax" else h).detach().mul_(3.0)
    if name in ("getitem", "where", "cross_entropy"):
        y.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), expected.numpy())
    else:
        assert f"{name.strip()} at {__file__}:{NEEDERS[name].__code__.co_firstlineno} needs" in fails(y)


def test_the_line_is_the_users_even_inside_numpy_and_layers():
    from tinygrad_lite import nn

    layer = nn.Linear(2, 2)
    x = leaf([[1.0, 2.0]], tg.float32)
    y = layer(x); needed = line()  # fmt: skip # noqa: E702
    with tg.no_grad():
        layer.weight.add_(1.0); wrote = line()  # fmt: skip # noqa: E702
    message = fails(y)
    assert f"linear at {__file__}:{needed} needs its 'weight'" in message
    assert f"add_ at {__file__}:{wrote} " in message


def test_a_statement_over_several_lines():
    x = leaf([1.0, 2.0])
    first = line() + 1
    y = (x
         .exp()
         .exp())  # fmt: skip
    y.detach().zero_()
    assert f"exp at {__file__}:{first + 2} needs its result" in fails(y)


def test_the_last_writer_is_named():
    x = leaf([1.0])
    y = x.exp()
    y.detach().mul_(2.0)
    y.detach().add_(2.0)
    assert "but add_ at" in fails(y)


def test_stale_values_stop_higher_orders_too():
    x = leaf([1.0, 2.0])
    h = x * 1.0
    (g,) = grad((h * h * h).sum(), x, create_graph=True)
    h.detach().zero_()
    with pytest.raises(RuntimeError, match="mul at .* but zero_ at"):
        grad(g.sum(), x)


def test_writes_of_another_thread_are_seen():
    x = leaf([1.0, 2.0])
    h = x * 1.0
    y = h * h
    thread = threading.Thread(target=lambda: h.detach().add_(1.0))
    thread.start()
    thread.join()
    assert "but add_ at" in fails(y)


def test_writes_announced_by_users_of_the_array():
    x = leaf([1.0, 2.0])
    h = x * 1.0
    y = h * h
    array = h.detach().numpy()
    array += 1.0
    tg.autograd.written(array[:1], "my kernel"); wrote = line()  # fmt: skip # noqa: E702
    assert f"but my kernel at {__file__}:{wrote} has overwritten it" in fails(y)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda h: h.add_(tg.zeros(2, 2)), r"add_: the result's shape \(2, 2\) must be that of the tensor, \(2,\)"),
        (lambda h: h.long().add_(0.5), "add_: a result of dtype float32 cannot be written to a tensor of int64"),
        (lambda h: h.expand(3, 2).neg_(), r"neg_: the tensor is expanded, several of its elements .* clone\(\)"),
        (lambda h: h.expand(3, 2)[0].zero_(), "zero_: the tensor's memory is read-only, as a part of an expanded"),
        (lambda h: h.expand(3, 2).__setitem__(0, 1.0), "setitem: the tensor is expanded"),
        (lambda h: h.__setitem__(0, [h, h]), "setitem: a list must hold no Tensor that requires grad; stack"),
        (lambda h: h.__setitem__(5, 1.0), "index 5 is out of bounds for (axis|dimension) 0 with size 2"),
        (lambda h: h.__setitem__(slice(None), tg.zeros(3)), r"could not broadcast.*\(3,\).*\(2,\)"),
        (lambda h: h.__setitem__(0, "a"), "values must be numbers, Tensors or arrays, got 'a'"),
        (lambda h: h.__setitem__("a", 1.0), "only integers, slices"),
        (lambda h: h.__setitem__(tg.ones(2), 1.0), "must be integers or booleans, got float32"),
        (lambda h: h.add_("a"), "add: operands must be Tensors, arrays or numbers, got str"),
        (lambda h: h.add_(None), "add: operands must be Tensors, arrays or numbers, got NoneType"),
        (lambda h: h.copy_("a"), "values must be numbers, Tensors or arrays, got 'a'|numbers"),
        (lambda h: h.copy_(tg.zeros(3)), r"\(3,\).*\(2,\)"),
    ],
)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_refused_writes_change_nothing(write, message, requires_grad):
    x = leaf([1.0, 2.0])
    h = x * 1.0 if requires_grad else x.detach().clone()
    if not requires_grad and "a list must" in message:
        return
    before = graph.last_write.clock
    node = h._node
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError), match=message):
        write(h)
    assert h.tolist() == [1.0, 2.0]
    assert h._node is node
    assert graph.last_write.clock == before
    assert tg.is_grad_enabled()


def test_read_only_memory_is_respected():
    array = np.zeros(3)
    array.flags.writeable = False
    t = tg.from_numpy(array)
    for write in (lambda: t.add_(1.0), lambda: t.__setitem__(0, 1.0), lambda: t[1:].zero_()):
        with pytest.raises(RuntimeError, match="memory is read-only"):
            write()
    assert not array.any()


# --- odd ends -------------------------------------------------------------------------------------------------------


def test_replacing_data_parts_views_from_their_base():
    x = leaf([1.0, 2.0, 3.0])
    h = x * 1.0
    v = h[:2]
    h.data = tg.zeros(3, dtype=tg.float64)
    v.mul_(5.0)  # the old memory
    h.mul_(2.0)  # the new
    assert v.tolist() == [5.0, 10.0]
    assert h.tolist() == [0.0, 0.0, 0.0]
    v.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0, 0.0]


def test_a_view_whose_own_data_is_replaced():
    x = leaf([1.0, 2.0, 3.0])
    h = x * 1.0
    v = h[:2]
    v.data = tg.tensor([7.0, 8.0], dtype=tg.float64)
    v.mul_(2.0)
    assert h.tolist() == [1.0, 2.0, 3.0]
    v.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 0.0]


def test_real_part_is_a_view():
    x = leaf([1.0, 2.0])
    h = x * 1.0
    np.real(h).mul_(3.0)
    h.sum().backward()
    assert h.tolist() == [3.0, 6.0]
    assert x.grad.tolist() == [3.0, 3.0]


ONE_NUMBER = {
    "x[()]": lambda x: x[()], "x[...]": lambda x: x[...], "x[None]": lambda x: x[None], "view": lambda x: x.view(()),
    "reshape": lambda x: x.reshape(()), "view_as": lambda x: x.view_as(x), "expand": lambda x: x.expand(()),
    "squeeze": lambda x: x.squeeze(), "permute": lambda x: x.permute(()), "flatten": lambda x: x.flatten(),
    "as_strided": lambda x: x.as_strided((), ()), "detach": lambda x: x.detach(), "an integer": lambda x: x.view(1)[-1],
    "NumPy's integer": lambda x: x.view(1)[np.int64(0)], "x[0, ...]": lambda x: x.view(1)[0, ...],
    "two integers": lambda x: x.view(1, 1)[0, 0], "select": lambda x: x.view(1).select(0, 0),
    "tensor_split": lambda x: x.view(1).tensor_split(1)[0], "unsafe_split": lambda x: x.view(1).unsafe_split(1)[0],
    "diagonal": lambda x: x.view(1, 1).diagonal()[0],
    "unfold": lambda x: x.view(1).unfold(0, 1, 1)[0, 0],
}  # fmt: skip


@pytest.mark.each("how", ONE_NUMBER)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_views_of_one_number_share_its_memory(how, requires_grad):
    """NumPy hands out a number, which is a copy, where no dimension is left."""
    x = tg.tensor(1.0, requires_grad=requires_grad) * 1
    view = ONE_NUMBER[how](x)
    view.mul_(3)
    assert x.item() == 3
    x.add_(1)
    assert view.item() == 4


@pytest.mark.parametrize("view", [lambda x: x.as_strided((0, 2), (2, 1)), lambda x: x[:0], lambda x: x.narrow(1, 0, 0)])
def test_views_of_nothing_are_views(view):
    for shape in ((0, 3), (2, 3)):
        with pytest.raises(RuntimeError, match="leaf"):
            view(tg.zeros(shape, requires_grad=True)).add_(1)


def test_leaves_that_are_parts_of_one_buffer():
    """Parameters in an arena: each a leaf, though a view."""
    flat = tg.zeros(4, dtype=tg.float64)
    p, q = flat[:2].requires_grad_(), flat[2:].requires_grad_()
    with pytest.raises(RuntimeError, match="add_: a leaf Tensor that requires grad must not be changed in place"):
        p.add_(1.0)
    with tg.no_grad():
        p.add_(1.0)
        flat.mul_(3.0)
    assert flat.tolist() == [3.0, 3.0, 0.0, 0.0]
    (p * p + q).sum().backward()
    assert (p.grad.tolist(), q.grad.tolist()) == ([6.0, 6.0], [1.0, 1.0])
    flat.requires_grad_()
    (p * 2).sum().backward()
    assert p.grad.tolist() == [8.0, 8.0]
    assert flat.grad is None


def test_a_view_of_a_buffer_in_a_training_loop():
    """What recurrent layers and rings of activations do: the history is that of the last round only."""
    w = leaf([2.0])
    buffer = tg.zeros(4, dtype=tg.float64)
    for step in range(5):
        buffer = buffer.detach()
        part = buffer[1:3]
        part.copy_(w * (step + 1))
        w.grad = None
        buffer.sum().backward()
        assert w.grad.item() == 2 * (step + 1)


def test_stamps_go_with_their_memory():
    gc.collect()  # what earlier tests left in cycles must not go in between
    tensors = [tg.zeros(3) for _ in range(10)]
    before = len(graph._stamps)
    for t in tensors:
        t[1:].add_(1.0)
    assert len(graph._stamps) == before + 10
    del t, tensors
    assert len(graph._stamps) == before


def test_memory_that_takes_no_weak_reference():
    t = tg.from_numpy(np.frombuffer(bytearray(16), np.float64))
    x = leaf([1.0, 2.0])
    y = x * t
    t.add_(1.0)
    with pytest.raises(RuntimeError, match="mul at .* needs its 'y', but add_ at"):
        y.sum().backward()


def test_a_quotient_may_be_overwritten():
    x = leaf([1.0, 2.0, 5.0])
    p = x / x.sum()
    p += 1
    p.square().sum().backward()
    y = leaf([1.0, 2.0, 5.0])
    (y / y.sum() + 1).square().sum().backward()
    np.testing.assert_array_equal(x.grad, y.grad)


@pytest.mark.parametrize("source", [lambda b: b, lambda b: b[0], lambda b: b.double() * 2, lambda b: tg.ones(2, 3)])
def test_what_is_overwritten_has_a_gradient_of_zeros(source):
    """As in PyTorch, so that an optimizer sees the parameter, whatever is copied over what comes of it."""
    a, b = (tg.ones(2, 3, requires_grad=True) for _ in range(2))
    x = a * 3
    x.copy_(source(b))
    (x * b).sum().backward()
    assert a.grad.tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(("key", "shape"), [
    (0, (1, 4)), (0, (1, 1, 1)), ((0, 0), (1,)), ((0, 0), (1, 1)), ([0, 2], (1, 2, 4)), ((..., -1), (1, 3)),
    (slice(1, 3), (1, 1, 4)), ((slice(None), 1), (1, 1)),
])  # fmt: skip
def test_what_is_assigned_may_begin_with_more_dimensions_of_size_1(key, shape):
    """``out[i] = model(x)`` of shape (1,), as in PyTorch."""
    x, value = tg.zeros(3, 4, requires_grad=True) * 1, tg.randn(*shape, requires_grad=True)
    x[key] = value * 2
    expected = np.zeros((3, 4), np.float32)
    expected[key] = value.numpy(force=True).reshape(shape[next((k for k, n in enumerate(shape) if n != 1), 9) :]) * 2
    np.testing.assert_array_equal(x.numpy(force=True), expected)
    (x * x).sum().backward()
    copies = np.broadcast_to(0, expected[key].shape).size / value.numel()
    np.testing.assert_allclose(value.grad.numpy(), 8 * copies * value.numpy(force=True), rtol=1e-6)
    y = tg.zeros(3, 4)
    y[key] = value.detach() * 2
    np.testing.assert_array_equal(y.numpy(), expected)


def test_what_is_expanded_without_repetition_can_be_written_to():
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1
    z = y.expand(1, 3)
    z[0, 0] = 5
    z.mul_(2)
    assert y.tolist() == [10, 4, 6]
    (y * y).sum().backward()
    assert x.grad.tolist() == [0, 16, 24]
    corner = tg.eye(2).expand(1, 1, 2, 2).contiguous()
    corner[..., 0, 1] = 7
    assert corner.flatten().tolist() == [1, 7, 0, 1]
    with pytest.raises(RuntimeError, match="single memory location"):
        tg.eye(2).expand(2, 2, 2)[:, 0, 0] = 1
