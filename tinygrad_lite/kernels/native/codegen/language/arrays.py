"""`Arrays`: forms of arrays, their assignment, and memory for new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llvmlite import ir

from .elements import Elements
from .kinds import INT64, Array, Number, Tuple, Unsupported
from .values import (
    BYTES,
    NO_MEMORY,
    NOTHING,
    OTHER_LENGTHS,
    WORD,
    Constant,
    Items,
    NumberType,
    Scalar,
    Value,
    View,
    word,
)


def strides_of(write: Any, number: Number, shape: list[Any]) -> list[Any]:
    """The strides of an array in C order."""
    strides = [word(number.size)] if shape else []
    for length in reversed(shape[1:]):
        strides.insert(0, write.mul(length, strides[0]))
    return strides


class Arrays(Elements):
    """Writes what is done with arrays."""

    allocated: list[Any]  # where addresses of memory stand that is freed when the function returns
    failed: Any  # called with a condition on which the kernel fails, and why

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
        """Write a number to every element, or the elements of an array, as they were before."""
        if isinstance(value, View):
            if value.kind.ndim > array.kind.ndim:
                raise Unsupported("an array that is assigned one of more dimensions")
            for n, length in zip(reversed(value.shape), reversed(array.shape)):
                other = self.builder.and_(*(self.builder.icmp_signed("!=", n, m) for m in (length, word(1))))
                self.failed(other, OTHER_LENGTHS)
            value = self._apart(value, array)
        self._write_all(array, value)

    def _write_all(self, array: View, value: Value) -> None:
        if array.kind.ndim == 0:
            self.put(self.load(value.kind, self.place(value, [])) if isinstance(value, View) else value, array, [])
            return
        spread = not isinstance(value, View) or value.kind.ndim < array.kind.ndim
        # of a length of 1, there is the first alone
        step = None if spread else self.builder.zext(self.builder.icmp_signed("!=", value.shape[0], word(1)), WORD)

        def write_one(i: Scalar) -> None:
            given = value if spread else self.part(value, [Scalar(INT64, self.builder.mul(i.ir, step), True)])
            self._write_all(self.part(array, [i]), given)

        self.each(array.shape[0], write_one)

    def _ends(self, array: View) -> tuple[Any, Any]:
        """The addresses of an array's first and last byte in memory; of an empty one, the second is below."""
        first = last = self.builder.ptrtoint(array.data, WORD)
        for n, stride in zip(array.shape, array.strides):
            far = self.builder.mul(self.builder.sub(n, word(1)), stride)
            down = self.builder.icmp_signed("<", stride, word(0))
            first = self.builder.add(first, self.builder.select(down, far, word(0)))
            last = self.builder.add(last, self.builder.select(down, word(0), far))
        return first, self.builder.add(last, word(array.kind.number.size - 1))

    def _apart(self, value: View, array: View) -> View:
        """An array, or a copy where its memory may be that of another, which is written."""
        (first, last), (begin, end) = self._ends(value), self._ends(array)
        common = self.builder.and_(*(self.builder.icmp_signed("<=", a, b) for a, b in ((first, end), (begin, last))))
        kind = value.kind
        slots = [self.room(form) for form in forms(kind)]
        for part, slot in zip(self.parts(value, kind), slots):
            self.builder.store(part, slot)
        with self.builder.if_then(common, likely=False):
            copied = self.new([Scalar(INT64, n, True) for n in value.shape], value.kind.number, None)
            self._write_all(copied, value)
            for part, slot in zip(self.parts(copied, kind), slots):
                self.builder.store(part, slot)
        return self.whole(kind, iter([self.builder.load(slot) for slot in slots]))

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
        self.failed(write.icmp_unsigned("==", memory, ir.Constant(BYTES, None)), NO_MEMORY)
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
