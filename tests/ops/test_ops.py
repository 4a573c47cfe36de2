"""What every operation must do, over the rows of `ops_table.OPS`."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from ops_cases import Oracle, Row, names
from ops_table import LIBRARY_ROWS, OPS, QUESTIONS

import tinygrad_lite as tg
from tinygrad_lite import rules

EVERY = list(zip(OPS, names(OPS)))
EVERYTHING = EVERY + list(zip(QUESTIONS, names(QUESTIONS)))


def rows(condition: Callable[[Row], bool] = lambda row: True, among: list[tuple[Row, str]] = EVERY) -> Any:
    chosen = [pytest.param(row, id=name) for row, name in among if condition(row)]
    return pytest.mark.each("row", chosen)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def tensors(row: Row, dtype: Any = np.float64, shapes: Any = None) -> list[Any]:
    return given(row, row.draw(dtype, shapes))


def given(row: Row, arrays: list[Any]) -> list[Any]:
    """Tensors that share the arrays' memory, and require grad where the row says so."""
    made = [tg.from_numpy(a) for a in arrays]
    for tensor, g in zip(made, row.inputs):
        if g.differentiable and tensor.dtype.kind == "f":
            tensor.requires_grad_()
    return made


def listed(result: Any) -> list[Any]:
    """All tensors of a result, in order."""
    return [t for r in result for t in listed(r)] if isinstance(result, (tuple, list)) else [result]


def vectors(outs: list[Any]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(tuple(o.shape)) for o in outs]


def gradients(result: Any, inputs: list[Any]) -> list[Any]:
    """Values of a result, and gradients with respect to the inputs, as arrays."""
    outs = [o for o in listed(result) if o.requires_grad]
    leaves = [t for t in inputs if t.requires_grad]
    seeds = [tg.tensor(v.astype(o.dtype)) for o, v in zip(outs, vectors(outs))]
    found = tg.autograd.grad(outs, leaves, seeds, allow_unused=True) if outs else [None] * len(leaves)
    return [o.detach().numpy() for o in listed(result)], [None if g is None else g.numpy() for g in found]


def assert_same(ours: Any, theirs: Any, rtol: float = 1e-9, atol: float = 1e-9) -> None:
    (values, grads), (others, other_grads) = ours, theirs
    assert len(values) == len(others)
    for a, b in zip(values, others):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, strict=True)
    for a, b in zip(grads, other_grads):
        zero = np.zeros(()) if a is None and b is None else np.zeros_like(b if a is None else a)
        np.testing.assert_allclose(
            zero if a is None else a, zero if b is None else b, rtol=rtol, atol=atol, strict=True
        )


# --- alone ------------------------------------------------------------------------------------------------------


@rows(lambda row: row.numerical)
def test_first_and_second_derivatives(row: Row) -> None:
    inputs, flat = tensors(row), row.flat
    function = lambda *ts: [o for o in listed(row.call(tg, *ts)) if o.requires_grad]  # noqa: E731
    entries = sum(t.numel() for t in inputs if t.requires_grad)
    mode = "full" if entries <= 40 else "random"  # directions find one wrong entry among hundreds, and cost a tenth
    assert tg.gradcheck(function, inputs, allow_zero=flat, rtol=1e-5, atol=1e-6, mode=mode)
    assert tg.gradgradcheck(function, inputs, allow_zero=flat, rtol=1e-4, atol=1e-5, fast_mode=True)


@rows(lambda row: not any("float64" in n for n in row.call.__code__.co_names))
def test_float32_stays_float32(row: Row) -> None:
    inputs = tensors(row, np.float32)
    outs = [o for o in listed(row.call(tg, *inputs)) if o.requires_grad]
    assert [o.dtype for o in outs] == [tg.float32] * len(outs)
    leaves = [t for t in inputs if t.requires_grad]
    first = tg.autograd.grad(outs, leaves, [tg.ones_like(o) for o in outs], create_graph=True, materialize_grads=True)
    assert [g.dtype for g in first] == [tg.float32] * len(first)
    again = [g for g in first if g.requires_grad]
    if again:
        second = tg.autograd.grad(again, leaves, [tg.ones_like(g) for g in again], materialize_grads=True)
        assert [g.dtype for g in second] == [tg.float32] * len(second)
    wide = row.call(tg, *[t.double() if t.dtype.kind == "f" else t for t in inputs])
    for narrow, exact in zip(listed(row.call(tg, *inputs)), listed(wide)):
        np.testing.assert_allclose(narrow.detach().numpy(), exact.detach().numpy(), rtol=1e-4, atol=1e-5)


@rows()
def test_the_rules_keep_float32_by_themselves(row: Row) -> None:
    """The engine casts a gradient to its input's dtype; that must not hide a rule that computes in float64."""
    inputs = tensors(row, np.float32)
    for out in listed(row.call(tg, *inputs)):
        node = out._node
        if node is None or out.dtype != tg.float32:
            continue
        for _, rule, saved in node.edges:
            g = np.ones(out.shape, np.float32)
            for d in listed(rule.vjp(g, *saved)):
                if d is not None and not isinstance(d, rules.Parts):
                    assert d.dtype in (np.float32, np.complex64), rule.op.name


@rows(among=EVERYTHING)
def test_inputs_are_left_alone(row: Row) -> None:
    arrays = row.draw()
    before = [a.copy() for a in arrays]
    gradients(row.call(tg, *(made := given(row, arrays))), made)
    for a, b in zip(arrays, before):
        np.testing.assert_array_equal(a, b)


def strided(a: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """The same values with other strides."""
    if not a.ndim:
        return [a, a, a]
    wide = np.zeros([2 * n for n in a.shape], a.dtype)
    holes = wide[tuple(slice(None, None, 2) for _ in a.shape)]
    holes[...] = a
    turned = np.ascontiguousarray(np.flip(a))
    return [np.asfortranarray(a), holes, np.flip(turned)]


# `view` and `as_strided` mean the elements as they lie in memory.
@rows(lambda row: "view" not in row.name and "as_strided" not in row.name, among=EVERYTHING)
def test_strides_do_not_matter(row: Row) -> None:
    arrays = row.draw()
    expected = gradients(row.call(tg, *(made := given(row, arrays))), made)
    for others in zip(*map(strided, arrays)):
        inputs = given(row, list(others))
        assert_same(gradients(row.call(tg, *inputs), inputs), expected)


@rows(among=EVERYTHING)
def test_nothing_is_recorded_under_no_grad(row: Row) -> None:
    inputs = tensors(row)
    with tg.no_grad():
        for out in listed(row.call(tg, *inputs)):
            assert not out.requires_grad or any(out is t for t in inputs)


# --- spelling ---------------------------------------------------------------------------------------------------


class Methods:
    """The library, with one function replaced by the method of its first argument."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> Any:
        if name != self.name:
            return getattr(tg, name)
        return lambda x, *args, **options: getattr(x, name)(*args, **options)


def _calls_itself(row: Row) -> bool:
    """Whether the row calls the function of its name, which is a method, too."""
    names = (*row.call.__code__.co_names, *(row.call.__defaults__ or ()))
    return hasattr(tg.Tensor, row.name) and row.name in names


@rows(lambda row: row.name != "where" and _calls_itself(row), among=EVERYTHING)
def test_function_and_method_agree(row: Row) -> None:
    inputs = tensors(row)
    expected = gradients(row.call(tg, *inputs), inputs)
    assert_same(gradients(row.call(Methods(row.name), *inputs), inputs), expected, 0, 0)


@rows(lambda row: row.numpy is not None, among=EVERYTHING)
def test_numpy_spelling(row: Row) -> None:
    inputs = tensors(row)
    result = row.numpy(*inputs)
    assert all(isinstance(o, tg.Tensor) for o in listed(result))
    ours = gradients(result, inputs)
    assert_same(ours, gradients(row.call(tg, *inputs), inputs))
    plain = listed(row.numpy(*row.draw()))
    for a, b in zip(ours[0], plain):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12, strict=np.ndim(b) > 0)


class Renaming:
    """The library, called with NumPy's keywords."""

    names = {"dim": "axis", "keepdim": "keepdims"}  # noqa: RUF012

    def __init__(self) -> None:
        self.used = False

    def __getattr__(self, name: str) -> Any:
        function = getattr(tg, name)
        if not callable(function) or name in ("permute", "tensordot", "tile"):
            return function
        renamed = {**self.names, "dims": "axis"}

        def call(*args: Any, **options: Any) -> Any:
            self.used = self.used or any(key in renamed for key in options)
            return function(*args, **{renamed.get(key, key): value for key, value in options.items()})

        return call


@rows(among=EVERYTHING)
def test_axis_is_dim(row: Row) -> None:
    inputs, library = tensors(row), Renaming()
    result = row.call(library, *inputs)
    if library.used:
        assert_same(gradients(result, inputs), gradients(row.call(tg, *inputs), inputs), 0, 0)


# --- against PyTorch --------------------------------------------------------------------------------------------


def of_torch(oracle: Oracle, row: Row, arrays: list[Any]) -> Any:
    made = [oracle.tensor(a) for a in arrays]
    for t, g in zip(made, row.inputs):
        if g.differentiable and t.is_floating_point():
            t.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = listed(row.call(oracle, *made))
        outs = [o for o in result if o.requires_grad]
        leaves = [t for t in made if t.requires_grad]
        seeds = [oracle.tensor(v, dtype=o.dtype) for o, v in zip(outs, vectors(outs))]
        grads = oracle.autograd.grad(outs, leaves, seeds, allow_unused=True) if outs else [None] * len(leaves)
    return [o.detach().numpy() for o in result], [None if g is None else g.resolve_neg().numpy() for g in grads]


@rows(lambda row: row.in_torch, among=EVERYTHING)
def test_as_pytorch(row: Row, oracle: Oracle) -> None:
    for dtype, tolerance in ((np.float64, 1e-9), (np.float32, 3e-4)):
        inputs = tensors(row, dtype)
        expected = of_torch(oracle, row, row.draw(dtype))
        assert_same(gradients(row.call(tg, *inputs), inputs), expected, tolerance, tolerance)


SHAPES: dict[int, list[Any]] = {
    1: [((),), ((0,),), ((1,),), ((2, 0, 3),), ((2, 1, 3),)],
    2: [((), ()), ((), (3,)), ((0, 3), (3,)), ((1,), (1,)), ((2, 1, 3), (4, 1)), ((3,), (2, 1)), ((1, 0), (2, 1))],
}


@rows(lambda row: row.in_torch and row.pointwise)
def test_all_shapes_as_pytorch(row: Row, oracle: Oracle) -> None:
    for shapes in SHAPES[len(row.inputs)]:
        inputs = tensors(row, shapes=shapes)
        assert_same(gradients(row.call(tg, *inputs), inputs), of_torch(oracle, row, row.draw(shapes=shapes)))


def _as_integers(row: Row, dtype: str) -> list[Any]:
    return [np.rint(2 * abs(a)).astype(dtype) if a.dtype.kind == "f" else a for a in row.draw()]


@rows(lambda row: row.in_torch and any(g.differentiable for g in row.inputs))
def test_integers_as_pytorch(row: Row, oracle: Oracle) -> None:
    """Where PyTorch computes with integers, so do we: the same values, integers or float32 as there."""
    for dtype in ("int64", "int32", "uint8", "bool"):
        arrays = _as_integers(row, dtype)
        try:
            expected, _ = of_torch(oracle, row, arrays)
        except Exception:
            continue  # refused by PyTorch, which need not bind us
        if dtype in row.unlike_torch:
            continue
        got = [o.numpy() for o in listed(row.call(tg, *[tg.tensor(a) for a in arrays]))]
        assert [(a.dtype.kind, a.shape) for a in got] == [(b.dtype.kind, b.shape) for b in expected]
        for a, b in zip(got, expected):
            assert a.dtype == b.dtype or a.dtype.kind != "f"
            np.testing.assert_allclose(a.astype(b.dtype), b, rtol=1e-5, atol=1e-5)


# --- completeness -----------------------------------------------------------------------------------------------


def reached(outs: list[Any], found: set[Any]) -> None:
    seen, stack = set(), [o._node for o in outs if o.requires_grad]
    while stack:
        node = stack.pop()
        for parent, rule, _ in node.edges:
            found.add(rule.op)
            for p in parent if isinstance(parent, tuple) else (parent,):
                if p is not None and p not in seen:
                    seen.add(p)
                    stack.append(p)


def test_every_row_of_the_table_is_tested() -> None:
    found: set[Any] = set()
    for row in OPS:
        inputs = tensors(row)
        outs = [o for o in listed(row.call(tg, *inputs)) if o.requires_grad]
        reached(outs, found)
        leaves, ones = [t for t in inputs if t.requires_grad], [tg.ones_like(o) for o in outs]
        first = tg.autograd.grad(outs, leaves, ones, create_graph=True, materialize_grads=True) if outs else ()
        reached(list(first), found)  # some rows are others' gradients
        if row.numpy is not None:
            reached(listed(row.numpy(*tensors(row))), found)
    elsewhere = {"group_norm", "log_standard_gamma", "log_quantile_slope"}  # test_loops.py, test_distributions.py
    elsewhere |= {"make_dual", "unpack_dual"}  # test_forward_ad.py, if something has imported these
    elsewhere |= {"bernoulli", "normal", "poisson"}  # test_random.py
    missing = sorted({op.name for op in LIBRARY_ROWS - found if op.rules} - elsewhere)
    assert not missing, f"these rows of rules.TABLE need a row in ops_table.OPS: {missing}"


def test_every_public_operation_is_tested() -> None:
    rooms = "creation.creation", "creation.frombuffer", "creation.strided", "random."
    makers = [m for name, m in sys.modules.items() if name.startswith(tuple(f"tinygrad_lite.ops.{r}" for r in rooms))]
    elsewhere = {"allclose", "embedding_renorm_", "equal", "is_storage", "pca_lowrank", "svd_lowrank"}.union(
        *(getattr(m, "__all__", ()) for m in makers)
    )  # test_ops_creation, test_ops_edges, test_memory_order, test_neural_edges, test_argument_names
    tested = {id(getattr(tg, row.name, None)) for row, _ in EVERYTHING}
    tested.add(id(tg.einsum))  # its rows are named by their equations
    public = [name for name in tg.__all__ if getattr(getattr(tg, name), "__module__", "").startswith(
        ("tinygrad_lite.ops", "tinygrad_lite.rules"))]  # fmt: skip
    assert len(public) > 150
    untested = [name for name in public if id(getattr(tg, name)) not in tested and name not in elsewhere]
    missing = [name for name in untested if not inspect.isclass(getattr(tg, name))]
    assert not missing, f"these functions need a row in ops_table.OPS or QUESTIONS: {missing}"


def test_what_is_a_method_in_pytorch_is_one_here(oracle: Oracle) -> None:
    missing = {row.name for row, _ in EVERYTHING if row.in_torch and hasattr(oracle.Tensor, row.name)} - set(
        dir(tg.Tensor)
    )
    assert not missing


UNLIKE: dict[str, set[str]] = {  # what PyTorch has and we do not; its own list is mistaken about the last ones
    "elu": {"inplace"}, "leaky_relu": {"inplace"}, "relu": {"inplace"}, "silu": {"inplace"},  # nn.functional has it
    "cholesky_solve": {"input1"}, "polar": {"ang"}, "convolution": {"output_adding"},
    "lobpcg": {"input"}, "nuclear_norm": {"dtype", "p"},
    "bmm": {"out_dtype"}, "mm": {"out_dtype"}, "spmm": {"out_dtype"},
    "pca_lowrank": {"input"}, "svd_lowrank": {"input"}, "gather": {"sparse_grad"}, "logsumexp": {"names"},
    "empty_like": {"layout"}, "full_like": {"layout"}, "ones_like": {"layout"}, "zeros_like": {"layout"},
    "broadcast_to": {"self"}, "dot": {"other"}, "isfinite": {"tensor"},
    "swapaxes": {"dim0", "dim1"}, "swapdims": {"axis0", "axis1"}, "isinf": {"tensor"}, "permute": {"self", "dim"},
    "topk": {"descending"},
    "as_strided_scatter": {"self"}, "diag_embed": {"diagonal"}, "index_reduce": {"include_input"},
    "meshgrid": {"kwargs"}, "_assert_async": {"msg"},  # PyTorch's own name is assert_msg
    "where": {"x", "y"}, "isin": {"e", "te"}, "isreal": {"tensor"}, "xlogy": {"x", "y"},
    "histogram": {"min", "max"}, "lu_solve": {"b"}, "ormqr": {"input2", "input3"},
    "stft": {"align_to_window"}, "msort": {"descending"},
    "split_with_sizes": {"tensor", "split_size_or_sections"}, "unsafe_split": {"tensor", "split_size_or_sections"},
    **{name: {"self", "dtype"} for name in dir(tg) if name.endswith("_copy")},
    "unsafe_split_with_sizes": {"tensor", "split_size_or_sections"},
    **{name: {"data"} for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")},  # the name of a packed input
}  # fmt: skip


def test_parameters_have_pytorch_names(oracle: Oracle) -> None:
    overrides = oracle.overrides.get_testing_overrides()
    compared = 0
    for name in tg.__all__:
        ours = getattr(tg, name)
        if getattr(inspect.unwrap(ours), "__module__", "").endswith("neural.toplevel_names"):  # see test_signatures
            ours = getattr(tg.nn.functional, name, ours)
        theirs = overrides.get(getattr(oracle, name, None))
        if theirs is None or inspect.isclass(ours):
            continue
        expected = set(inspect.signature(theirs).parameters) - {"out", "_stacklevel"} - UNLIKE.get(name, set())
        assert expected <= set(inspect.signature(ours).parameters), name
        compared += 1
    assert compared > 130


def test_signatures_survive_the_spelling() -> None:
    assert list(inspect.signature(tg.sum).parameters) == ["input", "dim", "keepdim", "dtype"]
    with pytest.raises(TypeError, match=r"sum: give dim or axis, not both"):
        tg.ones(2, 2).sum(0, axis=1)
    with pytest.raises(TypeError, match=r"cumsum\(\) missing 1 required argument: 'dim'"):
        tg.ones(2).cumsum()
    with pytest.raises(TypeError, match="unexpected keyword argument 'axes'"):
        tg.ones(2).sum(axes=1)
