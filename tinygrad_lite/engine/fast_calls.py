"""Elementwise functions of one and two arguments: `rules.Op.record` unrolled, in a third of its time.

Half of the operations of a training step on small tensors are such.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import FrameType, FunctionType
from typing import Any, overload

import numpy as np

from .. import promotion
from ..graph import OFF, Node, _getframe, caller, library, mode, tick
from ..kernels.elementwise.half_precision import SCALING, by_single, of_two, scaled_by
from ..kernels.single_precision import compile_edges
from ..rules import FAST, TABLE, Op, _from_complex, differentiable, narrow, ndarray
from ..tensors.row_types import Binary, Unary
from ..transforms.overloads import SEQUENCES, answer_or_refuse, foreign, of_sign, overloading
from .arguments import NUMERIC, operand, refuse_numbers, scalar
from .blame import blame
from .errors import DtypeError
from .out import into
from .quiet import first_filter, quietly

_F16, _F32, _F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)
_INPUTS = ((0,), (1,), (0, 1))  # which of two require grad
_new_node = Node.__new__
_new: Any = object.__new__
Tensor: Any = None  # the class; _tensor.py binds it when it is defined
CURRENT: Callable[[Any], Any]  # the up-to-date node of a view


def bind(tensor: type, current: Callable[[Any], Any]) -> None:
    """Tell the calls which class wraps results, and how views find their node."""
    global Tensor, CURRENT
    Tensor, CURRENT = tensor, current


_FIRST: Any = first_filter()  # of warnings: see `quiet`


def _keep_first() -> None:
    global _FIRST
    _FIRST = first_filter()


def _unary(op: Op) -> Callable[..., Any]:
    function, plain, noted = op.function, op.function, op.saves  # recorded steps put another function in its place
    edges: Any = None  # compiled on first use: importing the table compiles nothing
    halves: Any = None

    def unary(input: Any, *, out: Any = None) -> Any:
        nonlocal edges, halves
        if out is not None:
            return into(out, op.name, unary, input)
        if type(input) is not Tensor and not isinstance(input, Tensor):
            if type(input) is not ndarray and (asked := overloading(unary, (input,))):
                return answer_or_refuse(unary, asked, (input,))
            return function(scalar(operand(input, op.name)))
        p = input._node if input._view is None else CURRENT(input)
        x = input._data
        if not (filters := warnings.filters) or filters[0] is not _FIRST:
            _keep_first()
        try:
            out = function(x) if x.dtype is not _F16 or function is not plain else by_single(function, x)
        except FloatingPointError:  # what `np.seterr` says is about the user's own arrays
            return quietly(unary)(input)
        except Exception as error:
            if op.booleans and x.dtype.kind == "b":  # NumPy has no loop for them
                out = function(x.astype(np.int8)).astype(np.bool_)
            else:
                raise blame(error, op.name, ("input",), (input,), unary) from None
        if type(out) is not ndarray:
            out = np.asarray(out)
        dtype = out.dtype
        if dtype is not x.dtype or (dtype is not _F32 and dtype is not _F64):
            if dtype.kind == "c" or x.dtype.kind == "c":
                if op.complex is not True and p is not None and mode.enabled:
                    return op.of_complex((input,))
            elif dtype is not x.dtype and dtype.kind == "f" and dtype is not _F32:
                out = narrow(function, [x], out)  # NumPy makes float16 of int8, float64 of int64
            elif dtype.num == 1 and x.dtype.kind == "b":  # and int8 of booleans
                out = function(x.astype(np.int64))
        result = _new(Tensor)
        result._data, result._view = out, None
        if p is None or (OFF and not mode.records(op.name, p, out)):
            result._node = None
            return result
        if edges is None:
            edges, halves = compile_edges(op, (0,)), compile_edges(op, (0,), half=True)
        result._node = node = _new_node(Node)
        node.edges = (edges if dtype is not _F16 else halves)(p, x, out)
        node.seq = tick()
        node.hooks = node.where = None
        node.shape = out.shape
        node.dtype = out.dtype
        if OFF:
            node.where = caller(2)
            mode.made(node)
        elif noted:
            frame = _getframe(1)
            code = frame.f_code
            node.where = caller(2) if library[code.co_filename] else (code, frame.f_lasti)
        return result

    return unary


_LIBRARY = f"{__name__.partition('.')[0]}."


def _meet(op: Op, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Two operands of any dtypes in the one where they meet, and the function of them."""
    name, function = op.name, op.function
    x, y = operand(x, name), operand(y, name)
    if op.__wrapped__ in SCALING and (number := scaled_by(x, y)) is not None:
        x, y = (v.astype(_F32) if v is number else v for v in (x, y))
    elif op.promotes:
        x, y = promotion.cast_pair(name, x, y, isinstance(op.__wrapped__, np.ufunc))
    if op.ordered and "c" in [np.asarray(v).dtype.kind for v in (x, y)]:
        raise DtypeError(f"{name}: complex numbers have no order (not implemented for them)")
    out = of_two(function, x, y)
    if type(out) is not ndarray:
        out = np.asarray(out)
    kind = out.dtype.kind
    if op.promotes and (kind == "f" or kind == "c" or out.dtype.num == 1):
        kinds = {v.dtype.kind for v in (x, y) if isinstance(v, ndarray)}
        if out.dtype.num == 1 and kinds == {"b"}:  # int8, which NumPy makes of booleans where it knows no other way
            raise DtypeError(f"{name}: not known for booleans; cast them to integers")
        if kind != "i" and kinds <= {"b", "i", "u"}:  # NumPy makes float16 of int8, float64 of int64
            (x, y), out = promotion.to_floats(function, [x, y], out)
    return x, y, out


def _binary(op: Op, operator: bool = False, numbers: str = "any") -> Callable[..., Any]:
    function, noted, strict = op.function, op.saves, numbers != "any"
    both: Any = None
    first = second = halves = both  # `halves` are the same three, for float16

    def binary(input: Any, other: Any, *, out: Any = None) -> Any:
        nonlocal both, first, second, halves
        if out is not None:
            return into(out, op.name, binary, input, other)
        x, y = input, other
        p = q = None
        if type(x) is Tensor or isinstance(x, Tensor):  # the first is faster, and nearly always so
            p = x._node if x._view is None else CURRENT(x)
            x = x._data
            dtype = x.dtype
            if type(y) is Tensor or isinstance(y, Tensor):
                q = y._node if y._view is None else CURRENT(y)
                y = y._data
                plain = dtype is y.dtype
            else:
                plain = type(y) is float or type(y) is int
                if strict:
                    refuse_numbers(op.name, numbers, x, y)
        elif isinstance(y, Tensor):
            if strict:
                refuse_numbers(op.name, numbers, x, y)
            q = y._node if y._view is None else CURRENT(y)
            y = y._data
            dtype = y.dtype
            plain = type(x) is float or type(x) is int
        elif type(x) is ndarray and type(y) is ndarray and x.dtype.kind in NUMERIC and y.dtype.kind in NUMERIC:
            return function(x, y)  # in a rule
        elif asked := overloading(binary, (x, y)):
            return answer_or_refuse(binary, asked, (x, y))
        else:
            if strict:
                refuse_numbers(op.name, numbers, x, y)
            x, y = operand(x, op.name), operand(y, op.name)
            arrays = isinstance(x, ndarray) or isinstance(y, ndarray)  # beside which a number has no dtype of its own
            return function(x, y) if arrays else function(scalar(x), scalar(y))
        if not (filters := warnings.filters) or filters[0] is not _FIRST:
            _keep_first()
        try:
            if plain and (dtype is _F32 or dtype is _F64):  # nothing to promote
                out = function(x, y)
                if type(out) is not ndarray:
                    out = np.asarray(out)
            elif operator and (isinstance(input, SEQUENCES) or isinstance(other, SEQUENCES)):
                return NotImplemented
            else:
                x, y, out = _meet(op, x, y)
                dtype = out.dtype
                if (
                    op.complex is not True
                    and (dtype.kind == "c" or _from_complex((p, q)))
                    and not (p is None and q is None)
                    and mode.enabled
                ):
                    return op.of_complex((input, other))
        except FloatingPointError:
            return quietly(binary)(input, other)
        except Exception as error:
            if operator and foreign(error, input, other):
                return of_sign(op.name, input, other)
            if asked := overloading(binary, (input, other)):
                return answer_or_refuse(binary, asked, (input, other))
            raise blame(error, op.name, ("input", "other"), (input, other), binary) from None
        result = _new(Tensor)
        result._data, result._view = out, None
        if (p is None and q is None) or (OFF and not mode.records(op.name, (p, q), out)):
            result._node = None
            return result
        if both is None:
            first, second, both = (compile_edges(op, wanted) for wanted in _INPUTS)
        result._node = node = _new_node(Node)
        if dtype is _F16:
            halves = halves or [compile_edges(op, wanted, half=True) for wanted in _INPUTS]
            node.edges = halves[0 if q is None else 1 if p is None else 2](p, q, x, y, out)
        else:
            node.edges = (first if q is None else second if p is None else both)(p, q, x, y, out)
        node.seq = tick()  # one by one: more than three at a time would be packed and unpacked
        node.hooks = node.where = None
        node.shape = out.shape
        node.dtype = dtype
        if OFF:
            node.where = caller(2)
            mode.made(node)
        elif noted:
            frame = _getframe(1)
            code = frame.f_code
            node.where = caller(2) if library[code.co_filename] else (code, frame.f_lasti)
        return result

    return binary


def _place(call: Any, row: FrameType) -> None:
    """Let `inspect` and pickle find a call where its row stands, and not here, where all of them are made."""
    code = call.__code__.replace(co_filename=row.f_code.co_filename, co_firstlineno=row.f_lineno)
    there = FunctionType(code, call.__globals__, call.__name__, call.__defaults__, call.__closure__)
    there.__kwdefaults__, call.__wrapped__ = call.__kwdefaults__, there
    call.__module__ = there.__module__ = row.f_globals["__name__"]


@overload
def elementwise(
    function: Callable[..., Any], /, *, x: Callable[..., Any], y: Callable[..., Any], **options: Any
) -> Binary: ...
@overload
def elementwise(function: Callable[..., Any], /, *, x: Callable[..., Any], **options: Any) -> Unary: ...
def elementwise(
    function: Callable[..., Any],
    /,
    *,
    name: str | None = None,
    numpy: Callable[..., Any] | None = None,
    complex: bool | Callable[..., Any] = False,
    promotes: tuple[str, ...] = ("x", "y"),
    ordered: bool = False,
    compiled: bool = False,
    contiguous: bool = False,
    booleans: bool = False,
    numbers: str = "any",
    **rules: Any,
) -> Any:
    """`differentiable` for a function of one (`x`) or two (`x`, `y`) arrays without options: the fast lane.

    `ordered` ones, which ask what is larger or how often something fits, refuse complex numbers; `booleans`: those are
    computed as integers. `numbers` says which operand may be one, where the function is called by PyTorch's name: any,
    the second, or only one of the two ("one"), or none of them (""); NumPy's function and operators take all.
    """
    options: dict[str, Any] = {"complex": complex, "promotes": promotes, "compiled": compiled, "contiguous": contiguous}
    ours = isinstance(function, np.ufunc) or function.__module__.startswith(_LIBRARY)  # see `quiet`
    silent = function if ours else quietly(function)
    op = differentiable(silent, name=name, numpy=numpy or function, **options, **rules)
    op.ordered, op.booleans = ordered, booleans
    call: Any = _unary(op) if len(op.rules) == 1 else _binary(op, numbers=numbers)
    call.formula = function  # what stands for it in compiled loops
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.__doc__
    _place(call, _getframe(1))
    FAST[numpy or function] = call
    TABLE[call] = op
    if numbers != "any":
        FAST[numpy or function] = lenient = _binary(op)
        lenient.__name__ = lenient.__qualname__ = op.name
        TABLE[lenient] = op
    if len(op.rules) > 1:
        call.operator = _binary(op, operator=True)
        call.operator.__name__ = call.operator.__qualname__ = op.name
        TABLE[call.operator] = op
    return call
