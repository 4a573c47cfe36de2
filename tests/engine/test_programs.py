"""Random programs of ten operations: as in PyTorch, the same with both backends, and as central differences say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from programs import REFUSALS, Machine, Program, programs

import tinygrad_lite as tg
from tinygrad_lite import kernels

quick = settings(deadline=None, derandomize=True, database=None)
pytestmark = pytest.mark.filterwarnings("ignore")  # both libraries warn of means of nothing, and of what is deprecated

# What one library gives and the other one refuses, by the words of the one that refuses. The program ends there.
PYTORCH_REFUSES = {
    "modified by an inplace operation": "each keeps other values; `check` compares with a PyTorch that keeps copies",
    "source and destination dtypes match": "an assignment casts, also with arrays as indices",
    "(must|to) have the same dtype": "products promote, as all other operations do",
    r"shape of the mask \[0\]": "NumPy takes a mask without elements for any dimension",
    "returned an invalid gradient at index": "its gradient of a scatter without indices has the wrong shape",
}
REFUSED_HERE = {
    "is expanded, several of its elements|memory is read-only": "a write to part of an expanded tensor, or to windows",
    "(roll|take_along_dim|index_(add|copy|fill|put)_?): (dim|indices) must be|out of bounds for (axis|dimension)":
        "arguments that are wrong, though there are no elements that need them",
    "matmul at .* needs its": "PyTorch's keeps a copy of an operand that it had to copy for broadcasting",
    "einsum at .* needs its 'operands'": "all of them are kept, though only one may require grad",
}  # fmt: skip


def attempt(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except REFUSALS as error:
        return None, error


def same(ours: Any, theirs: Any, rtol: float, where: str) -> None:
    """Tensors, None, or lists of these: equal values, shapes, dtypes, `requires_grad` and `is_leaf`."""
    if isinstance(theirs, list):
        assert len(ours) == len(theirs), where
        for i, (a, b) in enumerate(zip(ours, theirs)):
            same(a, b, rtol, f"{where}[{i}]")
        return
    assert (ours is None) == (theirs is None), f"{where}: {ours} and {theirs}"
    if ours is None:
        return
    a, b = (t.detach().numpy() for t in (ours, theirs))
    assert (a.shape, a.dtype) == (b.shape, b.dtype), where
    history = [(t.requires_grad, t.is_leaf) for t in (ours, theirs)]
    assert history[0] == history[1], f"{where}: requires_grad and is_leaf are {history[0]} and {history[1]}"
    if not np.array_equal(a, b):
        np.testing.assert_allclose(a, b, rtol, rtol, err_msg=where)


def both(ours: Callable[[], Any], theirs: Callable[[], Any], where: str) -> tuple[str, Any, Any]:
    """What both give, and "same" if both do or refuse, else which of the tables knows why they do not."""
    (a, error), (b, expected) = attempt(ours), attempt(theirs)
    if (error is None) == (expected is None):
        return "same", a, b
    for known, table in (("more", PYTORCH_REFUSES), ("less", REFUSED_HERE)):
        if any(re.search(words, str(expected if known == "more" else error)) for words in table):
            return known, a, b
    raise AssertionError(f"{where}: {error!r}, and PyTorch: {expected!r}") from error


def steps(a: Machine, b: Machine, program: Program, rtol: float) -> str:
    """Two machines side by side, the second one of the oracle: the same tensors after each instruction."""
    for i, (name, data) in enumerate(program):
        where = f"{i} {name}"
        how, wrote, _ = both(lambda: a.step(name, data), lambda: b.step(name, data), where)  # noqa: B023
        if how != "same":
            return how
        same(a.pool if wrote else a.pool[-1], b.pool if wrote else b.pool[-1], rtol, where)
    return "same"


def passes(a: Machine, b: Machine, rtol: float) -> str:
    """The same gradients in every pass."""
    pairs = a.gradients(), b.gradients()
    for i in range(4):
        how, *found = both(*[lambda p=p: list(next(p, [])) for p in pairs], f"pass {i}")
        if how != "same" or None in found:
            return how
        same(*found, rtol, f"pass {i}")
    return "same"


def tolerance(program: Program) -> float:
    return 1e-3 if any(name == "float" for name, _ in program) else 1e-8


def check(program: Program, torch: Any) -> str:
    """The program in both libraries, then the gradients of all leaves."""

    def run() -> str:
        a, b, rtol = Machine(tg), Machine(torch), tolerance(program)
        how = steps(a, b, program, rtol)
        return passes(a, b, rtol) if how == "same" else how

    how = run()
    if how == "more":  # a graph that keeps copies still knows the values that were overwritten
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):
            run()
    return how


@settings(quick, max_examples=300)
@given(programs())
def test_as_pytorch(program: Program) -> None:
    """Instruction by instruction the same tensors, and then the same gradients, or both refuse."""
    check(program, pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra"))


@settings(quick, max_examples=150)
@given(programs())
def test_backends_agree(program: Program) -> None:
    """The same values, gradients and refusals with numba and without."""
    outcomes = []
    for backend in ("numpy", "numba"):
        with kernels.use(backend):
            machine = Machine(tg)
            refused = [str(attempt(lambda: machine.step(name, data))[1]) for name, data in program]  # noqa: B023
            found, error = attempt(lambda: [list(grads) for grads in machine.gradients()])  # noqa: B023
        outcomes.append((refused, str(error), machine.pool, found))
    plain, compiled = outcomes
    assert plain[:2] == compiled[:2]
    same(list(compiled[2:]), list(plain[2:]), tolerance(program), "numba and NumPy")


@settings(quick, max_examples=12)
@given(programs("smooth", 6))
def test_gradients_are_central_differences(program: Program) -> None:
    """Of programs without writes and without kinks, at orders 1 and 2."""

    def loss(*leaves: Any) -> Any:
        machine = Machine(tg, leaves)
        for name, data in program:
            attempt(lambda: machine.step(name, data))  # noqa: B023
        return machine.loss()

    leaves = Machine(tg).leaves
    assume(np.isfinite(loss(*leaves).item()))  # no mean of nothing
    options = {"mode": "random", "allow_zero": True, "rtol": 1e-3, "atol": 1e-3}
    assert tg.gradcheck(loss, leaves, **options)
    assert tg.gradgradcheck(loss, leaves, **options)


# --- what such programs have found ------------------------------------------------------------------------------


def leaf(*shape: int) -> Any:
    return tg.tensor(np.arange(1.0, np.prod(shape) + 1).reshape(shape), requires_grad=True)


def test_gradient_of_an_array_between_an_ellipsis_and_a_slice() -> None:
    """The slice behind the array was dropped, so that the array named places of another dimension."""
    x = leaf(2, 3, 3)
    x[..., tg.tensor([2, 0]), :].sum().backward()
    assert x.grad[:, :, 0].tolist() == [[1.0, 0.0, 1.0]] * 2


def test_an_ellipsis_between_arrays_that_stands_for_nothing() -> None:
    """NumPy moves the arrays' dimensions to the front."""
    x, i = leaf(2, 3), tg.tensor([[0], [1]])
    assert x[None, i, ..., i].shape == (1, 2, 1)
    x.detach()[None, i, ..., i] = tg.tensor([[[7.0], [8.0]]])
    assert x[i, i].tolist() == [[7.0], [8.0]]


def test_view_as_is_a_view_or_nothing() -> None:
    with pytest.raises(RuntimeError, match="view"):
        tg.zeros(3, 2).T.view_as(tg.zeros(6))


def test_second_derivatives_of_writing_to_a_number() -> None:
    x = leaf()
    t = x * 0.5
    t[...] = x * x
    (g,) = tg.autograd.grad(t * t, x, create_graph=True)  # of x^4
    assert (g.item(), tg.autograd.grad(g, x)[0].item()) == (4.0, 12.0)


def test_dimensions_of_a_number() -> None:
    x = leaf()
    assert x.mT is x
    assert x.movedim(0, -1).shape == ()
    with pytest.raises(IndexError, match=r"movedim: dim must be in \[-1, 0\], got 1"):
        x.movedim(0, 1)
    for name, arguments in (("narrow", (0, 0, 1)), ("split", (1,)), ("chunk", (2,)), ("unbind", ())):
        with pytest.raises(RuntimeError, match=rf"{name}: the input must have at least 1 dimension, got shape \(\)"):
            getattr(x, name)(*arguments)


def test_flattening_one_dimension_is_nothing() -> None:
    x = leaf(2, 3)
    assert x.flatten(1, -1) is x
    assert leaf().flatten().shape == (1,)


def test_ravel_copies_what_is_out_of_order() -> None:
    x = tg.zeros(3, 2)
    x[:, :1].ravel().add_(1.0)
    assert x.sum() == 0
    x.ravel().add_(1.0)
    assert x.sum() == 6


def test_a_view_without_elements_is_a_view() -> None:
    x = leaf(0, 3)
    assert not x.transpose(0, 1).is_leaf
    with pytest.raises(RuntimeError, match="zero_: a view of a leaf Tensor that requires grad must not be changed"):
        x.view(-1).zero_()


def test_nothing_is_overwritten_where_there_is_nothing() -> None:
    x = leaf(0, 3)
    h = x * 1.0
    y = h * h
    h.zero_()
    y.sum().backward()
    assert x.grad.shape == (0, 3)


def test_no_indices_along_a_dimension_without_elements() -> None:
    out = tg.take_along_dim(leaf(1, 0, 0), tg.zeros(1, 2, 0, dtype=tg.int64), 1)
    assert out.shape == (1, 2, 0)


def test_a_number_is_no_source_for_a_matrix() -> None:
    with pytest.raises(RuntimeError, match=r"index_copy: source must have shape \(1, 1\), got \(\)"):
        tg.zeros(1, 1).index_copy(0, tg.tensor([0]), tg.tensor(1.0))
