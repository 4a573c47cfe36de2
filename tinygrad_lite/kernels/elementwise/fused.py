"""`fused`, `fastest`: a formula in NumPy that large arrays have a compiled loop for, made of its own text or given."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend import backend
from ..kernel import LARGE, Kernel
from ..native.parallel import in_parts
from ..native.source import SourceError
from .half_precision import of_half

PIECE = 1 << 15  # elements of a piece of a shared launch: some 10 us of work, a small part of what is worth sharing
_SHARED = 1 << 19  # elements from which on a loop that hardly computes is worth waking a thread
FUSED: list[tuple[Callable[..., Any], Callable[..., Any] | None]] = []  # every formula, and its own loop if it has one
_F16, _F32, _F64 = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64)


def large(x: Any) -> bool:
    """Is a compiled loop worth its call, and possible?"""
    return bool(x.size >= LARGE and x.flags.c_contiguous and x.dtype.char in "fd")


def memory_order(x: Any) -> list[int] | None:
    """The dimensions of an array from the outermost in memory to the innermost; None where they stand so already.

    What loops over flat memory is called with ``x.transpose(order)``, and its result turned back: so it lies as the
    input does, which is what NumPy's own loops and PyTorch's elementwise functions do.
    """
    if x.flags.c_contiguous or 0 in x.strides:
        return None
    order = sorted(range(x.ndim), key=lambda d: -abs(x.strides[d]))
    return order if order != list(range(x.ndim)) else None


def turned_back(out: Any, order: list[int]) -> Any:
    """The result for ``x.transpose(order)`` as that for `x`."""
    return out.transpose(sorted(range(out.ndim), key=order.__getitem__))


def into(formula: Callable[..., Any], numbers: Sequence[bool] = (False,)) -> Callable[..., None]:
    """The twin of a loop, by its formula: called with the flat arrays, the result, and the numbers.

    `numbers` says which arguments of the formula are such.
    """
    count = list(numbers).count(False)

    def plain(*args: Any) -> None:
        arrays, options = iter(args[:count]), iter(args[count + 1 :])
        args[count][...] = formula(*(next(options if number else arrays) for number in numbers))

    return plain


class FormulaKernel(Kernel):
    """A loop whose text is made of a formula's.

    Parameters
    ----------
    formula : function
    numbers : sequence of bool
        Which of its arguments are numbers.
    dtype : dtype
        The working precision.
    halves, rounds
        As `formula_codegen.loop_text` takes them.

    Raises
    ------
    SourceError
        As `formula_codegen.loop_text`.
    """

    __slots__ = ("_name", "text", "light")

    def __init__(
        self,
        formula: Callable[..., Any],
        numbers: Sequence[bool],
        dtype: np.dtype[Any],
        halves: Sequence[bool] = (),
        rounds: bool = False,
    ) -> None:
        from .formula_codegen import loop_text

        super().__init__(formula, into(formula, numbers))
        self._name = getattr(formula, "__name__", "formula").strip("<_>")
        self.text = loop_text(formula, numbers, dtype, halves, rounds)
        self.light = "_single(" not in self.text

    @property
    def compiled(self) -> Any:
        """The loop, compiled, whichever backend is in use: a `Loop`."""
        if self._compiled is None:
            from ..native.codegen.loop import Loop

            self._compiled = Loop("kernel", self.text, self._name, self.plain)
        return self._compiled


def fused(formula: Callable[..., Any], loop: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """A formula that large arrays have a compiled loop for.

    Parameters
    ----------
    formula : callable
        Called with arrays and numbers; what it returns for each element depends on the arguments at that element
        only. It is what small arrays, other dtypes, broadcasting arrays and Tensors get, and what runs without numba.
    loop : function, optional
        A loop for float32, called with the flat arrays, the result and the numbers, where it is not to be made of the
        formula's text: for what is an approximation and no formula.

    Returns
    -------
    callable
        It takes the arguments of `formula`. Loops that are made of its text serve float32, and float64 where it calls
        no exponential or logarithm.

    Raises
    ------
    SourceError
        By the first call with large arrays, if the formula uses what has no compiled form.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.kernels.elementwise.fused import fused
    >>> def bent_of(x, slope):
    ...     return np.where(x > 0, x, slope * x)
    >>> bent = fused(bent_of)
    >>> bent(np.array([-1.0, 2.0]), 0.5)
    array([-0.5,  2. ])
    """
    kernels: dict[Any, tuple[Kernel | None, bool]] = {}  # and whether they are light
    FUSED.append((formula, loop))

    def made(dtype: np.dtype[Any], numbers: tuple[bool, ...]) -> Kernel | None:
        if loop is not None:
            return Kernel(loop, into(formula, numbers)) if dtype is _F32 else None
        try:
            return FormulaKernel(formula, numbers, dtype)
        except SourceError as error:
            if dtype is _F64:  # NumPy's passes are as good
                return None
            if error.__cause__ is None:
                raise
            warnings.warn(f"{error}; until then it runs in plain NumPy", RuntimeWarning, stacklevel=3)
            return None

    @functools.wraps(formula)
    def function(*args: Any) -> Any:
        first = args[0]
        if type(first) is not np.ndarray or first.size < LARGE:  # first of all: small arrays feel every check
            return formula(*args)
        dtype, shape = first.dtype, first.shape
        if (dtype is not _F32 and dtype is not _F64) or backend() == "numpy":
            return of_half(function, *args) if dtype == _F16 and backend() != "numpy" else formula(*args)
        flat, numbers = len(shape) == 1, False
        for a in args:
            if type(a) is np.ndarray:
                if a.dtype is not dtype or a.shape != shape:
                    return formula(*args)
                flat = flat and a.flags.c_contiguous
            elif type(a) is float or type(a) is int:
                numbers = True
            else:
                return formula(*args)
        key = (dtype is _F32, tuple([type(a) is not np.ndarray for a in args]) if numbers else len(args))
        if key not in kernels:
            kernel = made(dtype, tuple([type(a) is not np.ndarray for a in args]))
            kernels[key] = kernel, getattr(kernel, "light", False)
        kernel, light = kernels[key]
        if kernel is None:
            return formula(*args)
        arrays = [a for a in args if type(a) is np.ndarray] if numbers else [*args]
        if not flat and (order := memory_order(arrays[-1])):
            turned = (a.transpose(order) if type(a) is np.ndarray else a for a in args)
            return turned_back(function(*turned), order)
        out = np.empty(shape, dtype)
        arrays.append(out)
        if not flat:
            arrays = [np.ascontiguousarray(a).reshape(-1) for a in arrays]  # a gradient may be one number, expanded
        options = [dtype.type(a) for a in args if type(a) is not np.ndarray] if numbers else ()
        if light and first.size < _SHARED:
            kernel.run(*arrays, *options)
        else:
            in_parts(kernel, PIECE, arrays, *options)
        return out

    return function


def fastest(series: Any, scalar: Callable[[float], float], loop: Any, single: Any = None) -> Callable[[Any], Any]:
    """The function that `series` computes: a few numbers by Python's `math`, many by a compiled loop.

    The series' dozens of passes take 30 us even for one number.
    """
    many = {"d": Kernel(loop, into(series)), "f": Kernel(single or loop, into(series))}

    @functools.wraps(series)
    def evaluate(x: Any) -> Any:
        x = np.asarray(x)
        if order := memory_order(x):
            return turned_back(evaluate(x.transpose(order)), order)
        if x.size <= 32:
            try:
                numbers = [scalar(float(v)) for v in x.reshape(-1).tolist()]
                return np.array(numbers, x.dtype if x.dtype.kind == "f" else np.float32).reshape(x.shape)
            except (TypeError, ValueError, OverflowError):  # no real number, a pole, or beyond the numbers
                pass
        elif x.size >= LARGE and x.dtype.char in many:
            out = np.empty(x.shape, x.dtype)
            in_parts(many[x.dtype.char], PIECE, (np.ascontiguousarray(x).reshape(-1), out.reshape(-1)))
            return out
        return series(x)

    return evaluate
