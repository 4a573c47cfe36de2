"""`Elements`: where elements and parts of arrays lie, as they are read and written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from llvmlite import ir

from .arithmetic import Writer
from .kinds import Array, Unsupported
from .values import BYTES, Constant, Scalar, Value, View, word


class Span:
    """A slice, ``first:end``; None where nothing is written."""

    def __init__(self, first: Value | None, end: Value | None) -> None:
        self.first, self.end = first, end

    @property
    def whole(self) -> bool:
        """Whether it is ``:``."""
        return self.first is None and self.end is None


Index = Value  # a number, or a `Span`


class Elements(Writer):
    """Writes what is done with elements of arrays."""

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
        index = index + [Span(None, None)] * (array.kind.ndim - len(index))
        offset: Any = None
        shape: list[Any] = []
        strides: list[Any] = []
        ordered, cut = array.kind.layout == "C", False
        for axis, i in enumerate(index):
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
