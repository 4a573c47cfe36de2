"""`of_flat`: elementwise functions of many numbers of float16, by tables and by compiled loops. See `half_precision`.

Imported by whoever runs compiled code, hence never before LLVM is needed.
"""

# llvmlite has types for little of itself
# mypy: disable-error-code="call-arg"

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..kernel import kernel
from ..native.parallel import in_parts
from ..native.simd.half import COMPILABLE
from ..native.source import SourceError
from .fused import FormulaKernel
from .half_casts import narrow, widen
from .half_precision import in_blocks, whole

PIECE = 1 << 16  # numbers: 10 us
_F16, _F32 = np.dtype(np.float16), np.dtype(np.float32)
_TAKEN = (np.ndarray, float, int)
_HERE = object()  # in the place of an array
_EVERY = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


def look_up_plain(bits: Any, out: Any, table: Any) -> None:
    """What a table has for each number; all are bits of float16, of shape (N,) and (65536,)."""
    out[...] = table[bits]


@kernel(look_up_plain)
def look_up(bits: Any, out: Any, table: Any) -> None:
    fours = bits.size // 4  # are read, and written, by one instruction
    words, found, low = bits[: 4 * fours].view(np.uint64), out[: 4 * fours].view(np.uint64), np.uint64(0xFFFF)
    for i in range(fours):
        w = words[i]
        a, b = np.uint64(table[w & low]), np.uint64(table[(w >> np.uint64(16)) & low])
        c, d = np.uint64(table[(w >> np.uint64(32)) & low]), np.uint64(table[w >> np.uint64(48)])
        found[i] = a | (b << np.uint64(16)) | (c << np.uint64(32)) | (d << np.uint64(48))
    for i in range(4 * fours, bits.size):
        out[i] = table[bits[i]]


@lru_cache(maxsize=64)  # of 128 KB each
def _table(function: Any, args: tuple[Any, ...], text: str) -> Any:
    """The bits of a function's results for every float16, which takes the place of `_HERE`; None for other results.

    `text`, the arguments', tells 0.0 from -0.0, which are equal.
    """
    found = np.ascontiguousarray(whole(function, *(_EVERY if a is _HERE else a for a in args)))
    return found.view(np.uint16) if found.dtype == _F16 else None


@lru_cache(maxsize=1024)
def _loop(function: Any, kinds: tuple[Any, ...], wide: bool) -> tuple[FormulaKernel, Any] | None:
    """A function's loop, made of its text, and its result's dtype; None if there is none.

    Parameters
    ----------
    function : callable
    kinds : tuple of dtypes, and of None for numbers
    wide : bool
        The result is not rounded.
    """
    probes = [0.5 if kind is None else np.ones(1, kind) for kind in kinds]
    with np.errstate(all="ignore"):
        dtype = whole(function, *probes, wide=wide).dtype
    try:
        made = _kernel(function, kinds, dtype)
        made.run(*_given(probes, np.empty(1, dtype)))
    except (SourceError, _compilation_error()):
        return None
    return made, dtype


def _compilation_error() -> Any:
    """What the loop's first call raises where it cannot be compiled; asked for when it has."""
    from ..native.compile import CompilationError

    return CompilationError


def _kernel(function: Any, kinds: tuple[Any, ...], dtype: Any) -> FormulaKernel:
    halves = [kind == _F16 for kind in kinds]
    return FormulaKernel(function, [kind is None for kind in kinds], _F32, halves, dtype == _F16)


@lru_cache(maxsize=1024)
def _is_light(function: Any, kinds: tuple[Any, ...]) -> bool:
    try:
        return _kernel(function, kinds, _F16).light
    except SourceError:
        return False


def _kinds(args: Any) -> tuple[Any, ...]:
    return tuple([a.dtype if type(a) is np.ndarray else None for a in args])


def _has_light_loop(function: Any, args: Any) -> bool:
    """Whether a loop would be quicker than a table, of which each number would need its own."""
    return COMPILABLE and all(type(a) in _TAKEN for a in args) and _is_light(function, _kinds(args))


def _given(args: Any, out: Any) -> list[Any]:
    """What a loop is called with: the arrays, float16's by their bits, the result, and the numbers."""
    arrays = [*(a for a in args if type(a) is np.ndarray), out]
    bits = [a.view(np.uint16) if a.dtype == _F16 else a for a in arrays]
    return bits + [np.float32(a) for a in args if type(a) is not np.ndarray]


def of_flat(function: Any, args: Any, wide: bool) -> Any:
    """`half_precision.of_flat`, compiled."""
    arrays = [a for a in args if type(a) is np.ndarray]
    size, numbers = arrays[0].size, len(arrays) < len(args)
    if len(arrays) == 1 and not wide and (not numbers or not _has_light_loop(function, args)):
        others = tuple([_HERE if type(a) is np.ndarray else a for a in args])
        table = _table(function, others, repr(others))
        if table is not None:
            out = np.empty(size, np.float16)
            in_parts(look_up, PIECE, (arrays[0].view(np.uint16), out.view(np.uint16)), table)
            return out
    if COMPILABLE and all(type(a) in _TAKEN for a in args):
        found = _loop(function, _kinds(args), wide)
        if found is not None:
            loop, dtype = found
            out = np.empty(size, dtype)
            given = _given(args, out)
            in_parts(loop, PIECE, given[: len(arrays) + 1], *given[len(arrays) + 1 :])
            return out
    return in_blocks(function, args, wide, _widened, _narrow)


def _widened(x: Any) -> Any:
    if not COMPILABLE:
        return x.astype(np.float32)
    out = np.empty(x.size, np.float32)
    widen.run(x.view(np.uint16), out)
    return out


def _narrow(x: Any, out: Any) -> None:
    if COMPILABLE and x.flags.c_contiguous and x.shape == out.shape:
        narrow.run(out.view(np.uint16), x)
    else:
        out[...] = x
