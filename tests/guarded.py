"""Arrays between pages that nobody may touch: a loop that leaves one of them ends the process.

Run as a program it makes every row of OPS and random spatial calls on such arrays, with the kernels compiled before.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import mmap
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

PAGE = mmap.PAGESIZE
PROTECT = ctypes.CDLL(None, use_errno=True).mprotect
MAKERS = ("empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like", "ascontiguousarray")


def guarded(a: Any, at_end: bool) -> Any:
    """A copy of an array that ends where a forbidden page begins, or begins where one ends."""
    a = np.asarray(a)
    if not a.nbytes or a.dtype.hasobject:
        return a
    room = -(-a.nbytes // PAGE) * PAGE
    pages = mmap.mmap(-1, room + 2 * PAGE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    for forbidden in (start, start + PAGE + room):
        if PROTECT(ctypes.c_void_p(forbidden), PAGE, 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    offset = PAGE + (room - a.nbytes if at_end else 0)
    out: Any = np.frombuffer(pages, a.dtype, a.size, offset).reshape(a.shape)
    out[...] = a
    return out


@contextlib.contextmanager
def guarding(at_end: bool) -> Iterator[None]:
    """All that NumPy's makers of arrays give is guarded."""
    before = {name: getattr(np, name) for name in MAKERS}

    def instead(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **options: Any) -> Any:
            out = make(*args, **options)
            plain = type(out) is np.ndarray and out.flags.c_contiguous and not any(out is a for a in args)
            return guarded(out, at_end) if plain else out

        return made

    for name, make in before.items():
        setattr(np, name, instead(make))
    try:
        yield
    finally:
        for name, make in before.items():
            setattr(np, name, make)


def calls() -> Iterator[tuple[str, Callable[..., Any], list[Any], list[bool]]]:
    """Rows of OPS in float32, and random calls of the functions of images; and what is differentiated."""
    import spatial_calls
    from ops_cases import names
    from ops_table import OPS

    import tinygrad_lite as tg
    import tinygrad_lite.nn.functional as F

    for row, name in zip(OPS, names(OPS)):
        if name.endswith(("-4", "-5", "-6", "-7", "-8", "-9")):  # of most ways to call one function the first do
            continue
        yield name, lambda *ts, row=row: row.call(tg, *ts), row.draw(np.float32), [g.differentiable for g in row.inputs]
    for family, draw in spatial_calls.CALLS.items():
        for seed in range(30):
            call, arrays = draw(np.random.default_rng(seed))
            yield f"{family} {seed}", lambda *ts, call=call: call(F, *ts), arrays, [True] * len(arrays)


def run(call: Callable[..., Any], arrays: list[Any], differentiable: list[bool]) -> None:
    """Forward and backward."""
    import tinygrad_lite as tg

    leaves = [tg.from_numpy(a).requires_grad_(d and a.dtype.kind == "f") for a, d in zip(arrays, differentiable)]
    result = call(*leaves)
    outs = [o for o in (result if isinstance(result, (tuple, list)) else [result]) if getattr(o, "requires_grad", 0)]
    if outs:
        wanted = [t for t in leaves if t.requires_grad]
        tg.autograd.grad(outs, wanted, [tg.ones_like(o) for o in outs], allow_unused=True)


if __name__ == "__main__":
    faulthandler.enable()
    done = 0
    with np.errstate(all="ignore"):
        for name, call, arrays, differentiable in calls():
            run(call, arrays, differentiable)  # compiles what has to be
            print(name, flush=True)
            at_end = bool(done % 2)
            with guarding(at_end):
                run(call, [guarded(a, at_end) for a in arrays], differentiable)
            done += 1
    sys.exit(0 if done > 1000 else 1)
