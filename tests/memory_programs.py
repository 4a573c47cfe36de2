"""Random programs that mix views, in-place writes and ordinary operations, and machines that run them.

A program is a list of instructions ``(operation, a, b, c)`` of small numbers. The numbers choose tensors from a growing
pool and options that fit their shapes, so that every list is a valid program. It ends in a weighted sum of the pool.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

VIEWS = (
    "slice index select transpose reshape unsqueeze squeeze expand split unbind narrow newaxis diagonal unfold"
).split()
WRITES = "add_ mul_ sub_ copy_ setitem zero_ fill_ sigmoid_ tanh_ sin_ iadd imul quiet".split()
PLAIN = "add mul sin tanh clone detach".split()
instructions = st.tuples(
    st.sampled_from(VIEWS + WRITES + WRITES + PLAIN), st.integers(0, 11), st.integers(0, 11), st.integers(0, 11)
)
programs = st.lists(instructions, min_size=3, max_size=12)

SHAPES = ((2, 3), (3, 2), (4,), (2, 2, 3))


def view_key(name: str, shape: tuple[int, ...], b: int, c: int) -> Any:
    """The index of a view, or None where the shape has none."""
    if name == "newaxis":
        return (None, Ellipsis) if b % 2 else (Ellipsis, None)
    if not shape:
        return Ellipsis
    dim = b % len(shape)
    n = shape[dim]
    if name == "index":
        return c % n if dim == 0 else (Ellipsis, c % n)
    start = c % n
    return (slice(None),) * dim + (slice(start, start + 1 + c % 3, 1 + b % 2),)


def write_key(shape: tuple[int, ...], b: int, c: int) -> Any:
    """An index of any kind, without repetitions."""
    if not shape:
        return Ellipsis
    n = shape[0]
    kinds: list[Any] = [
        c % n,
        slice(c % n, None),
        (Ellipsis, c % shape[-1]),
        np.array([c % n]),
        np.random.default_rng(c).permutation(n)[: 1 + c % n],
        np.random.default_rng(c).random(shape) < 0.5,
        np.random.default_rng(c).random(n) < 0.5,
        (None, slice(0, 1 + c % n)),
    ]
    if len(shape) > 1:
        kinds += [
            (np.arange(min(shape[:2])), np.arange(min(shape[:2]))[::-1].copy()),
            (slice(None, None, 2), np.array([c % shape[1]])),
            (c % n, np.array([0, shape[1] - 1][: shape[1]])),
        ]
    return kinds[b % len(kinds)]


def reshaped(shape: tuple[int, ...], c: int) -> tuple[int, ...]:
    """Another shape for as many elements."""
    size = int(np.prod(shape))
    options = [(size,), (1, size), (size, 1), *((d, size // d) for d in (2, 3) if size % d == 0)]
    return options[c % len(options)]


class Machine:
    """Runs a program in a library, on its tensors and in its memory."""

    def __init__(self, library: Any) -> None:
        self.m = library
        rng = np.random.default_rng(0)
        self.leaves = [self.tensor(rng.uniform(-1, 1, s), True) for s in SHAPES[:2]]
        self.pool = [  # not the leaves: a write to them is refused, and that has its own test
            self.leaves[0] * 1.0,
            self.leaves[1] * self.leaves[1],
            self.tensor(rng.uniform(-1, 1, SHAPES[2])),
            self.tensor(rng.uniform(-1, 1, SHAPES[3])),
        ]

    def tensor(self, values: Any, requires_grad: bool = False) -> Any:
        return self.m.tensor(values, dtype=self.m.float64, requires_grad=requires_grad)

    def index(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        own = tuple(self.m.tensor(p) if isinstance(p, np.ndarray) else p for p in parts)
        return own if isinstance(key, tuple) else own[0]

    def run(self, program: list[tuple[str, int, int, int]]) -> Any:
        """Values of the pool, who requires grad, and the gradients of the leaves."""
        for name, a, b, c in program:
            self.step(name, self.pool[a % len(self.pool)], b, c)
        loss = sum(((i + 1) * t.sin()).sum() for i, t in enumerate(self.pool) if t.requires_grad)
        loss.backward()
        zero = [np.zeros(t.shape) for t in self.leaves]
        return (
            [t.detach().numpy() for t in self.pool],
            [t.requires_grad for t in self.pool],
            [z if t.grad is None else t.grad.numpy() for t, z in zip(self.leaves, zero)],
        )

    def step(self, name: str, t: Any, b: int, c: int) -> None:
        if name in VIEWS:
            self.pool.append(self.view(name, t, b, c))
        elif name in WRITES:
            self.write(name, t, b, c)
        else:
            self.pool.append(self.plain(name, t, self.pool[b % len(self.pool)]))

    def view(self, name: str, t: Any, b: int, c: int) -> Any:
        shape = tuple(t.shape)
        ndim = len(shape)
        if name in ("slice", "index", "newaxis"):
            return t[view_key(name, shape, b, c)]
        if name == "reshape":
            return t.reshape(reshaped(shape, c))
        if name == "unsqueeze":
            return t.unsqueeze(b % (ndim + 1))
        if name == "squeeze":
            return t.squeeze()
        if name == "expand":
            return t.expand(2, *shape)
        if not ndim:
            return t.reshape(1)
        dim = b % ndim
        if name == "diagonal":
            return t.diagonal(c % 2, dim, (dim + 1) % ndim) if ndim > 1 else t.reshape(-1)
        if name == "unfold":
            return t.unfold(dim, 1, 1 + c % 2)
        if name == "transpose":
            return t.transpose(dim, c % ndim)
        if name == "split":
            return t.split(1 + c % 2, dim)[0]
        if name == "narrow":
            return t.narrow(dim, c % shape[dim], 1)
        pieces = t.unbind(dim)
        return pieces[c % len(pieces)]

    def operand(self, t: Any, b: int) -> Any:
        """Another tensor of the pool, made to fit."""
        other = self.pool[b % len(self.pool)]
        try:
            fits = np.broadcast_shapes(tuple(other.shape), tuple(t.shape)) == tuple(t.shape)
        except ValueError:
            fits = False
        return other if fits else other.sum() * 0.1

    def write(self, name: str, t: Any, b: int, c: int) -> None:
        if name in ("zero_", "sigmoid_", "tanh_", "sin_"):
            getattr(t, name)()
        elif name == "fill_":
            t.fill_(c / 4)
        elif name == "setitem":
            t[self.index(write_key(tuple(t.shape), b, c))] = (
                self.pool[c % len(self.pool)].sum() * 0.5 if c % 3 else 0.25
            )
        elif name == "quiet":
            with self.m.no_grad():
                t.mul_(0.5)
        elif name == "iadd":
            t += self.operand(t, b)
        elif name == "imul":
            t *= 1.5
        else:
            getattr(t, name)(self.operand(t, b) if name == "copy_" or c % 3 else 0.5)

    def plain(self, name: str, t: Any, other: Any) -> Any:
        if name in ("add", "mul"):
            other = other if other.shape == t.shape else other.sum()
            return (t + other if name == "add" else t * other).contiguous()
        return t.detach() if name == "detach" else getattr(t, name)().contiguous()


class Buffer:
    """A flat tensor that is replaced rather than written to.

    `aliases` are the buffers of the same memory: `detach` shares the values, but each side has a history of its own.
    """

    def __init__(self, value: Any, aliases: list[Buffer]) -> None:
        self.value, self.aliases = value, aliases
        aliases.append(self)


class Cell:
    """A tensor of the reference: places in a buffer."""

    def __init__(self, buffer: Buffer, places: Any) -> None:
        self.buffer, self.places = buffer, places

    shape = property(lambda self: self.places.shape)


class Reference(Machine):
    """What the program means, without views and without writing: every write makes a new buffer out of the old one.

    Runs on out-of-place operations of the library only. `places` is an array of positions in the buffer, with the
    strides that the tensor would have, so NumPy tells what is a view.
    """

    def __init__(self, library: Any) -> None:
        super().__init__(library)
        self.pool = [self.cell(t) for t in self.pool]
        self.overlaps = False  # did a write read from its own memory, shifted? PyTorch's result is then undefined

    def cell(self, value: Any) -> Cell:
        places = np.arange(int(np.prod(value.shape))).reshape(tuple(value.shape))
        return Cell(Buffer(value.reshape(-1), []), places)

    def value(self, cell: Cell) -> Any:
        return cell.buffer.value[self.m.tensor(cell.places.reshape(-1))].reshape(cell.shape)

    def run(self, program: Any) -> Any:
        for name, a, b, c in program:
            self.step(name, self.pool[a % len(self.pool)], b, c)
        values = [self.value(c) for c in self.pool]
        loss = sum(((i + 1) * t.sin()).sum() for i, t in enumerate(values) if t.requires_grad)
        loss.backward()
        return [t.detach().numpy() for t in values], None, [t.grad.numpy() for t in self.leaves]

    def view(self, name: str, t: Any, b: int, c: int) -> Any:
        if name in ("slice", "index", "newaxis"):
            places = t.places[view_key(name, t.shape, b, c)]
        elif name == "expand":
            places = np.broadcast_to(t.places, (2, *t.shape))
        elif name == "unsqueeze":
            places = np.expand_dims(t.places, b % (t.places.ndim + 1))
        elif name == "squeeze":
            places = t.places.squeeze()
        elif name == "reshape" or not t.shape:
            places = t.places.reshape(reshaped(t.shape, c) if name == "reshape" else (1,))
        else:
            dim, n = b % t.places.ndim, t.shape[b % t.places.ndim]
            lead = (slice(None),) * dim
            if name == "diagonal":
                places = t.places.diagonal(c % 2, dim, (dim + 1) % t.places.ndim) if t.places.ndim > 1 else t.places
            elif name == "unfold":
                places = t.places[(*lead, slice(None, None, 1 + c % 2))][..., None]
            elif name == "transpose":
                places = t.places.swapaxes(dim, c % t.places.ndim)
            elif name == "split":
                places = t.places[(*lead, slice(0, 1 + c % 2))]
            elif name == "narrow":
                places = t.places[(*lead, slice(c % n, c % n + 1))]
            else:
                places = t.places[(*lead, c % n)]
        places = np.asarray(places)
        if np.may_share_memory(places, t.places) or not places.ndim:
            return Cell(t.buffer, places)
        return self.cell(self.value(t).reshape(places.shape))

    def operand(self, t: Any, b: int) -> Any:
        other = self.pool[b % len(self.pool)]
        try:
            fits = np.broadcast_shapes(other.shape, t.shape) == t.shape
        except ValueError:
            fits = False
        if fits and other.buffer in t.buffer.aliases and not np.array_equal(other.places, t.places):
            self.overlaps = True
        return self.value(other) if fits else self.value(other).sum() * 0.1

    def write(self, name: str, t: Any, b: int, c: int) -> None:
        old = self.value(t)
        if name == "setitem":
            new = self.value(self.pool[c % len(self.pool)]).sum() * 0.5 if c % 3 else self.tensor(0.25)
            places = t.places[write_key(t.shape, b, c)]
            self.put(t, places, new + self.m.zeros(places.shape, dtype=self.m.float64))
            return
        other = self.operand(t, b) if name in ("copy_", "iadd") or c % 3 else 0.5
        self.put(
            t,
            t.places,
            {
                "zero_": lambda: old * 0, "sigmoid_": lambda: old.sigmoid(), "tanh_": lambda: old.tanh(),
                "sin_": lambda: old.sin(),
                "fill_": lambda: old * 0 + c / 4, "iadd": lambda: old + other, "imul": lambda: old * 1.5,
                "add_": lambda: old + other, "mul_": lambda: old * other, "sub_": lambda: old - other,
                "copy_": lambda: old * 0 + other, "quiet": lambda: old * 0.5,
            }[name](),
            recorded=name != "quiet",
        )  # fmt: skip

    def put(self, t: Cell, places: Any, new: Any, recorded: bool = True) -> None:
        if not places.size:
            return
        old = t.buffer.value
        source, chosen = np.zeros(old.shape[0], np.int64), np.zeros(old.shape[0], bool)
        source[places.reshape(-1)], chosen[places.reshape(-1)] = np.arange(places.size), True
        placed = new.reshape(-1)[self.m.tensor(source)]
        after = self.m.where(self.m.tensor(chosen), placed, old)
        for buffer in t.buffer.aliases:
            own = recorded and buffer is t.buffer
            buffer.value = after if own else buffer.value + (after - buffer.value).detach()

    def plain(self, name: str, t: Any, other: Any) -> Any:
        if name == "detach":
            return Cell(Buffer(t.buffer.value.detach(), t.buffer.aliases), t.places)
        a = self.value(t)
        if name in ("add", "mul"):
            b = self.value(other)
            b = b if b.shape == a.shape else b.sum()
            return self.cell(a + b if name == "add" else a * b)
        return self.cell(a.clone() if name == "clone" else getattr(a, name)())
