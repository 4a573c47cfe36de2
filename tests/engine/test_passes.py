"""What a backward pass leaves behind: gradients in memory of their own, and a graph that may be gone through again."""

from __future__ import annotations

import copy
import itertools
import warnings
from typing import Any

import numpy as np
import pytest
from ops_cases import Row, names
from ops_table import OPS
from oracle import Programs, agree
from test_nn_layers import build, called_rows, joined
from test_nn_layers import tensors as layer_tensors
from test_ops import given, listed, tensors, vectors

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.rules import differentiable

every_row = pytest.mark.each("row", [pytest.param(row, id=name) for row, name in zip(OPS, names(OPS))])


def leaf(values: Any) -> Any:
    return tg.tensor(np.asarray(values, np.float64), requires_grad=True)


# --- a gradient owns its memory -------------------------------------------------------------------------------------


def assert_apart_and_doubled(leaves: list[Any], outs: list[Any], others: list[Any]) -> None:
    """One pass: no gradient shares memory with anything. A second: twice the gradient, in the same memory."""
    outs = [o for o in outs if o.requires_grad]
    if not outs:
        return
    seeds = [tg.tensor(v.astype(o.dtype)) for o, v in zip(outs, vectors(outs))]
    before = [s.numpy().copy() for s in seeds]
    tg.autograd.backward(outs, seeds, retain_graph=True)
    grads = [t.grad for t in leaves if t.grad is not None]
    arrays = [g.numpy() for g in grads]
    for a, b in itertools.combinations(arrays, 2):
        assert not np.may_share_memory(a, b)
    for a, b in itertools.product(arrays, [*others, *outs, *leaves, *seeds]):
        assert not np.may_share_memory(a, b.detach().numpy())
    once = [a.copy() for a in arrays]
    tg.autograd.backward(outs, seeds)
    for g, array, first in zip(grads, arrays, once):
        assert g.numpy() is array
        np.testing.assert_array_equal(array, 2 * first)
    for s, b in zip(seeds, before):
        np.testing.assert_array_equal(s.numpy(), b)


@every_row
def test_gradients_of_every_operation_own_their_memory(row: Row) -> None:
    for backend in ("numba", "numpy"):
        with kernels.use(backend), np.errstate(all="ignore"):
            inputs = tensors(row)
            outs = listed(row.call(tg, *inputs))
            assert_apart_and_doubled([t for t in inputs if t.requires_grad], outs, inputs)


@called_rows
def test_gradients_of_every_layer_own_their_memory(row: Any) -> None:
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            module, inputs = build(row), layer_tensors(row)
            out = joined(module(*inputs))
            leaves = [*module.parameters(), *(t for t in inputs if t.requires_grad)]
            assert_apart_and_doubled(leaves, [out], [*inputs, *module.buffers()])


@differentiable(x=lambda g, y: y, y=lambda g, x: x)
def _inputs_for_gradients(x: Any, y: Any) -> Any:
    return x * y


@differentiable(joint=((("x", "y"), lambda g: (g, g)),))
def _one_for_both(x: Any, y: Any) -> Any:
    return x + y


@differentiable(joint=((("x", "y"), lambda g: tuple(np.stack([g, g]))),))
def _halves_of_a_buffer(x: Any, y: Any) -> Any:
    return x + y


@pytest.mark.parametrize("op", [_inputs_for_gradients, _one_for_both, _halves_of_a_buffer], ids=lambda op: op.name)
def test_whatever_a_rule_returns(op: Any) -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 5.0])
    assert_apart_and_doubled([x, y], [op(x, y)], [])
    found = tg.autograd.grad(op(x, y), [x, y, x], tg.ones(2, dtype=tg.float64))
    for a, b in itertools.combinations([*found, x, y, x.grad, y.grad], 2):
        assert not np.may_share_memory(a.detach().numpy(), b.detach().numpy())


def test_results_of_a_recorded_grad_are_apart() -> None:
    x, y, v = leaf([1.0, 2.0]), leaf([3.0, 5.0]), tg.ones(2, dtype=tg.float64)
    found = tg.autograd.grad(x + y.reshape(2), [x, y, x], v, create_graph=True)
    for a, b in itertools.combinations([*found, v], 2):
        assert not np.may_share_memory(a.detach().numpy(), b.numpy(force=True))


def test_a_gradient_that_nobody_else_has_is_not_copied() -> None:
    made: list[int] = []

    @differentiable(x=lambda g: _noted(g * 2, made))
    def doubled(x: Any) -> Any:
        return 2 * x

    x = leaf([1.0, 2.0])
    doubled(x).backward(tg.ones(2, dtype=tg.float64))
    assert made == [x.grad.numpy().ctypes.data]


def _noted(array: Any, places: list[int]) -> Any:
    places.append(array.ctypes.data)
    return array


# --- a second pass --------------------------------------------------------------------------------------------------

PROGRAMS = Programs()


def twice(*functions: Any) -> Any:
    """For each function whether its graph may be gone through twice, and the gradient."""

    def program(m: Any) -> Any:
        found = []
        for function in functions:
            x = m.tensor([[0.5, -1.0], [2.0, 3.0]], dtype=m.float64, requires_grad=True)
            out = function(m, x).sum()
            try:
                for _ in range(2):
                    out.backward()
                found.append(x.grad)
            except RuntimeError as error:
                if "through the graph a second time" not in str(error):
                    raise
                found.append("refused")
        return found

    return program


NOTHING_KEPT = {
    "float": lambda m, x: x.float(), "reshape": lambda m, x: x.reshape(4), "add": lambda m, x: x + x,
    "sub": lambda m, x: 1.0 - x, "neg": lambda m, x: -x, "cat": lambda m, x: m.cat([x, x]),
    "stack": lambda m, x: m.stack([x, x], 1), "select": lambda m, x: x[0], "slice": lambda m, x: x[:, 1:],
    "expand": lambda m, x: x.expand(3, 2, 2), "sum": lambda m, x: x.sum(0), "mean": lambda m, x: x.mean(1),
    "clone": lambda m, x: x.clone(), "permute": lambda m, x: x.permute(1, 0), "split": lambda m, x: x.split(1)[1],
    "pad": lambda m, x: m.nn.functional.pad(x, (1, 0)), "flip": lambda m, x: x.flip(0), "roll": lambda m, x: x.roll(1),
    "unsqueeze": lambda m, x: x.unsqueeze(1), "repeat": lambda m, x: x.repeat(2, 1), "tril": lambda m, x: x.tril(),
    "diagonal": lambda m, x: x.diagonal(), "number": lambda m, x: x * 3.0, "unbind": lambda m, x: x.unbind(1)[0],
    "trace": lambda m, x: m.trace(x), "cumsum": lambda m, x: x.cumsum(0),
}  # fmt: skip
VALUES_KEPT = {
    "mul": lambda m, x: x * x, "exp": lambda m, x: x.exp(), "matmul": lambda m, x: x @ x, "div": lambda m, x: 1.0 / x,
    "relu": lambda m, x: x.relu(), "max": lambda m, x: x.amax(0), "take": lambda m, x: x[m.tensor([1, 0])],
    "prod": lambda m, x: x.prod(), "norm": lambda m, x: x.norm(), "softmax": lambda m, x: x.softmax(0),
}  # fmt: skip


@pytest.mark.each("name", NOTHING_KEPT)
def test_what_keeps_nothing_may_be_passed_twice(name: str) -> None:
    (found,) = twice(NOTHING_KEPT[name])(tg)
    x = leaf([[0.5, -1.0], [2.0, 3.0]])
    NOTHING_KEPT[name](tg, x).sum().backward()
    assert found.tolist() == (2 * x.grad).tolist()


@pytest.mark.parametrize("name", VALUES_KEPT)
def test_what_kept_a_value_may_not(name: str) -> None:
    assert twice(VALUES_KEPT[name])(tg) == ["refused"]


@pytest.mark.each("name", [n for n in (*NOTHING_KEPT, *VALUES_KEPT) if n != "number"])  # PyTorch saves 3.0
def test_second_passes_as_pytorch(name: str) -> None:
    agree(twice({**NOTHING_KEPT, **VALUES_KEPT}[name]), rtol=1e-7)


KEEPS_ARRAYS = ("einsum", "matrix_power", "as_strided", "affine_grid")  # where PyTorch keeps sizes: refused, not wrong


@pytest.mark.each(
    "row",
    [
        pytest.param(row, id=name)
        for row, name in zip(OPS, names(OPS))
        if row.in_torch and not row.name.startswith(KEEPS_ARRAYS)
    ],
)
def test_every_operation_passes_twice_where_pytorchs_does(row: Row, oracle: Any) -> None:
    torch = pytest.importorskip("torch")
    arrays = row.draw()

    def passes(inputs: list[Any], result: Any, library: Any) -> Any:
        outs = [o for o in listed(result) if o.requires_grad]
        seeds = [library.ones_like(o) for o in outs]
        leaves = [t for t in inputs if t.requires_grad]
        try:
            for _ in range(2 if outs else 0):
                found = library.autograd.grad(outs, leaves, seeds, allow_unused=True)
        except RuntimeError as error:
            if "through the graph a second time" not in str(error):
                raise
            return None
        return [None if g is None else g.numpy() for g in found] if outs else []

    others = [torch.from_numpy(a.copy()) for a in arrays]
    for t, g in zip(others, row.inputs):
        t.requires_grad_(g.differentiable and t.dtype.is_floating_point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if passes(others, row.call(oracle, *others), torch) is None:
            return
    ours = given(row, arrays)
    assert passes(ours, row.call(tg, *ours), tg) is not None


@PROGRAMS
def casts_at_the_beginning(m: Any) -> Any:
    x = m.tensor([1.0, 2.0, 3.0], dtype=m.float64, requires_grad=True)
    y = x.float()
    for _ in range(2):
        (y * y).sum().backward()
    return x.grad


@PROGRAMS
def a_custom_function_that_saves_nothing(m: Any) -> Any:
    class Twice(m.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    x = m.tensor([1.0, 2.0], requires_grad=True)
    y = Twice.apply(x).sum()
    y.backward()
    y.backward()
    return x.grad


# --- writes through .data -------------------------------------------------------------------------------------------


def _write(write: Any) -> Any:
    def program(m: Any) -> Any:
        w, x = m.tensor([1.0, 2.0], requires_grad=True), m.tensor([3.0, 5.0], requires_grad=True)
        y = w * x
        write(m, w)
        y.sum().backward()
        return w.detach(), x.grad

    return program


@pytest.mark.parametrize(
    ("write", "grad"),
    [
        (lambda m, w: w.data.add_(1.0), [2.0, 3.0]),
        (lambda m, w: w.data[1:].mul_(2.0), [1.0, 4.0]),
        (lambda m, w: w.data.data.zero_(), [0.0, 0.0]),
        (lambda m, w: w.data.detach().zero_(), [0.0, 0.0]),
        (lambda m, w: setattr(w, "data", w.data.mul_(3.0)), [3.0, 6.0]),
        (lambda m, w: w.detach().add_(1.0), None),
        (lambda m, w: w.detach()[0].add_(1.0), None),
    ],
)
def test_writes_through_data_are_not_counted_and_through_detach_are(write: Any, grad: Any) -> None:
    if grad is None:
        with pytest.raises(RuntimeError, match="has overwritten it"):
            _write(write)(tg)
    else:
        assert _write(write)(tg)[1].tolist() == grad
    agree(_write(write))


@pytest.mark.parametrize("again", [lambda w: w.data, lambda w: w.data[:], lambda w: w.data.t().t()])
def test_data_shares_memory_and_no_chain_grows(again: Any) -> None:
    w = tg.arange(6.0).reshape(2, 3).t()
    for _ in range(10):
        w.data = again(w)
    depth, array = 0, w.numpy()
    while (array := array.obj if type(array) is memoryview else array.base) is not None:
        depth += 1
    assert depth <= 5
    w.data[0, 0] = 7.0
    assert w[0, 0].item() == 7.0


# --- tensors cut into many parts ------------------------------------------------------------------------------------

CUTS = {
    "index": lambda m, x: [x[i] for i in range(len(x))],
    "iterate": lambda m, x: list(x),
    "unbind": lambda m, x: x.unbind(),
    "split": lambda m, x: x.split(1),
    "overlapping": lambda m, x: [x[i : i + 2] for i in range(len(x) - 1)] + [x * 2.0, x[0]],
    "by arrays": lambda m, x: [x[m.tensor([i, i, 0])] for i in range(len(x))],
    "views of views": lambda m, x: [x.t()[:, i] for i in range(len(x))] + [x[1][0]],
}


@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("create", [False, True])
def test_many_parts_as_pytorch(name: str, create: bool) -> None:
    def program(m: Any) -> Any:
        x = m.arange(8.0, dtype=m.float64).reshape(4, 2).requires_grad_()
        loss = sum((part**3 * (i + 1)).sum() for i, part in enumerate(CUTS[name](m, x)))
        (g,) = m.autograd.grad(loss, x, create_graph=create)
        return (g, *m.autograd.grad((g * g).sum(), x)) if create else g

    agree(program)


@pytest.mark.parametrize("create", [False, True])
def test_many_parts_are_gathered_in_one_array(create: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    x = leaf(np.arange(100.0))
    made = []
    zeros = np.zeros
    monkeypatch.setattr(np, "zeros", lambda shape, *a, **k: made.append(shape) or zeros(shape, *a, **k))
    (g,) = tg.autograd.grad(sum(x[i] * i for i in range(100)), x, create_graph=create)
    assert made.count((100,)) == 1
    assert g.tolist() == list(range(100))


# --- what a rule returns is looked at -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("returned", "error", "came"),
    [
        (lambda g: np.sum(g), RuntimeError, r"got \(\)"),
        (lambda g: g[:, :1], RuntimeError, r"got \(2, 1\)"),
        (lambda g: g[0, :1], RuntimeError, r"got \(1,\)"),
        (lambda g: g.T, RuntimeError, r"got \(3, 2\)"),
        (lambda g: 1.0, TypeError, "got float"),
        (lambda g: None, TypeError, "got NoneType"),
        (lambda g: [1.0], TypeError, "got list"),
    ],
)
@pytest.mark.parametrize("joint", [False, True])
def test_a_gradient_that_does_not_fit_is_named(returned: Any, error: Any, came: str, joint: bool) -> None:
    rules = {"joint": ((("x",), lambda g: (returned(g),)),)} if joint else {"x": returned}
    wrong = differentiable(lambda x: x * 2, name="wrong", **rules)
    out = wrong(leaf(np.ones((2, 3))))
    if joint and "None" in came:
        return  # no gradient, which a joint rule may say
    with pytest.raises(error, match=f"wrong: the rule for 'x' must return .* shape \\(2, 3\\), {came}"):
        out.backward(tg.ones(2, 3, dtype=tg.float64))


# --- views ----------------------------------------------------------------------------------------------------------


@PROGRAMS
def retain_grad_of_a_view_survives_a_write_to_its_base(m: Any) -> Any:
    x = m.tensor([1.0, 2.0, 3.0], requires_grad=True)
    base = x * 2
    view = base[1:]
    view.retain_grad()
    base.mul_(3.0)
    (view * view).sum().backward()
    return view.grad, x.grad, view.retains_grad


@PROGRAMS.parameters()
def test_as_pytorch(program: Any) -> None:
    agree(program)


def test_retain_grad_of_a_view_of_a_written_base() -> None:
    view, grad, retains = retain_grad_of_a_view_survives_a_write_to_its_base(tg)
    assert (view.tolist(), grad.tolist(), retains) == ([24.0, 36.0], [0.0, 144.0, 216.0], True)


def test_deep_copies_share_memory_where_the_originals_do() -> None:
    a = tg.arange(4.0)
    copied, part, turned = copy.deepcopy([a, a[1:], a.reshape(2, 2).t()])
    copied.mul_(10.0)
    assert part.tolist() == [10.0, 20.0, 30.0]
    assert turned.tolist() == [[0.0, 20.0], [10.0, 30.0]]
    assert a.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert not np.may_share_memory(a.numpy(), copied.numpy())


# --- what was not selected ------------------------------------------------------------------------------------------

UNSELECTED = {
    "where": (lambda m, x: m.where(x > 1, x, 0.0), [0, 0, 1, 1]),
    "max": (lambda m, x: x.max(), [0, 0, 0, 1]),
    "min": (lambda m, x: x.min(), [1, 0, 0, 0]),
    "max along": (lambda m, x: x.max(0)[0], [0, 0, 0, 1]),
    "clamp": (lambda m, x: x.clamp(max=1.5), [1, 1, 0, 0]),
    "index": (lambda m, x: x[[1, 3]], [0, 1, 0, 1]),
    "slice": (lambda m, x: x[1:3], [0, 1, 1, 0]),
    "relu": (lambda m, x: x.relu(), [0, 1, 1, 1]),
    "masked_fill": (lambda m, x: x.masked_fill(x > 1, 0.0), [1, 1, 0, 0]),
    "sort": (lambda m, x: x.sort()[0][2:], [0, 0, 1, 1]),
    "masked_select": (lambda m, x: x.masked_select(x < 1), [1, 1, 0, 0]),
    "tril": (lambda m, x: x.reshape(2, 2).tril(), [1, 0, 1, 1]),
    "maximum": (lambda m, x: m.maximum(x, m.ones_like(x)), [0, 0, 1, 1]),
    "topk": (lambda m, x: x.topk(1)[0], [0, 0, 0, 1]),
    "threshold": (lambda m, x: m.nn.functional.threshold(x, 1.0, 0.0), [0, 0, 1, 1]),
    "median": (lambda m, x: x.median(), [0, 1, 0, 0]),
    "hardtanh": (lambda m, x: m.nn.functional.hardtanh(x), [0, 1, 0, 0]),
    "gather": (lambda m, x: x.gather(0, m.tensor([2])), [0, 0, 1, 0]),
    "amax along": (lambda m, x: x.amax(0), [0, 0, 0, 1]),
    "amin along": (lambda m, x: x.reshape(1, 4).amin(1), [1, 0, 0, 0]),
    "cross_entropy": (lambda m, x: m.nn.functional.cross_entropy(x.reshape(2, 2), m.tensor([1, -100])), [1, 1, 0, 0]),
    "embedding": (
        lambda m, x: m.nn.functional.embedding(m.tensor([0, 1]), x.reshape(2, 2), padding_idx=0),
        [0, 0, 1, 1],
    ),
}


INF_TIMES_0 = ("cross_entropy", "amax along", "amin along")  # where PyTorch has inf - inf or 0 * inf


@pytest.mark.each("name", UNSELECTED)
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_an_infinite_gradient_stays_where_it_was_selected(name: str, value: float) -> None:
    function, selected = UNSELECTED[name]

    def program(m: Any) -> Any:
        x = m.tensor([-2.0, 0.5, 2.0, 3.0], dtype=m.float64, requires_grad=True)
        out = function(m, x)
        out.backward(m.full_like(out, value))
        return x.grad

    found = program(tg).numpy()
    assert (found == 0).tolist() == [not s for s in selected]
    assert not np.isfinite(found[np.array(selected, bool)]).any()


@pytest.mark.parametrize("name", [n for n in UNSELECTED if n not in INF_TIMES_0])
def test_infinite_gradients_as_pytorch(name: str) -> None:
    def program(m: Any) -> Any:
        x = m.tensor([-2.0, 0.5, 2.0, 3.0], dtype=m.float64, requires_grad=True)
        out = UNSELECTED[name][0](m, x)
        out.backward(m.full_like(out, np.inf))
        return x.grad

    agree(program)


def both(x):
    return np.exp(x), np.exp(2 * x)


def test_a_rule_may_keep_one_of_several_results():
    row = differentiable(both, x=lambda g, out_0, out_1: sum_of(g.values, (out_0, 2 * out_1)))
    x = tg.tensor([0.1, -0.3], dtype=tg.float64, requires_grad=True)
    assert tg.gradcheck(lambda x: row(x)[0] * row(x)[1], x)
    assert tg.gradgradcheck(lambda x: row(x)[0] + row(x)[1].sin(), x)
    first, _ = row(x)
    first.detach().zero_()
    with pytest.raises(RuntimeError, match="both .* needs its result, but zero_"):
        first.sum().backward()
    with pytest.raises(TypeError, match="NAME_shape or out_NUMBER, got 'out_x'"):
        differentiable(both, x=lambda g, out_x: g)(x)


def sum_of(gradients, slopes):
    terms = [g * slope for g, slope in zip(gradients, slopes) if g is not None]
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]
