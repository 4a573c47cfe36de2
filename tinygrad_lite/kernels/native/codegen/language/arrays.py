"""`Arrays`: elements, parts and forms of arrays, and memory for new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llvmlite import ir

from .arithmetic import Writer
from .kinds import INT64, Array, Number, Tuple, Unsupported
from .values import BYTES, NOTHING, WORD, Constant, Items, NumberType, Scalar, Value, View, word


class Span:
    """A slice, ``first:end``; None where nothing is written."""

    def __init__(self, first: Value | None, end: Value | None) -> None:
        self.first, self.end = first, end

    @property
    def whole(self) -> bool:
        """Whether it is ``:``."""
        return self.first is None and self.end is None


Index = Value  # a number, a `Span`, or None for a new dimension


def strides_of(write: Any, number: Number, shape: list[Any]) -> list[Any]:
    """The strides of an array in C order."""
    strides = [word(number.size)] if shape else []
    for length in reversed(shape[1:]):
        strides.insert(0, write.mul(length, strides[0]))
    return strides


class Arrays(Writer):
    """Writes what is done with arrays."""

    allocated: list[Any]  # where addresses of memory stand that is freed when the function returns
    failed: Any  # called to write what happens without memory

    def pointer(self, address: Any, number: Number) -> Any:
        """An address, as one of elements."""
        kind = ir.PointerType(number.stored)
        return self.builder.inttoptr(address, kind) if address.type == WORD else self.builder.bitcast(address, kind)

    def contiguous(self, number: Number, data: Any, shape: list[Any], of: Array | None = None) -> View:
        """An array in C order; in the memory of one of a type."""
        kind = Array(number, len(shape), "C") if of is None else replace(of, number=number, ndim=len(shape))
        return View(kind, data, shape, strides_of(self.builder, number, shape))

    def address(self, array: View) -> Scalar:
        """Where an array begins."""
        return Scalar(INT64, self.builder.ptrtoint(array.data, WORD), True)

    def _inside(self, index: Value, length: Any) -> Any:
        """An index as a word, counted from the end if it is negative."""
        found = self.intp(index)
        if index.positive:
            return found
        if isinstance(index, Constant):
            return self.builder.add(length, found)
        below = self.builder.icmp_signed("<", found, word(0))
        return self.builder.select(below, self.builder.add(found, length), found)

    def _moved(self, array: View, axis: int, index: Any, offset: Any) -> Any:
        if isinstance(index, ir.Constant) and index.constant == 0:
            return offset
        step = self.builder.mul(index, array.strides[axis])
        return step if offset is None else self.builder.add(offset, step)

    def _beyond(self, array: View, offset: Any) -> Any:
        """The data of an array, some bytes further on."""
        if offset is None:
            return array.data
        data = self.builder.gep(self.builder.bitcast(array.data, BYTES), [offset], inbounds=True)
        return self.builder.bitcast(data, array.data.type)

    def place(self, array: View, index: list[Index]) -> Any:
        """Where an element lies."""
        words = [self._inside(i, n) for i, n in zip(index, array.shape)]
        if array.kind.layout == "C" and words:
            at = words[0]
            for i, n in zip(words[1:], array.shape[1:]):
                at = self.builder.add(self.builder.mul(at, n), i)
            return self.builder.gep(array.data, [at], inbounds=True)
        last = words.pop() if array.kind.layout == "I" else None
        offset = None
        for axis, i in enumerate(words):
            offset = self._moved(array, axis, i, offset)
        data = self._beyond(array, offset)
        return data if last is None else self.builder.gep(data, [last], inbounds=True)

    def load(self, kind: Array, place: Any) -> Scalar:
        """The element of an array at a place."""
        number = kind.number
        found = self.builder.load(place, align=number.size if kind.aligned else 1)
        if number.family == "b":
            found = self.builder.icmp_unsigned("!=", found, ir.Constant(found.type, 0))
        return Scalar(number, found, number.family in "bu")

    def put(self, value: Value, array: View, index: list[Index]) -> None:
        """Write an element."""
        if not array.kind.writable:
            raise Unsupported("an array that is written, and is read-only")
        self.store(value, array.kind, self.place(array, index))

    def store(self, value: Value, kind: Array, place: Any) -> None:
        """Write an element of an array at a place."""
        number = kind.number
        bits = self.bits(value, number)
        if number.family == "b":
            bits = self.builder.zext(bits, number.stored)
        self.builder.store(bits, place, align=number.size if kind.aligned else 1)

    def part(self, array: View, index: list[Index]) -> View:
        """What an index with slices, or with fewer numbers than dimensions, takes."""
        index = index + [Span(None, None)] * (array.kind.ndim - sum(i is not None for i in index))
        offset: Any = None
        shape: list[Any] = []
        strides: list[Any] = []
        axis, ordered, cut = 0, array.kind.layout == "C", False
        for i in index:
            if i is None:
                shape.append(word(1))
                strides.append(word(array.kind.number.size))
                ordered = False
                continue
            if isinstance(i, Span):
                if i.whole:
                    length = array.shape[axis]
                else:
                    first, length = self._span(i, array.shape[axis])
                    offset = self._moved(array, axis, first, offset)
                    ordered = ordered and not shape
                shape.append(length)
                strides.append(array.strides[axis])
            else:
                ordered = ordered and not shape
                offset = self._moved(array, axis, self._inside(i, array.shape[axis]), offset)
            cut = isinstance(i, Span)
            axis += 1
        close = array.kind.layout != "A" and cut
        layout = "C" if ordered else "I" if close else "A"
        kind = replace(array.kind, ndim=len(shape), layout=layout)
        return View(kind, self._beyond(array, offset), shape, strides)

    def _span(self, span: Span, length: Any) -> tuple[Any, Any]:
        """Where a slice begins, and how long it is."""
        first, end = word(0), length
        if span.first is not None:
            first = self._clipped(span.first, length)
        if span.end is not None:
            end = self._clipped(span.end, length)
        if span.first is None:
            return first, end
        count = self.builder.sub(end, first)
        below = self.builder.icmp_signed("<", count, word(0))
        return first, self.builder.select(below, word(0), count)

    def _clipped(self, index: Value, length: Any) -> Any:
        found = self._inside(index, length)
        beyond = self.builder.icmp_signed(">", found, length)
        found = self.builder.select(beyond, length, found)
        if index.positive:
            return found
        return self.builder.select(self.builder.icmp_signed("<", found, word(0)), word(0), found)

    def size(self, array: View) -> Any:
        """How many elements an array has."""
        found = array.shape[0] if array.shape else word(1)
        for n in array.shape[1:]:
            found = self.builder.mul(found, n)
        return found

    def reshape(self, array: View, lengths: list[Value]) -> View:
        """An array in C order, with other lengths; one of them may be -1."""
        if array.kind.layout != "C":
            raise Unsupported("reshape of an array that may have gaps")
        open_ = [k for k, n in enumerate(lengths) if isinstance(n, Constant) and n.value == -1]
        shape = [None if k in open_ else self.intp(n) for k, n in enumerate(lengths)]
        if len(open_) > 1:
            raise Unsupported("reshape with two open lengths")
        if open_:
            rest = self.size(array)
            for n in shape:
                rest = rest if n is None else self.builder.sdiv(rest, n)
            shape[open_[0]] = rest
        return self.contiguous(array.kind.number, array.data, shape, array.kind)

    def reinterpreted(self, array: View, number: Number) -> View:
        """The same memory as numbers of another type."""
        if array.kind.layout != "C" or not array.shape:
            raise Unsupported("view of an array that may have gaps")
        before, last = array.kind.number.size, array.shape[-1]
        if before != number.size:
            last = self.builder.sdiv(self.builder.mul(last, word(before)), word(number.size))
        data = self.pointer(array.data, number)
        return self.contiguous(number, data, [*array.shape[:-1], last], array.kind)

    def fill(self, array: View, value: Value) -> None:
        """Write a number to every element, or the elements of an array of the same lengths."""
        if array.kind.ndim > 1:
            self.each(array.shape[0], lambda i: self.fill(self.part(array, [i]), self._row(value, i)))
        elif array.kind.ndim == 0:
            self.put(self.element(value, []), array, [])
        else:
            self.each(array.shape[0], lambda i: self.put(self.element(value, [i]), array, [i]))

    def _row(self, value: Value, i: Value) -> Value:
        return self.part(value, [i]) if isinstance(value, View) else value

    def element(self, array: Value, index: list[Index]) -> Value:
        """An element, as it is read."""
        if not isinstance(array, View):
            return array
        return self.load(array.kind, self.place(array, index))

    def each(self, count: Any, body: Any) -> None:
        """Write a loop over numbers below a count."""
        write = self.builder
        at = self.room(WORD)
        write.store(word(0), at)
        head, inside, end = (write.append_basic_block(name) for name in ("head", "inside", "end"))
        write.branch(head)
        write.position_at_end(head)
        i = write.load(at)
        write.cbranch(write.icmp_signed("<", i, count), inside, end)
        write.position_at_end(inside)
        body(Scalar(INT64, i, True))
        write.store(write.add(i, word(1), flags=("nsw",)), at)
        write.branch(head)
        write.position_at_end(end)

    def new(self, shape: list[Value], number: Number, value: Value | None) -> View:
        """A new array, whose memory is freed when the function returns."""
        write = self.builder
        lengths = [self.intp(n) for n in shape]
        array = self.contiguous(number, self.pointer(word(0), number), lengths)
        bytes_ = write.add(write.mul(self.size(array), word(number.size)), word(64))
        kept = self.room(BYTES)
        with write.goto_block(self.entry):
            write.store(ir.Constant(BYTES, None), kept)
        self.allocated.append(kept)
        self.foreign("free", ir.VoidType(), [write.load(kept)])
        memory = self.foreign("malloc", BYTES, [bytes_])
        write.store(memory, kept)
        with write.if_then(write.icmp_unsigned("==", memory, ir.Constant(BYTES, None)), likely=False):
            self.failed()
        found = View(array.kind, self.pointer(memory, number), array.shape, array.strides)
        if value is not None:
            self.fill(self.contiguous(number, found.data, [self.size(found)]), value)
        return found

    # --- values as lists of LLVM's

    def parts(self, value: Value, kind: Any) -> list[Any]:
        """The LLVM values that a value of a type consists of."""
        if isinstance(kind, Number):
            return [self.bits(value, kind)]
        if isinstance(kind, Array):
            if not isinstance(value, View):
                raise Unsupported("a number where an array is needed")
            outer = value.strides if kind.layout == "A" else value.strides[:-1] if kind.layout == "I" else []
            return [value.data, *value.shape, *outer]
        if isinstance(kind, Tuple):
            return [part for item, each in zip(value.items, kind.items) for part in self.parts(item, each)]
        return []

    def whole(self, kind: Any, parts: Any, positive: bool = False) -> Value:
        """The value of a type that consists of some LLVM values; `parts` is an iterator."""
        if isinstance(kind, Number):
            return Scalar(kind, next(parts), positive or kind.family in "bu")
        if isinstance(kind, Array):
            data, shape = next(parts), [next(parts) for _ in range(kind.ndim)]
            if kind.layout == "C":
                return View(kind, data, shape, strides_of(self.builder, kind.number, shape))
            strides = [next(parts) for _ in range(kind.ndim - (kind.layout == "I"))]
            return View(kind, data, shape, strides + [word(kind.number.size)] * (kind.layout == "I"))
        if isinstance(kind, Tuple):
            return Items([self.whole(each, parts, positive) for each in kind.items])
        known = getattr(kind, "number", None), getattr(kind, "value", None)
        return NumberType(known[0]) if known[0] else NOTHING if known[1] is None else Constant(known[1])


def forms(kind: Any) -> list[Any]:
    """The LLVM types that a value of a type consists of."""
    if isinstance(kind, Number):
        return [kind.ir]
    if isinstance(kind, Array):
        strides = {"C": 0, "I": kind.ndim - 1, "A": kind.ndim}[kind.layout]
        return [ir.PointerType(kind.number.stored)] + [WORD] * (kind.ndim + strides)
    if isinstance(kind, Tuple):
        return [form for item in kind.items for form in forms(item)]
    return []
