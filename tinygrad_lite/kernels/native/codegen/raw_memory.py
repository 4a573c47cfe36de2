"""Memory, machine code and Python's objects by address, for `entry`: each of these is a few instructions there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .language.arrays import Arrays
from .language.kinds import FLOAT64, INT64
from .language.only_compiled import only_compiled
from .language.values import NOTHING, WORD, Constant, Scalar, Value

_TASK = ir.FunctionType(ir.VoidType(), [WORD])


def _pointer(write: Arrays, address: Value) -> Any:
    return write.builder.inttoptr(write.intp(address), ir.PointerType(WORD))


def _put(write: Arrays, address: Value, value: Value) -> Value:
    write.builder.store(write.intp(value), _pointer(write, address))
    return NOTHING


def _add(write: Arrays, address: Value, value: Value) -> Value:
    found = write.builder.atomic_rmw("add", _pointer(write, address), write.intp(value), "seq_cst")
    return Scalar(INT64, found)


def _call(write: Arrays, address: Value, argument: Value) -> Value:
    function = write.builder.inttoptr(write.intp(address), ir.PointerType(_TASK))
    write.builder.call(function, [write.intp(argument)])
    return NOTHING


def _stack(write: Arrays, count: Value) -> Value:
    assert isinstance(count, Constant)
    return Scalar(INT64, write.builder.ptrtoint(write.room(WORD, int(count.value)), WORD), True)


def _python(name: str, result: Any = WORD) -> Callable[..., Any]:
    """A function of Python's own, of words, or of one double."""

    def write_it(write: Arrays, *args: Value) -> Value:
        given = [a.ir if a.kind == FLOAT64 else write.intp(a) for a in args]
        found = write.foreign(name, result, given)
        return NOTHING if result != WORD else Scalar(INT64, found)

    return write_it


put = only_compiled(__name__, "put", _put)
add_word = only_compiled(__name__, "add_word", _add)
call = only_compiled(__name__, "call", _call)
stack = only_compiled(__name__, "stack", _stack)
integer_of = only_compiled(__name__, "integer_of", _python("PyLong_AsSsize_t"))
object_of_integer = only_compiled(__name__, "object_of_integer", _python("PyLong_FromSsize_t"))
object_of_unsigned = only_compiled(__name__, "object_of_unsigned", _python("PyLong_FromSize_t"))
object_of_float = only_compiled(__name__, "object_of_float", _python("PyFloat_FromDouble"))
object_of_truth = only_compiled(__name__, "object_of_truth", _python("PyBool_FromLong"))
error_occurred = only_compiled(__name__, "error_occurred", _python("PyErr_Occurred"))
clear_error = only_compiled(__name__, "clear_error", _python("PyErr_Clear", ir.VoidType()))
no_memory = only_compiled(__name__, "no_memory", _python("PyErr_NoMemory"))
release_gil = only_compiled(__name__, "release_gil", _python("PyEval_SaveThread"))
take_gil = only_compiled(__name__, "take_gil", _python("PyEval_RestoreThread", ir.VoidType()))
use = only_compiled(__name__, "use", _python("Py_IncRef", ir.VoidType()))
put_item = only_compiled(__name__, "put_item", _python("PyList_SetItem"))
new_tuple = only_compiled(__name__, "new_tuple", _python("PyTuple_New"))
put_in_tuple = only_compiled(__name__, "put_in_tuple", _python("PyTuple_SetItem"))
vectorcall = only_compiled(__name__, "vectorcall", _python("PyObject_Vectorcall"))
