"""`Block`, sums in vector registers, in an intrinsic that is being written; how wide the processor's registers are."""

# llvmlite has types for little of itself
# mypy: disable-error-code="no-untyped-call, attr-defined, call-arg"

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir

from ..codegen.instructions import alloca_once_value
from ..codegen.language.intrinsics import types

_features = dict(llvmlite.binding.get_host_cpu_features())
WIDTH = 64 if _features.get("avx512f") else 32 if _features.get("avx") else 16  # bytes in a vector register
MANY = WIDTH == 64 or "x86" not in llvmlite.binding.get_process_triple()  # 32 registers rather than 16
INT, INTP = ir.IntType(32), ir.IntType(64)

# For blocks of 8, 6, 4, 2 and 1 rows, how many vectors of columns: their sums must fit the registers, and be enough of
# them to hide what an addition waits for.
COLUMNS_8, COLUMNS_6, COLUMNS_4, COLUMNS_2, COLUMNS_1 = (3, 4, 4, 8, 8) if MANY else (1, 2, 3, 4, 8)
ROWS, PANEL = (8, 3) if MANY else (6, 2)  # the block that needs the fewest loads for what it adds
SIZES = (8, 6, 4, 2, 1)[
    not MANY :
]  # how many rows a block may have: with few registers, 8 and a single vector are slow


class Block:
    """Sums of vectors, of which there are rows x columns, in an intrinsic that is being written."""

    def __init__(self, context: Any, builder: Any, kind: Any, rows: int, columns: int) -> None:
        self.builder, self.rows, self.columns = builder, rows, columns
        self.number = context.get_value_type(kind)
        self.size = 4 if kind == types.float32 else 8
        self.lanes = WIDTH // self.size
        self.vector = ir.VectorType(self.number, self.lanes)
        zero = ir.Constant(self.vector, None)
        self.sums = [[alloca_once_value(builder, zero) for _ in range(columns)] for _ in range(rows)]

    def address(self, base: Any, index: Any, scale: int) -> Any:
        return self.builder.add(base, self.builder.mul(index, ir.Constant(INTP, scale)))

    def at(self, base: Any, steps: int) -> Any:
        return self.builder.add(base, ir.Constant(INTP, steps))

    def load(self, kind: Any, address: Any) -> Any:
        return self.builder.load(self.builder.inttoptr(address, ir.PointerType(kind)), align=self.size)

    def store(self, value: Any, address: Any) -> None:
        self.builder.store(value, self.builder.inttoptr(address, ir.PointerType(value.type)), align=self.size)

    def everywhere(self, number: Any) -> Any:
        undefined = ir.Constant(self.vector, ir.Undefined)
        single = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        order = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return self.builder.shuffle_vector(single, undefined, order)

    def add_product(self, row: int, column: int, a: Any, b: Any) -> None:
        product = self.builder.fmul(a, b, flags=("contract",))
        slot = self.sums[row][column]
        self.builder.store(self.builder.fadd(self.builder.load(slot), product, flags=("contract",)), slot)

    def halved(self, a: Any, b: Any, group: int) -> Any:
        """Add the halves of each group of lanes; first those of `a`, then those of `b`."""
        order = [lane for first in range(0, 2 * self.lanes, group) for lane in range(first, first + group // 2)]
        parts = [
            self.builder.shuffle_vector(
                a, b, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [lane + shift for lane in order])
            )
            for shift in (0, group // 2)
        ]
        return self.builder.fadd(*parts)

    def totals(self) -> list[Any]:
        """The sums over the lanes of all vectors, row by row, as the lanes of a few."""
        vectors = [self.builder.load(slot) for row in self.sums for slot in row]
        found = []
        for first in range(0, len(vectors), self.lanes):
            some, group = vectors[first : first + self.lanes], self.lanes
            while group > 1:
                some += some[-1:] * (len(some) % 2)
                some = [self.halved(a, b, group) for a, b in zip(some[::2], some[1::2])] or some
                group //= 2
            found += some
        return found
