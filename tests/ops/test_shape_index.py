"""Indexing as PyTorch has it, the in-place forms, views that share memory, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import Programs, agree

import tinygrad_lite as tg
from tinygrad_lite.kernels.loops.scatter import add_slices
from tinygrad_lite.ops.indexing.index_keys import add_at, plain_index

quick = settings(max_examples=200, deadline=None, derandomize=True, database=None)

# --- brackets against PyTorch -----------------------------------------------------------------------------------


@st.composite
def keys(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape and a key for it, of all that PyTorch takes: integers, slices, None, Ellipsis, lists, masks."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    length = draw(st.integers(1, 3))
    parts: list[Any] = []
    dim = 0
    while dim < len(shape) and draw(st.integers(0, 9)):
        n = shape[dim]
        kind = draw(st.sampled_from("int slice slice array array column list mask wide none".split()))
        if kind == "none":
            parts.append(None)
            continue
        if kind == "wide" and dim + 1 < len(shape):
            chosen = draw(hnp.arrays(np.bool_, shape[dim : dim + 2]))
            parts.append(_with(chosen, length))
            dim += 2
            continue
        dim += 1
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-n - 1, n + 1)
            parts.append(slice(draw(ends), draw(ends), draw(st.none() | st.integers(1, 3))))
        elif kind == "mask":
            parts.append(_with(draw(hnp.arrays(np.bool_, n)), length))
        elif kind == "list":
            parts.append(draw(st.lists(st.integers(-n, n - 1), min_size=length, max_size=length)))
        else:
            array = draw(hnp.arrays(np.int64, length, elements=st.integers(-n, n - 1)))
            parts.append(array.reshape(-1, 1) if kind == "column" else array)
    if draw(st.booleans()) and dim < len(shape):
        parts.insert(draw(st.integers(0, len(parts))) if dim == 0 else len(parts), Ellipsis)
    return shape, parts[0] if len(parts) == 1 and draw(st.booleans()) else tuple(parts)


def _with(chosen: Any, count: int) -> Any:
    """The mask with `count` or one entry that is True, so that it fits the other arrays."""
    flat = chosen.reshape(-1).copy()
    flat[:] = False
    flat[: count if count <= flat.size else 1] = True
    return flat.reshape(chosen.shape)


def own(m: Any, key: Any) -> Any:
    """The key with tensors of the library in place of arrays."""
    if isinstance(key, tuple):
        return tuple(own(m, part) for part in key)
    return m.tensor(key) if isinstance(key, np.ndarray) else key


def start(m: Any, shape: tuple[int, ...]) -> Any:
    return m.tensor(np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape) / 7, requires_grad=True)


def weighted(m: Any, *tensors: Any) -> Any:
    return sum((t * m.tensor(np.cos(np.arange(t.numel())).reshape(tuple(t.shape)))).sum() for t in tensors)


@settings(quick, max_examples=500)
@given(keys())
def test_reading(case: Any) -> None:
    shape, key = case

    def program(m: Any) -> Any:
        x = start(m, shape)
        out = x[own(m, key)]
        (g,) = m.autograd.grad(weighted(m, out), [x])
        return out, g

    agree(program)


@settings(quick, max_examples=500)
@given(keys(), st.data())
def test_writing(case: Any, data: Any) -> None:
    """Where places repeat numbers only: PyTorch's gradient of a tensor is not that of the values there."""
    shape, key = case
    places = np.arange(int(np.prod(shape)))
    named = tg.tensor(places.reshape(shape))[own(tg, key)].numpy()
    repeats = np.unique(named).size < named.size
    source = data.draw(st.sampled_from([named.shape, named.shape[1:], (), tuple(1 for _ in named.shape)]))

    def program(m: Any) -> Any:
        x, v = start(m, shape), start(m, source)
        y = x * 1.0
        with_gradient = not repeats
        value = v if with_gradient else v.detach().sum()
        y[own(m, key)] = value
        grads = m.autograd.grad(weighted(m, y), [x, v] if with_gradient else [x])
        return y, *grads

    if 0 not in named.shape:
        agree(program)


@quick
@given(keys())
def test_writing_without_history(case: Any) -> None:
    shape, key = case

    def program(m: Any) -> Any:
        x = start(m, shape).detach()
        view = x.reshape(-1)
        x[own(m, key)] = -1.0
        x[own(m, key)] += 0.5
        return x, view

    agree(program)


@quick
@given(keys())
def test_writing_views_of_views(case: Any) -> None:
    """A write through the key of a transposed view shows in the base and in its gradient."""
    shape, key = case

    def program(m: Any) -> Any:
        x = start(m, shape[::-1])
        y = x * 1.0
        view = y.permute(*range(len(shape))[::-1])
        view[own(m, key)] = 2.0
        (g,) = m.autograd.grad(weighted(m, y, view), [x])
        return y, view, g

    agree(program)


programs = Programs()


@programs
def integers_before_arrays(m: Any) -> Any:
    x = start(m, (2, 3, 4, 2))
    i = m.tensor([1, 2])
    keys = (0, slice(None), i), (slice(None), 1, slice(None), 0), (0, ..., [1, 0]), (0, i, slice(None), 1), (1, None, i)
    return [x[key] for key in keys]


@programs
def scalars_as_masks(m: Any) -> Any:
    x, y = start(m, (2, 3)), start(m, ())
    return [x[True].shape, x[False].shape, x[None, True].shape, y[y < 1], y[y > 1].shape, y[None], y[...], y[()]]


@programs
def zero_d_tensors_are_integers(m: Any) -> Any:
    x, i = start(m, (3, 4)), m.tensor(1)
    part = x.detach()[i]
    part[i] = 5.0
    return [x[i, i], x[i, :], x[:, i], x]


@programs
def lists_and_ranges(m: Any) -> Any:
    x = start(m, (3, 4))
    return [x[[0, 2]], x[[True, False, True]], x[range(2)], x[:, [m.tensor(1), m.tensor(2)]], x[[]]]


@programs
def a_key_of_wrong_type(m: Any) -> Any:
    return start(m, (3,))[m.tensor([0.5])]


@programs
def a_mask_of_another_size(m: Any) -> Any:
    return start(m, (3,))[m.tensor([True, False])]


@programs
def too_many_indices(m: Any) -> Any:
    return start(m, (3,))[0, 0]


@programs
def an_index_out_of_range(m: Any) -> Any:
    return start(m, (3,))[m.tensor([0, 3])]


@programs
def a_value_of_another_shape(m: Any) -> Any:
    x = start(m, (3, 4)).detach()
    x[0] = m.tensor([1.0, 2.0])
    return x


def test_a_list_of_lists_is_a_tuple() -> None:
    """As in PyTorch 2.13, with its warning; in NumPy it is one index."""
    x = start(tg, (3, 4))
    with pytest.warns(UserWarning, match="counts as a tuple, as in PyTorch"):
        listed = x[[[0, 1], [2, 0]]]
    np.testing.assert_array_equal(listed.detach(), x[tg.tensor([0, 1]), tg.tensor([2, 0])].detach())


# --- in place ---------------------------------------------------------------------------------------------------

M = np.array([[True, False, True], [False, True, True]])
I3 = np.array([1, 0, 1])
WRITES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "index_add_": lambda m, x, v: x.index_add_(1, m.tensor(I3), v, alpha=2),
    "index_copy_": lambda m, x, v: x.index_copy_(1, m.tensor([2, 0, 1]), v),
    "index_fill_": lambda m, x, v: x.index_fill_(0, m.tensor([1]), 3.0),
    "index_fill_ by a tensor": lambda m, x, v: x.index_fill_(0, m.tensor([1]), v[0, 0]),
    "index_put_": lambda m, x, v: x.index_put_((m.tensor([1, 0]),), v),
    "index_put_, accumulated": lambda m, x, v: x.index_put_((m.tensor([1, 1]), m.tensor([0, 0])), v[0, :2], True),
    "index_put_ by a mask": lambda m, x, v: x.index_put_((m.tensor(M),), v[0, 0]),
    "index_reduce_": lambda m, x, v: x.index_reduce_(1, m.tensor(I3), v, "amax"),
    "put_": lambda m, x, v: x.put_(m.tensor([[0, -1]]), v[:1, :2]),
    "put_, accumulated": lambda m, x, v: x.put_(m.tensor([0, 0]), v[0, :2], accumulate=True),
    "masked_scatter_": lambda m, x, v: x.masked_scatter_(m.tensor(M), v),
    "masked_fill_": lambda m, x, v: x.masked_fill_(m.tensor(M), v[1, 1]),
    "scatter_": lambda m, x, v: x.scatter_(1, m.tensor([[2, 0], [1, 0]]), v[:, :2]),
    "scatter_ a number": lambda m, x, v: x.scatter_(0, m.tensor([[1, 0, 1]]), 2.5),
    "scatter_add_": lambda m, x, v: x.scatter_add_(0, m.tensor([[1, 0, 1], [1, 1, 1]]), v),
    "scatter_reduce_": lambda m, x, v: x.scatter_reduce_(1, m.tensor([[2, 2, 0]]), v[:1], "mean", include_self=False),
    "fill_diagonal_": lambda m, x, v: x.fill_diagonal_(4.0),
    "diagonal": lambda m, x, v: x.diagonal(1).mul_(v[0, 0]),
    "unfold": lambda m, x, v: x.unfold(1, 1, 2).mul_(v[0, 0]),
    "select": lambda m, x, v: x.select(1, 2).copy_(v[:, 0]),
    "tensor_split": lambda m, x, v: x.tensor_split(2, 1)[1].mul_(v[:, :1]),
    "t": lambda m, x, v: x.t()[0].add_(v[:, 0]),
    "movedim": lambda m, x, v: x.movedim(0, 1)[2].add_(v[:, 0]),
}  # fmt: skip


@pytest.mark.parametrize("layout", ["whole", "view", "quiet"])
@pytest.mark.each("name", WRITES)
def test_in_place_as_pytorch(name: str, layout: str) -> None:
    """The value, in the same memory, and all gradients; of a part of a base; and without any history."""

    def program(m: Any) -> Any:
        leaf, v = start(m, (4, 3)), start(m, (2, 3)) + 0.3
        if layout == "quiet":
            leaf, v = leaf.detach(), v.detach()
        base = leaf * 1.0
        x = base[1:3] if layout == "view" else (base[::2] if layout == "quiet" else base[:2] * 1.0)
        other = x.reshape(6) if layout == "whole" else x[:, :]
        result = WRITES[name](m, x, v)
        out = [x, other, base, result]
        if layout != "quiet":
            out.append(m.autograd.grad(weighted(m, x, other, base), [leaf]))
        return out

    agree(program)


@pytest.mark.parametrize("name", [n for n in WRITES if n.partition(" ")[0].rstrip(",").endswith("_")])
def test_a_leaf_is_not_written_to(name: str) -> None:
    x = start(tg, (2, 3))
    before = x.tolist()
    with pytest.raises(RuntimeError, match="a (view of a )?leaf Tensor that requires grad"):
        WRITES[name](tg, x, start(tg, (2, 3)).detach())
    assert x.tolist() == before


def test_a_write_makes_saved_values_stale() -> None:
    x = start(tg, (3, 2))
    y = x * 1.0
    z = y.exp()
    z.index_add_(0, tg.tensor([0]), tg.ones(1, 2, dtype=tg.float64))
    with pytest.raises(RuntimeError, match=r"index_add_"):
        z.sum().backward()


def _strided_beyond(m: Any) -> Any:
    """A view of what lies before a slice: what comes back to elements that are not the slice's goes nowhere."""
    x = m.arange(12.0, dtype=m.float64).requires_grad_()
    seen = (x * 1)[2:5].as_strided((2, 3), (3, 1), 0)
    (g,) = m.autograd.grad((seen**3).sum(), x, create_graph=True)
    return [seen, g, m.autograd.grad(g.sum(), x)[0]]


def _memory(m: Any) -> Any:
    x = m.zeros(3, 4)
    part, turned = x[1], x[1].as_strided((2, 2), (1, 2))
    memory = part.untyped_storage()
    alike = [memory.data_ptr() == x.data_ptr(), memory.nbytes(), len(memory), part._base is x, x._base is None]
    return [*alike, turned._base is x, part.is_set_to(x[1]), part.is_set_to(x[2]), part.is_set_to(x[1, :3])]


def _turned(m: Any, x: Any) -> Any:
    """`as_strided_` of a result, whose gradients go on where they came from."""
    y = x * 2
    same = y.as_strided_((2, 2), (1, 3))
    (y * m.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    return [same is y, y, x.grad]


def _parts(m: Any, x: Any) -> Any:
    w = m.ones(2).requires_grad_()
    y = x * 1
    y.real, y.imag = w * 3, 2.0
    (y.real * y.imag).sum().backward()
    return [y, w.grad]


def _set(m: Any, source: Any, *where: Any) -> Any:
    x = m.zeros(1).set_(source, *where)
    x.view(-1) if x.is_contiguous() else x[0].fill_(7.0)
    return [x, x.stride(), x.storage_offset(), m.tensor(source.tolist())]


def test_fill_diagonal_of_high_matrices() -> None:
    for wrap in (False, True):
        for shape in ((7, 3), (3, 3), (2, 5), (3, 3, 3)):
            agree(lambda m, s=shape, w=wrap: m.zeros(*s, dtype=m.float64).fill_diagonal_(2.0, w))


# --- 0-d, empty and other dtypes --------------------------------------------------------------------------------

for _call in [
    lambda m: m.zeros(()).index_add_(0, m.tensor([0]), m.tensor(2.0)),
    lambda m: m.index_copy(m.zeros(()), 0, m.tensor(0), m.tensor(2.0)),
    lambda m: m.scatter(m.zeros(3), 0, m.zeros(0, dtype=m.int64), m.zeros(0)),
    lambda m: m.scatter_add(m.ones(2, 2), 0, m.zeros(0, 2, dtype=m.int64), m.zeros(0, 2)),
    lambda m: m.zeros(()).scatter_(0, m.tensor(0), 3.0),
    lambda m: m.index_add(m.zeros(2, dtype=m.int32), 0, m.tensor([1, 1]), m.ones(2, dtype=m.int32)),
    lambda m: m.index_add(m.zeros(2, dtype=m.float16), 0, m.tensor([1, 1]), m.ones(2, dtype=m.float16)),
    lambda m: m.index_add(m.zeros(2, 0), 0, m.tensor([1, 1]), m.ones(2, 0)),
    lambda m: m.index_select(m.zeros(2, 3), 1, m.zeros(0, dtype=m.int64)),
    lambda m: m.take(m.zeros(2, 3), m.zeros(0, dtype=m.int64)),
    lambda m: m.index_add(m.zeros(2), 0, m.tensor([1, 0], dtype=m.int32), m.ones(2)),
    lambda m: m.diag_embed(m.zeros(2, 0)),
    lambda m: m.diag(m.zeros(0)),
    lambda m: m.diagonal(m.zeros(2, 0, 3), 0, 1, 2),
    lambda m: m.combinations(m.zeros(1)),
    lambda m: m.cartesian_prod(m.zeros(2), m.zeros(0)),
    lambda m: m.meshgrid(m.zeros(0), m.zeros(2), indexing="xy"),
    lambda m: m.block_diag(m.zeros(0), m.ones(1, 1)),
    lambda m: m.zeros(5).unfold(0, 0, 1),
    lambda m: m.as_strided(m.zeros(5), (0, 3), (1, 1)),
    lambda m: m.as_strided(m.arange(6.0)[2:], (2,), (2,)),
    lambda m: m.as_strided(m.arange(6.0)[2:], (2,), (2,), 3),
    lambda m: [m.arange(6)[2:].storage_offset(), m.zeros(3, 4).t()[1].storage_offset()],
    lambda m: m.arange(12.0).reshape(3, 4)[1].as_strided((2, 3), (4, 1), 0),
    lambda m: m.as_strided(m.arange(6.0)[3:], (2,), (2,), 1),
    lambda m: _strided_beyond(m),
    lambda m: _memory(m),
    lambda m: _turned(m, m.arange(6.0, dtype=m.float64).requires_grad_()),
    lambda m: _parts(m, m.zeros(2, dtype=m.complex64)),
    lambda m: _set(m, m.arange(12.0), 1, (4,), (2,)),
    lambda m: _set(m, m.arange(12.0), 2, (2, 3)),
    lambda m: _set(m, m.arange(12.0).untyped_storage(), 3, (2, 2), (1, 2)),
    lambda m: [m.tensor([1.0]).set_(), m.tensor([1.0]).set_(m.ones(2, 2))],
    lambda m: m.repeat_interleave(m.zeros(0, 2), 3, dim=0),
    lambda m: m.nonzero(m.zeros(0, 3)),
    lambda m: m.nonzero(m.zeros(())),
    lambda m: m.zeros(2, 3).masked_scatter_(m.zeros(2, 3) > 1, m.zeros(0)),
    lambda m: m.hstack([m.ones(2), m.ones(2, dtype=m.int64)]),
    lambda m: m.tensor([1.5, -2.0]).view(m.int32),
    lambda m: m.tensor([1, 2], dtype=m.int32).view(m.int16),
    lambda m: m.tensor([[1, 2]], dtype=m.int16).view(dtype=m.int32),
    lambda m: m.zeros(2, 3, requires_grad=True).view(m.int32).requires_grad,
    lambda m: m.zeros(2, 3).new_zeros(2).dtype == m.float32,
    lambda m: m.zeros(2, dtype=m.float64).new_full((2, 1), 3),
    lambda m: m.zeros(2, dtype=m.int32).new_tensor([1, 2]),
    lambda m: m.zeros(2, dtype=m.int32).new_ones((2, 2)),
    lambda m: m.zeros(2).new_empty(0, 3),
    lambda m: m.asarray([1, 2]),
    lambda m: m.scalar_tensor(3),
    lambda m: m.tensor([2**70, 1.5]),
    lambda m: m.tensor(2**63, dtype=m.float32),
    lambda m: m.linspace(0, 10, 4, dtype=m.int64),
    lambda m: m.logspace(0, 2, 3, dtype=m.int64),
    lambda m: m.arange(m.tensor(3)),
    lambda m: m.zeros(2).to("cpu"),
    lambda m: m.zeros(2).to("cpu", m.float64),
    lambda m: m.zeros(2).to(m.float64, False, True),
    lambda m: m.zeros(2).to(device="cpu", dtype=m.int64, non_blocking=True),
    lambda m: [m.is_tensor(m.zeros(2)), m.is_tensor(3), m.is_tensor(np.zeros(2))],
    lambda m: [m.is_floating_point(m.zeros(2)), m.is_floating_point(m.arange(2)), m.numel(m.zeros(2, 3))],
    lambda m: [m.is_nonzero(m.tensor([0.0])), m.is_nonzero(m.tensor(-1))],
    lambda m: list(m.broadcast_shapes((3, 1), (2,), ())),
    # refused by both
    lambda m: m.is_nonzero(m.zeros(2)),
    lambda m: m.broadcast_shapes((3,), (2,)),
    lambda m: m.zeros(2, 3).sum_to_size(3, 3),
    lambda m: m.zeros(2, 3, 4).H,
    lambda m: m.tensor(2**63),
    lambda m: m.tensor([2**63, -1]),
    lambda m: m.tensor([300], dtype=m.uint8),
    lambda m: m.from_numpy(np.zeros(2, np.dtype(np.float32).newbyteorder("S"))),
    lambda m: m.arange(3, "a"),
    lambda m: m.zeros(2).to("cuda"),
    lambda m: m.stack([m.zeros(2), 3]),
    lambda m: m.zeros(4).split(3.5),
    lambda m: m.zeros(2, 3).as_strided((9,), (1,)),
    lambda m: m.zeros(3).as_strided((2,), (-1,)),
    lambda m: m.zeros(3)[1:].as_strided((3,), (1,)),
    lambda m: m.zeros(3).set_(m.zeros(2, dtype=m.int64)),
    lambda m: m.zeros(3).requires_grad_().set_(m.zeros(2), 0, (1,), (1,)),
    lambda m: setattr(m.zeros(2), "imag", 1.0),
    lambda m: m.zeros(3, 3).diagonal(0, 1, 1),
    lambda m: m.zeros(3).view(2, 2),
    lambda m: m.zeros(3, dtype=m.int16).view(m.int32),
    lambda m: m.zeros(3)[::2].view(m.int16),
    lambda m: m.hsplit(m.zeros(3), 2),
    lambda m: m.scatter(m.zeros(3), 0, m.tensor([0, 1]), m.ones(1)),
    lambda m: m.index_add(m.zeros(3), 0, m.tensor([0, 1]), m.ones(3)),
    lambda m: m.index_add(m.zeros(3), 0, m.tensor([0, 3]), m.ones(2)),
    lambda m: m.index_add(m.zeros(3), 0, m.tensor([0, -1]), m.ones(2)),
    lambda m: m.index_put(m.zeros(3), (m.tensor([0]),), m.ones(1, dtype=m.float64)),
    lambda m: m.index_put(m.zeros(2, 3), (m.tensor([0, 1]),), m.ones(3, 2), accumulate=True),
    lambda m: m.zeros(3).masked_scatter(m.zeros(3) < 1, m.ones(2)),
    lambda m: m.zeros(2, 3).select_scatter(m.zeros(2), 0, 0),
    lambda m: m.repeat_interleave(m.zeros(3), m.tensor([1, 2])),
    *[
        lambda m, start=start: m.narrow(m.arange(5), 0, m.tensor(start), 2)
        for start in (1, [1], [[1]], 1.0, [1.0], True, [])
    ],
    *[
        lambda m, shape=shape, other=other, dim=dim: m.cat([m.ones(shape), m.ones(0, dtype=getattr(m, other))], dim)
        for shape in ((2, 3), (0,), (0, 3), (2, 0, 1))
        for other in ("float64", "int64", "complex64")
        for dim in (0, 1, -1)
    ],
    lambda m: (lambda x: m.autograd.grad(m.cat([m.ones(2, 3), x, m.ones(1, 3)]).sum(), x))(
        m.ones(0, requires_grad=True)
    ),
]:
    _call.__name__ = f"edge_{len(programs)}"
    programs(_call)


@programs.parameters()
def test_as_pytorch(program: Callable[[Any], Any]) -> None:
    agree(program, rtol=1e-6)


# --- the sums by place ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.complex64, np.float16, np.bool_])
@settings(quick, max_examples=60)
@given(keys())
def test_sums_by_place(dtype: Any, case: Any) -> None:
    """`add_at` is NumPy's `np.add.at`, in any layout."""
    shape, key = case
    key = plain_index(own(tg, key))
    base = np.zeros(shape, dtype)
    values = np.arange(base[key].size).reshape(base[key].shape).astype(dtype)
    expected = base.copy()
    np.add.at(expected, key, values)
    for out in (base.copy(), np.asfortranarray(base), np.zeros((*shape, 2), dtype)[..., 0]):
        add_at(out, values, key)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.int32, np.uint64])
def test_sums_by_place_with_small_integers(dtype: Any) -> None:
    """Places are counted in more bits than the indices have."""
    x = tg.ones(300, 300, requires_grad=True)
    i, j = np.array([100, 3, 100], dtype), np.array([120, 7, 120], dtype)
    for key, count in (((i, j), 3), (i, 900), ((slice(None), j), 900), ((slice(2), j), 6)):
        x.grad = None
        x[key].sum().backward()
        expected = np.zeros((300, 300), np.float32)
        np.add.at(expected, key, 1)
        assert expected.sum() == count
        np.testing.assert_array_equal(x.grad, expected)
    picked = tg.gather(x, 1, tg.tensor(j.astype(np.int64))[None])
    np.testing.assert_array_equal(picked.detach(), np.ones((1, 3)))


@pytest.mark.parametrize("width", [0, 1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.complex128])
def test_the_kernel_and_its_twin(width: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    index, values = rng.integers(0, 9, 40), rng.integers(-5, 5, (2, 40, width)).astype(dtype)
    outs = [np.ones((2, 9, width), dtype) for _ in range(2)]
    add_slices.plain(outs[0], index, values)
    add_slices.compiled(outs[1], index, values)
    np.testing.assert_array_equal(*outs)


# --- views share memory -----------------------------------------------------------------------------------------

VIEWS: dict[str, Callable[[Any], Any]] = {
    "select": lambda x: x.select(0, 1), "diagonal": lambda x: x.diagonal(1, 1, 2),
    "unfold": lambda x: x.unfold(2, 2, 2),
    "as_strided": lambda x: x.as_strided((2, 2), (1, 5)), "tensor_split": lambda x: x.tensor_split(2, 1)[1],
    "hsplit": lambda x: x.hsplit(3)[1], "dsplit": lambda x: x.dsplit(2)[1], "atleast_3d": lambda x: tg.atleast_3d(x[0]),
    "meshgrid": lambda x: tg.meshgrid(x[0, 0], x[0, 1])[0],
    "broadcast_tensors": lambda x: tg.broadcast_tensors(x, x)[0],
    "mT": lambda x: x.mT, "movedim": lambda x: x.movedim(0, 2), "view": lambda x: x.view(6, 4),
    "view of bits": lambda x: x.view(tg.int32), "unflatten": lambda x: x.unflatten(2, (2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory(name: str) -> None:
    x = tg.arange(24.0).reshape(2, 3, 4).clone()
    assert np.shares_memory(VIEWS[name](x).numpy(), x.numpy())


COPIES: dict[str, Callable[[Any], Any]] = {
    "diag": lambda x: tg.diag(x[0]), "flip": lambda x: x.flip(0), "rot90": lambda x: tg.rot90(x, 2),
    "roll": lambda x: x.roll(1), "repeat_interleave": lambda x: x.repeat_interleave(1, 0), "take": lambda x: x[[0, 1]],
    "slice_scatter": lambda x: tg.slice_scatter(x, x), "index_add": lambda x: x.index_add(0, tg.tensor([0]), x[:1]),
    "asarray": lambda x: tg.asarray(x, copy=True),
}  # fmt: skip


@pytest.mark.parametrize("name", COPIES)
def test_copies_do_not(name: str) -> None:
    x = tg.arange(24.0).reshape(2, 3, 4).clone()
    assert not np.shares_memory(COPIES[name](x).numpy(), x.numpy())


def test_windows_that_overlap_are_not_written_to() -> None:
    x = tg.arange(6.0)
    for view in (x.unfold(0, 3, 1), x.as_strided((3, 3), (1, 1))):
        with pytest.raises(RuntimeError, match="read-only"):
            view.add_(1.0)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


# --- refused, and why -------------------------------------------------------------------------------------------

x23, i2 = tg.zeros(2, 3), tg.tensor([0, 1])
REFUSED: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tg.stack([x23, 3]), TypeError, "stack: expected a sequence of Tensors, got int in it"),
    (lambda: x23.split(3.5), TypeError, "split: the size must be an integer or several, got 3.5"),
    (lambda: x23.to("cuda"), RuntimeError, "to: everything lives on the CPU, the device must be 'cpu', got 'cuda'"),
    (lambda: tg.zeros(2, device="cuda:1"), RuntimeError, "zeros: everything lives on the CPU, the device must be"),
    (lambda: tg.arange(3, "a"), TypeError, "arange: expected real numbers, got 'a'"),
    (lambda: tg.arange(0, float("inf")), ValueError, "arange: start and end must be finite, got 0 and inf"),
    (lambda: tg.linspace(0, 1, -1), ValueError, "linspace: steps must not be negative, got -1"),
    (lambda: tg.eye(-1), ValueError, "eye: n and m must not be negative, got -1 and None"),
    (lambda: tg.tril_indices(-1, 2), ValueError, "tril_indices: row and col must not be negative, got -1 and 2"),
    (lambda: tg.zeros(-1), RuntimeError, "zeros: sizes must not be negative, got (-1,)"),
    (lambda: tg.tensor(2**63), ValueError, "tensor: integers must fit int64, got 9223372036854775808"),
    (lambda: tg.tensor([300], dtype=tg.uint8), ValueError, "tensor: integers must fit uint8, got 300"),
    (lambda: tg.asarray([1], copy=False), ValueError, "asarray: copy=False needs memory to share, got list"),
    (lambda: x23.select(1, 3), IndexError, "select: index must be in [-3, 2], got 3"),
    (lambda: tg.zeros(()).select(0, 0), IndexError, "select: the input must have a dimension to select from"),
    (lambda: x23.tensor_split(0), ValueError, "tensor_split: the number of sections must be positive, got 0"),
    (lambda: tg.zeros(()).tensor_split(1), RuntimeError, "tensor_split: the input must have at least 1 dimension"),
    (lambda: x23.hsplit(2), RuntimeError, "hsplit: size 3 of dim 1 must divide into equal sections, got 2"),
    (lambda: tg.zeros(3).vsplit(3), RuntimeError, "vsplit: the input must have at least 2 dimensions, got shape (3,)"),
    (lambda: x23.fliplr()[0].fliplr(), RuntimeError, "fliplr: the input must have at least 2 dimensions"),
    (lambda: tg.zeros(()).flipud(), RuntimeError, "flipud: the input must have at least 1 dimension"),
    (lambda: x23.rot90(1, (0, 0)), RuntimeError, "rot90: dims must be two different ones of the input's 2, got (0, 0)"),
    (lambda: x23.repeat_interleave(-1), RuntimeError, "repeat_interleave: repeats must not be negative, got -1"),
    (lambda: x23.repeat_interleave(1.5), RuntimeError, "repeat_interleave: repeats must be integers"),
    (lambda: x23.repeat_interleave(i2, 1), RuntimeError, "repeats must be 1 or 3 numbers for dim 1, got 2"),
    (lambda: x23.repeat_interleave(2, 0, output_size=5), RuntimeError, "output_size must be 4, got 5"),
    (lambda: tg.block_diag(tg.zeros(1, 1, 1)), RuntimeError, "block_diag: blocks must have at most 2 dimensions"),
    (lambda: tg.broadcast_tensors(x23, tg.zeros(2)), RuntimeError, "shapes must broadcast, got (2, 3), (2,)"),
    (lambda: tg.meshgrid(x23), RuntimeError, "meshgrid: tensors must have at most 1 dimension, got shape (2, 3)"),
    (lambda: tg.meshgrid(i2, indexing="no"), ValueError, "meshgrid: indexing must be 'ij' or 'xy', got 'no'"),
    (lambda: tg.cartesian_prod(x23, x23), RuntimeError, "cartesian_prod: tensors must have 1 dimension"),
    (lambda: tg.combinations(x23), RuntimeError, "combinations: the input must have 1 dimension, got shape (2, 3)"),
    (lambda: tg.combinations(i2, -1), ValueError, "combinations: r must not be negative, got -1"),
    (lambda: x23.diagonal(0, 1, -1), RuntimeError, "diagonal: dim1 and dim2 must be two different dimensions of 2"),
    (lambda: tg.diag(tg.zeros(())), RuntimeError, "diag: the input must have 1 or 2 dimensions, got shape ()"),
    (lambda: tg.zeros(()).diag_embed(), RuntimeError, "diag_embed: the input must have at least 1 dimension"),
    (lambda: x23.diagonal_scatter(i2[:1]), RuntimeError, "diagonal_scatter: src must have shape (2,), got (1,)"),
    (lambda: tg.zeros(3).fill_diagonal_(1), RuntimeError, "fill_diagonal_: must have 2 dimensions"),
    (lambda: x23.unfold(0, 3, 1), RuntimeError, "unfold: size must be in [0, 2], the size of dim 0, and step positive"),
    (lambda: x23.as_strided((3, 3), (1, 9)), RuntimeError, "as_strided: the result must lie within the input's memory"),
    (lambda: tg.zeros(3).set_(x23.untyped_storage(), 5, (2,), (1,)), RuntimeError, "set_: size, stride and"),
    (lambda: x23.as_strided((3,), (1, 1)), RuntimeError, "as_strided: size and stride must be as many"),
    (lambda: x23.as_strided_scatter(tg.zeros(2, 2), (2, 2), (1, 1)), RuntimeError, "elements must not share a place"),
    (lambda: x23.slice_scatter(x23, step=0), RuntimeError, "slice_scatter: step must be positive, got 0"),
    (lambda: x23.view(tg.float64), RuntimeError, "view: float32 of shape (2, 3) cannot be seen as float64"),
    (lambda: x23.index_add(0, i2, x23.double()), RuntimeError, "source must have the input's dtype float32"),
    (lambda: x23.index_add(0, i2, x23[:1]), RuntimeError, "index_add: source must have shape (2, 3), got (1, 3)"),
    (lambda: x23.index_add(0, i2, 3.0), TypeError, "index_add: source must be a Tensor"),
    (lambda: x23.index_add(0, x23[0], x23), TypeError, "index_add: index must hold integers, got float32"),
    (lambda: x23.index_copy(0, i2[None], x23), RuntimeError, "index_copy: index must have at most 1 dimension"),
    (lambda: x23.index_fill(0, i2, i2), RuntimeError, "index_fill: value must be one number, got shape (2,)"),
    (lambda: x23.index_fill(1, i2 + 2, 1), IndexError, "index_fill: indices must be in [-3, 2], got 2 to 3"),
    (lambda: x23.index_put(i2, x23), TypeError, "index_put: indices must be a tuple of Tensors, got Tensor"),
    (lambda: x23.put(i2 + 5, i2.float()), IndexError, "put: indices must be in [-6, 5], got 5 to 6"),
    (lambda: x23.put(i2, tg.zeros(3)), RuntimeError, "put: source must have 2 elements like the index, got 3"),
    (lambda: x23.masked_scatter(i2, x23), TypeError, "masked_scatter: mask must be boolean, got int64"),
    (lambda: x23.masked_scatter(x23 < 1, tg.zeros(2)), RuntimeError, "source must have at least 6 elements, got 2"),
    (lambda: tg.zeros(3).masked_scatter_(x23 < 1, x23), RuntimeError, "mask (2, 3) must broadcast to the"),
    (lambda: x23.take(tg.tensor([6])), IndexError, "take: indices must be in [-6, 5], got 6 to 6"),
    (lambda: tg.unravel_index(tg.tensor([6]), (2, 3)), ValueError, "unravel_index: index 6 is out of bounds"),
    (lambda: x23.scatter(0, i2, x23), RuntimeError, "scatter: index of shape (2,) must fit into (2, 3)"),
    (lambda: x23.scatter(0, i2[None], x23, reduce="max"), ValueError, "reduce must be 'add' or 'multiply', got 'max'"),
    (lambda: x23.scatter(0, i2[None]), TypeError, "scatter: one of src and value must be given"),
    (lambda: x23.scatter(0, i2[None] - 1, x23), IndexError, "scatter: indices must be in [0, 1], got -1 to 0"),
    (lambda: x23.scatter_add(0, i2[None], x23[:, :1]), RuntimeError, "src must be at least as large as the index"),
    (lambda: x23.scatter_add(0, i2[None], 3.0), TypeError, "scatter_add: src must be a Tensor"),
    (lambda: x23.scatter_reduce(0, i2[None], x23, "max"), ValueError, "reduce must be 'sum', 'prod', 'mean', 'amax'"),
    (lambda: x23.index_reduce(0, i2, x23, "sum"), ValueError, "reduce must be 'prod', 'mean', 'amax' or"),
]  # fmt: skip


@pytest.mark.each("index", range(len(REFUSED)))
def test_refused(index: int) -> None:
    call, kind, text = REFUSED[index]
    with pytest.raises(kind, match=re.escape(text)):
        call()


@pytest.mark.parametrize("name", ["take_along_dim", "gather"])
@pytest.mark.parametrize("dtype", [np.float32, np.bool_])
def test_indices_that_are_no_integers_are_refused(name: str, dtype: Any) -> None:
    x, index = tg.ones(2, 2), tg.tensor(np.ones((2, 1), dtype))
    arguments = (index, 1) if name == "take_along_dim" else (1, index)
    with pytest.raises((TypeError, IndexError), match=f"{name}: .*integer"):
        getattr(tg, name)(x, *arguments)


def test_many_indices_out_of_range_are_refused_and_nothing_is_written():
    x, index = tg.zeros(10), np.arange(2000) % 10
    index[1500] = 10
    for where in (index, index - 11):
        with pytest.raises(IndexError):
            x[tg.tensor(where)] = 1.0
        with pytest.raises(IndexError):
            x.index_put((tg.tensor(where),), tg.ones(2000))
    assert x.tolist() == [0.0] * 10
