"""What holds for all shapes, axes, indices and equations: random cases against NumPy, gradients against PyTorch.

Where an operation only moves values, its gradient is known without PyTorch: apply the same to an array of numbers
``0, 1, 2, ...``, and see where each came from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ops_cases import Oracle

import tinygrad_lite as tg
from tinygrad_lite.ops.indexing.index_keys import in_two

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
solid = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def values(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 1.1


def gradient(function: Callable[..., Any], *arrays: Any) -> tuple[Any, Any, list[Any]]:
    """Value, the vector it is differentiated with, and the gradients."""
    inputs = [tg.tensor(a, requires_grad=True) for a in arrays]
    out = function(*inputs)
    g = values(out.shape, 1)
    found = tg.autograd.grad(out, inputs, tg.tensor(g), materialize_grads=True) if out.requires_grad else []
    return out.detach().numpy(), g, [d.numpy() for d in found]


def in_torch(torch: Any, function: Callable[..., Any], *arrays: Any) -> tuple[Any, list[Any]]:
    inputs = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = function(*inputs)
    found = torch.autograd.grad(out, inputs, torch.tensor(values(tuple(out.shape), 1)))
    return out.detach().numpy(), [d.numpy() for d in found]


def collected(origin: Any, g: Any, shape: tuple[int, ...]) -> Any:
    """Sums of `g` by where it came from; negative is from nowhere."""
    flat, vector = np.reshape(origin, -1), np.reshape(g, -1)
    total = np.bincount(flat[flat >= 0], vector[flat >= 0], minlength=int(np.prod(shape)))
    return total.astype(np.float64).reshape(shape)


def assert_close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, strict=True)


# --- broadcasting -----------------------------------------------------------------------------------------------


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0))
def test_broadcasting(drawn: Any) -> None:
    x, y = (values(shape, i) for i, shape in enumerate(drawn.input_shapes))
    out, g, (gx, gy) = gradient(tg.mul, x, y)
    np.testing.assert_array_equal(out, x * y)
    for d, a, full in ((gx, x, g * y), (gy, y, g * x)):
        lead = full.ndim - a.ndim
        axes = (*range(lead), *(lead + i for i, n in enumerate(a.shape) if n == 1))
        assert_close(d, np.sum(full, axis=axes).reshape(a.shape))


@quick
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
def test_broadcasting_of_three(oracle: Oracle, drawn: Any) -> None:
    condition, x, y = (values(shape, i) for i, shape in enumerate(drawn.input_shapes))
    out, _, grads = gradient(lambda x, y: tg.where(tg.tensor(condition > 0), x * y, y), x, y)
    expected, others = in_torch(oracle, lambda x, y: oracle.where(oracle.tensor(condition > 0), x * y, y), x, y)
    for a, b in zip([out, *grads], [expected, *others]):
        assert_close(a, b)


# --- reductions -------------------------------------------------------------------------------------------------

REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "var": np.var,
    "std": np.std,
}


@st.composite
def reductions(draw: Any) -> tuple[tuple[int, ...], Any, bool]:
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=3))
    axes = draw(st.none() | hnp.valid_tuple_axes(len(shape), min_size=1) if shape else st.none())
    if axes and len(axes) == 1 and draw(st.booleans()):
        axes = axes[0]
    return shape, axes, draw(st.booleans())


@pytest.mark.parametrize("name", REDUCTIONS)
@quick
@given(case=reductions())
def test_reductions(oracle: Oracle, name: str, case: Any) -> None:
    shape, axes, keep = case
    options = {"correction": 0} if name in ("var", "std") else {}
    dims = tuple(range(len(shape))) if axes is None else axes
    out, _, (d,) = gradient(lambda x: getattr(tg, name)(x, axes, keepdim=keep, **options), values(shape))
    np.testing.assert_allclose(out, REDUCTIONS[name](values(shape), axis=axes, keepdims=keep), rtol=1e-12, atol=1e-12)
    if name == "prod" and not isinstance(dims, int):  # PyTorch's takes one dimension only
        rest = [i for i in range(len(shape)) if i not in {a % len(shape) for a in dims}]
        order = [*rest, *(i for i in range(len(shape)) if i not in rest)]

        def call(x: Any) -> Any:
            y = x.permute(order).reshape([*(shape[i] for i in rest), -1]).prod(-1)
            return y.reshape([n if i in rest else 1 for i, n in enumerate(shape)]) if keep else y
    else:

        def call(x: Any) -> Any:
            return getattr(oracle, name)(x, dims, keepdim=keep, **options)

    _, (expected,) = in_torch(oracle, call, values(shape))
    assert_close(d, expected)


@quick
@given(shapes.filter(lambda s: 0 not in s), st.data())
def test_along_a_dimension(oracle: Oracle, shape: tuple[int, ...], data: Any) -> None:
    dim = data.draw(st.integers(-max(len(shape), 1), max(len(shape), 1) - 1))
    for call in (
        lambda m, x: m.softmax(x, dim), lambda m, x: m.log_softmax(x, dim), lambda m, x: m.logsumexp(x, dim),
        lambda m, x: m.cumsum(x, dim), lambda m, x: m.max(x, dim)[0], lambda m, x: m.sort(x, dim)[0],
    ):  # fmt: skip
        out, _, (d,) = gradient(lambda x, call=call: call(tg, x), values(shape))
        expected, (other,) = in_torch(oracle, lambda x, call=call: call(oracle, x), values(shape))
        assert_close(out, expected)
        assert_close(d, other)


# --- indexing ---------------------------------------------------------------------------------------------------


@st.composite
def indices(draw: Any) -> tuple[tuple[int, ...], Any]:
    """A shape, and anything that NumPy takes in brackets for it."""
    shape = draw(solid)
    kind = draw(st.sampled_from(["basic", "integers", "mask", "masks", "mixed"]))
    if kind == "basic":
        return shape, draw(hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True, max_dims=6))
    if kind == "integers":
        return shape, draw(hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)))
    if kind == "mask":
        lead = draw(st.integers(1, len(shape)))
        return shape, draw(hnp.arrays(np.bool_, shape[:lead]))
    if kind == "masks":
        parts: list[Any] = [
            draw(st.sampled_from([slice(None), slice(1, None), slice(None, None, -1), 0])) for _ in shape
        ]
        at = draw(st.integers(0, len(shape) - 1))
        parts[at] = draw(hnp.arrays(np.bool_, shape[at]))
        assume(in_two(tuple(parts), len(shape)) is None)  # there PyTorch's order is another: test_shape_index.py
        return shape, tuple(parts)
    length = draw(st.integers(1, 3))
    parts = []
    for n in shape:
        array = hnp.arrays(np.intp, length, elements=st.integers(-n, n - 1))
        parts.append(
            draw(array | st.integers(-n, n - 1) | st.sampled_from([slice(None), slice(None, None, 2), slice(0, 1)]))
        )
    assume(in_two(tuple(parts), len(shape)) is None)
    return shape, tuple(parts)


def lists(index: Any) -> Any:
    """Some of the arrays as lists and Tensors, which mean the same."""
    if isinstance(index, tuple):
        return tuple(lists(p) for p in index)
    if isinstance(index, np.ndarray) and index.size:
        return tg.tensor(index) if index.size % 2 else index.tolist()
    return index


def as_lists(index: Any) -> Any:
    """As `lists`; alone in brackets, a list of lists would be a tuple."""
    found = lists(index)
    return (found,) if isinstance(found, list) and index.ndim > 1 else found


@settings(quick, max_examples=250)
@given(indices())
def test_reading(case: Any) -> None:
    shape, index = case
    x = values(shape)
    origin = np.arange(x.size).reshape(shape)[index]
    for key in (index, as_lists(index)):
        out, g, (d,) = gradient(lambda t, key=key: t[key], x)
        np.testing.assert_array_equal(out, x[index], strict=True)
        assert_close(d, collected(origin, g, shape))


@settings(quick, max_examples=250)
@given(indices(), st.data())
def test_writing(case: Any, data: Any) -> None:
    shape, index = case
    x = values(shape)
    part = x[index].shape
    source = data.draw(st.sampled_from([part, part[1:], (), tuple(1 for _ in part)]))
    v = values(source, 2)

    def write(t: Any, value: Any) -> Any:
        t = t * 1.0
        t[index] = value
        return t

    out, g, (dx, dv) = gradient(write, x, v)
    expected, writer = x.copy(), np.full(shape, -1)
    expected[index] = v
    writer[index] = np.arange(v.size).reshape(source)  # which of the values arrived where
    np.testing.assert_array_equal(out, expected)
    assert_close(dx, np.where(writer < 0, g, 0.0))
    assert_close(dv, collected(writer, g, source))


@quick
@given(indices(), st.data())
def test_writing_second_order(case: Any, data: Any) -> None:
    shape, index = case
    x, v = values(shape) + 0.05, values(values(shape)[index].shape, 2) + 0.05

    def call(t: Any, value: Any) -> Any:
        t = t * t
        t[index] = value * value
        return (t * t * t).sum() + t[index].sum()

    inputs = [tg.tensor(a, requires_grad=True) for a in (x, v)]
    assert tg.gradgradcheck(call, inputs, mode="random", allow_zero=True, rtol=1e-3, atol=1e-3)


# --- arranging --------------------------------------------------------------------------------------------------


@st.composite
def steps(draw: Any) -> tuple[tuple[int, ...], list[tuple[str, Any]]]:
    """A chain of operations that only move values."""
    shape = start = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    chain: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(
                ["permute", "reshape", "slice", "unsqueeze", "squeeze", "expand", "flip", "roll", "cat", "tile"]
            )
        )
        n, option = len(shape), None
        dim = draw(st.integers(-n, n - 1)) if n else 0
        if kind == "permute":
            option = tuple(draw(st.permutations(range(n))))
        elif kind == "reshape":
            option = draw(st.sampled_from([(-1,), (*shape, 1), (1, -1), shape[::-1]]))
        elif kind == "slice" and n:
            option = draw(
                st.sampled_from([slice(1, None), slice(None, None, 2), slice(None, None, -1), slice(0, 1), 0])
            )
        elif kind in ("unsqueeze", "squeeze", "flip", "cat"):
            option = dim
        elif kind == "expand":
            option = (2, *shape)
        elif kind in ("roll", "tile"):
            option = draw(st.integers(1, 3))
        if kind in ("slice", "flip", "cat", "roll", "squeeze") and not n:
            continue
        chain.append((kind, option))
        shape = applied(np.zeros(shape), chain[-1:]).shape
        if np.prod(shape) > 300:
            break
    return start, chain


def applied(x: Any, chain: list[tuple[str, Any]]) -> Any:
    """The chain on an array, with NumPy's functions, or on a Tensor, with PyTorch's names."""
    ours = isinstance(x, tg.Tensor)
    for kind, option in chain:
        if kind == "permute":
            x = x.permute(option) if ours else np.transpose(x, option)
        elif kind == "reshape":
            x = x.reshape(option)
        elif kind == "slice":
            x = x[..., option]
        elif kind == "unsqueeze":
            x = x.unsqueeze(option) if ours else np.expand_dims(x, option)
        elif kind == "squeeze":
            x = x.squeeze(option) if ours else np.squeeze(x, option) if x.shape[option] == 1 else x
        elif kind == "expand":
            x = x.expand(option) if ours else np.broadcast_to(x, option)
        elif kind == "flip":
            x = x.flip(option) if ours else np.flip(x, option)
        elif kind == "roll":
            x = tg.roll(x, option, -1) if ours else np.roll(x, option, -1)
        elif kind == "cat":
            x = tg.cat([x, x[:1]], 0) if ours else np.concatenate([x, x[:1]], 0)
        elif kind == "tile":
            x = tg.tile(x, (option,)) if ours else np.tile(x, (option,))
    return x


@settings(quick, max_examples=200)
@given(steps())
def test_arranging(case: Any) -> None:
    shape, chain = case
    x = values(shape)
    out, g, (d,) = gradient(lambda t: applied(t, chain), x)
    np.testing.assert_array_equal(out, applied(x, chain), strict=True)
    origin = applied(np.arange(x.size).reshape(shape), chain)
    assert_close(d, collected(origin, g, shape))


# --- products ---------------------------------------------------------------------------------------------------


@settings(quick, max_examples=150)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=3, max_side=3))
def test_matmul(oracle: Oracle, drawn: Any) -> None:
    x, y = (values(shape, i) for i, shape in enumerate(drawn.input_shapes))
    out, _, grads = gradient(tg.matmul, x, y)
    assert_close(out, np.asarray(np.matmul(x, y)))
    _, others = in_torch(oracle, oracle.matmul, x, y)
    for a, b in zip(grads, others):
        assert_close(a, b)


@st.composite
def equations(draw: Any) -> tuple[str, list[tuple[int, ...]]]:
    size = {c: draw(st.integers(1, 3)) for c in "abcd"}
    dots = draw(st.sampled_from([(), (2,), (2, 3)]))
    terms, sizes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.text("abcd", max_size=3))
        use = draw(st.integers(0, len(dots))) if draw(st.booleans()) else None
        at = draw(st.integers(0, len(letters)))
        inner = () if use is None else tuple(draw(st.sampled_from([n, 1])) for n in dots[len(dots) - use :])
        terms.append(letters if use is None else f"{letters[:at]}...{letters[at:]}")
        sizes.append((*(size[c] for c in letters[:at]), *inner, *(size[c] for c in letters[at:])))
    equation = ",".join(terms)
    if draw(st.booleans()):
        used = sorted({c for t in terms for c in t if c != "."})
        out = draw(st.lists(st.sampled_from(used), unique=True)) if used else []
        at = draw(st.integers(0, len(out)))
        equation += "->" + ("".join([*out[:at], "...", *out[at:]]) if "..." in equation else "".join(out))
    return equation, sizes


@settings(quick, max_examples=200)
@given(equations())
def test_einsum(oracle: Oracle, case: Any) -> None:
    equation, sizes = case
    arrays = [values(shape, i) for i, shape in enumerate(sizes)]
    out, _, grads = gradient(lambda *ts: tg.einsum(equation, *ts), *arrays)
    assert_close(out, np.asarray(np.einsum(equation, *arrays)))
    _, others = in_torch(oracle, lambda *ts: oracle.einsum(equation, *ts), *arrays)
    for a, b in zip(grads, others):
        assert_close(a, b)


@quick
@given(st.data())
def test_tensordot(data: Any) -> None:
    x, y = values((2, 3, 4)), values((4, 3, 2), 1)
    count = data.draw(st.integers(0, 3))
    left = data.draw(st.permutations([0, 1, 2]))[:count]
    right = [2 - i for i in left]
    g = values(np.tensordot(x, y, (left, right)).shape, 1)
    out, _, (dx, dy) = gradient(lambda a, b: tg.tensordot(a, b, (left, right)), x, y)
    assert_close(out, np.asarray(np.tensordot(x, y, (left, right))))
    step = values(x.shape, 5)  # the map is linear in each argument: <g, A(step)> = <A*(g), step>
    np.testing.assert_allclose(np.sum(g * np.tensordot(step, y, (left, right))), np.sum(dx * step), rtol=1e-9)
    step = values(y.shape, 6)
    np.testing.assert_allclose(np.sum(g * np.tensordot(x, step, (left, right))), np.sum(dy * step), rtol=1e-9)
