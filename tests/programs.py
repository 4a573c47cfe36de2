"""Random programs of any operations that read, arrange, join, reduce and overwrite tensors, and the machine for them.

A program is a list of instructions, each a name in `program_steps.TABLE` and some bytes. An instruction takes its
choices from its bytes: tensors of a growing pool, dimensions, indices and options that mostly fit their shapes. So
every list is a valid program, it means the same in two libraries as long as their shapes are the same, and one that is
shorter or has smaller bytes is simpler. An instruction that the library refuses leaves the pool as it is.

`memory_programs.py` has programs of views and writes only, and a reference that has neither.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import strategies as st
from program_steps import NAMES, NUMBERS, TABLE, WRITES, broadcasts, shared

Program = list[tuple[str, bytes]]
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError)
LEAVES = ((2, 3), (3,), (), (2, 1, 3), (0, 3), (3, 3))
CONSTANTS = ((2, 3), (3, 1), (3, 3), ())


@functools.cache
def values(shape: tuple[int, ...], seed: int) -> Any:
    """No two alike, and none near zero, so that nothing hangs on the last digit."""
    size = int(np.prod(shape))
    rng = np.random.default_rng(seed)
    return rng.permutation((np.arange(size) + rng.uniform(0.2, 0.8, size)) / max(size, 1) * 2 - 1).reshape(shape)


def programs(kind: str = "all", size: int = 10) -> Any:
    """A strategy."""
    instruction = st.tuples(st.sampled_from(NAMES[kind]), st.binary(min_size=16, max_size=16))
    return st.lists(instruction, min_size=1, max_size=size)


# --- choices --------------------------------------------------------------------------------------------------


class Pick:
    """What an instruction chooses, byte by byte; when they are used up, always the first option."""

    def __init__(self, machine: Machine, data: bytes) -> None:
        self.m, self.pool, self.data, self.at = machine.m, machine.pool, data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def __call__(self, options: Sequence[Any]) -> Any:
        return options[self.byte() % len(options)]

    def rarely(self) -> bool:
        return self.byte() > 250

    def some(self, options: Sequence[Any], least: int = 0) -> list[Any]:
        """Different ones of them, in any order."""
        left, found = list(options), []
        for _ in range(min(least + self.byte() % (len(left) + 1 - min(least, len(left))), len(left))):
            found.append(left.pop(self.byte() % len(left)))
        return found

    def tensor(self) -> Any:
        return self(self.pool[::-1])

    def fitting(self, fits: Callable[[Any], bool]) -> Any:
        """A tensor of the pool for which that holds, rarely another."""
        found = [] if self.rarely() else [t for t in self.pool[::-1] if fits(t)]
        return self(found or self.pool[::-1])

    def like(self, t: Any, shape: Sequence[int] | None = None) -> Any:
        """A tensor that broadcasts to the shape, and has the dtype: PyTorch's 0-d tensors do not promote, ours do."""
        shape = tuple(t.shape if shape is None else shape)
        found = self.fitting(lambda u: broadcasts(u.shape, shape) == shape)
        return found.to(t.dtype) if not (found.ndim and t.ndim) else found

    def operand(self, t: Any) -> Any:
        """Another tensor that broadcasts, or a number."""
        if self.byte() % 4 == 3:
            return self(NUMBERS)
        found = self.fitting(lambda u: broadcasts(u.shape, t.shape) is not None)
        return found.to(t.dtype) if not (found.ndim and t.ndim) else found

    def source(self, t: Any, shape: Sequence[int] | None = None) -> Any:
        """What is written to `t`; from a part of its own memory only as a copy, else PyTorch leaves it undefined."""
        if self.byte() % 4 == 3:
            return self(NUMBERS)
        found = self.like(t, shape)
        return found.clone() if shared(found, t) else found

    def exact(self, t: Any, shape: Sequence[int]) -> Any:
        """A tensor of exactly that shape, dtype, and other memory."""
        found = self.like(t, shape)
        if t.ndim and found.ndim and self.rarely():
            return found.clone()
        found = found if broadcasts(found.shape, shape) == tuple(shape) else self.pool[2] + 0.0
        return (found.to(t.dtype) + 0.0).expand(tuple(shape)).clone()

    def dim(self, t: Any, more: int = 0) -> int:
        n = t.ndim + more
        return n if self.rarely() else self(range(-n, n) if n else (0, -1))

    def dims(self, t: Any) -> Any:
        """None, one or several dimensions."""
        kind = self(("none", "one", "one", "several"))
        return None if kind == "none" else self.dim(t) if kind == "one" else tuple(self.some(range(t.ndim), 1)) or None

    def size(self, t: Any, dim: int) -> int:
        """Of a dimension, if it exists."""
        return int(t.shape[dim]) if -t.ndim <= dim < t.ndim else 1

    def place(self, n: int) -> int:
        return n if self.rarely() else self(range(-n, n) if n else (0,))

    def integers(self, n: int, shape: Sequence[int], repeats: bool = True, negative: bool = True) -> Any:
        """An integer tensor of places in a dimension."""
        count = int(np.prod(shape))
        if repeats:
            array = np.array([self.byte() % max(n, 1) for _ in range(count)], np.int64)
        else:
            array = np.array((self.some(range(n), count) + [0] * count)[:count], np.int64)
        if negative and self.byte() % 4 == 3:
            array -= n
        return self.m.tensor((array + n * self.rarely()).reshape(shape))

    def mask(self, shape: Sequence[int]) -> Any:
        shape = tuple(shape)
        return self.m.tensor(np.random.default_rng(self.byte()).random(shape) < 0.5)

    def shape_of(self, size: int) -> tuple[int, ...]:
        """Some shape for that many elements, maybe with a -1."""
        options = [(-1,), (size,), (1, size), (size, 1), (-1, 1), (2, -1), (3, -1), (size, 1, 1), ()]
        fits = [s for s in options if -1 in s or np.prod(s) == size]
        fits = [s for s in fits if not (-1 in s and size % abs(int(np.prod(s))))]
        return (4, -1) if self.rarely() else self(fits)

    def key(self, t: Any, write: bool = False) -> Any:
        """Anything for brackets. Where it is written to, without repetitions: PyTorch leaves their order open."""
        parts: list[Any] = []
        dim, count = 0, self((1, 2, 2, 3))
        while dim < t.ndim and len(parts) < 5:
            n = int(t.shape[dim])
            kind = self("int slice slice slice array column list mask wide none dots end".split())
            if kind == "none":
                parts.append(None)
                continue
            if kind == "end" or (kind == "dots" and Ellipsis in [p for p in parts if p is Ellipsis]):
                break
            if kind == "dots":
                parts.append(Ellipsis)
                dim += self(range(t.ndim - dim + 1))
                continue
            if kind == "wide" and dim + 1 < t.ndim:
                parts.append(self.mask(t.shape[dim : dim + 2]))
                dim += 2
                continue
            dim += 1
            if kind == "int":
                parts.append(self.place(n))
            elif kind in ("slice", "wide"):
                ends = (None, 0, 1, -1, 2, -2, n, n + 1)
                parts.append(slice(self(ends), self(ends), self((None, 1, 2, 3))))
            elif kind == "mask":
                parts.append(self.mask((n,)))
            else:
                k = 1 if write and n < count else count
                array = self.integers(n, (k, 1) if kind == "column" else (k,), not write)
                parts.append([int(i) for i in array] if kind == "list" else array)
        if not parts:
            return self((Ellipsis, None, (), slice(None)) if t.ndim else (Ellipsis, (), None))
        return parts[0] if len(parts) == 1 and self.byte() % 2 else tuple(parts)


# --- the machine ----------------------------------------------------------------------------------------------


class Machine:
    """Runs programs in a library.

    Attributes
    ----------
    pool : list of Tensor
        What instructions choose from: at first leaves that require grad, and tensors that can be written to.
    recording : bool
        Whether instructions are recorded: `grad_mode` switches.
    """

    def __init__(self, library: Any, leaves: Sequence[Any] | None = None) -> None:
        self.m, self.recording = library, True
        self.leaves = list(leaves or [self._tensor(s, i).requires_grad_() for i, s in enumerate(LEAVES)])
        constants = [self._tensor(s, i + 20) for i, s in enumerate(CONSTANTS)]
        self.pool = [*self.leaves, *constants, *(t * 1.0 for t in self.leaves)]

    def _tensor(self, shape: tuple[int, ...], seed: int) -> Any:
        return self.m.tensor(values(shape, seed), dtype=self.m.float64)

    def step(self, name: str, data: bytes) -> bool:
        """Run an instruction, and tell whether it wrote to memory.

        Raises
        ------
        One of `REFUSALS`
        """
        if name == "grad_mode":
            self.recording = not self.recording
            return False
        pick = Pick(self, data)
        written = name in WRITES
        t = pick(self.pool[: len(LEAVES) - 1 if written and not pick.rarely() else None : -1])
        if t.numel() > 200:
            return False
        with self.mode():
            out = TABLE[name](self.m, t, pick)
            if not written:
                self.pool.append(self.kept(out, t))
        return written

    def kept(self, out: Any, t: Any) -> Any:
        """A result for the pool. The order of a new one's elements in memory is nobody's promise.

        A view made without recording is a constant here, and a leaf without a connection in PyTorch.
        """
        if out is t:
            return out
        out = out if self.recording else out.detach()
        return out if shared(out, t) else out.contiguous()

    @contextmanager
    def mode(self) -> Iterator[None]:
        with self.m.enable_grad() if self.recording else self.m.no_grad():
            yield

    def differentiable(self) -> list[Any]:
        """The leaves that require grad, each once."""
        found = {id(t): t for t in self.pool if t.requires_grad and t.is_leaf}
        return list(found.values())

    def loss(self) -> Any:
        """A weighted sum of all that requires grad."""
        total = 0.0
        for i, t in enumerate(self.pool):
            if t.requires_grad:
                total = total + (self._tensor(tuple(t.shape), i + 50) * t.double().sin()).sum()
        return total

    def gradients(self) -> Iterator[list[Any]]:
        """Of the leaves, by a pass; by a second one; recorded; and those of these gradients' squares."""
        leaves, loss = self.differentiable(), self.loss()
        if not leaves:
            return
        for _ in range(2):
            loss.backward(retain_graph=True)
            yield [None if t.grad is None else t.grad.clone() for t in leaves]
        found = self.m.autograd.grad(loss, leaves, create_graph=True, allow_unused=True)
        yield found
        squares = sum((g.double() ** 2).sum() for g in found if g is not None and g.requires_grad)
        if hasattr(squares, "backward"):
            yield self.m.autograd.grad(squares, leaves, allow_unused=True)
