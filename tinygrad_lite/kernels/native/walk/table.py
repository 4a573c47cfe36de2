"""A table of steps: what its rows say.

A step is a row of integers: its kind, its length, and what it needs. Places in memory are a register, which holds an
address, and an offset, so that a table serves whatever memory the arguments of a call have.

    LOOP      function, data, arrays k, outer dimensions d, how often, where in the row its strides are, and where what
              follows them is; lengths and strides as the function takes them; d outer lengths; for each array:
              register, offset, d outer strides. An inner loop of NumPy's or of `inner_loops` is called for each index
              of the outer dimensions.
    PRODUCT   cblas, doubles, transposed a, transposed b, n, m, k; register, offset and leading dimension of a, b, c.
    ADDRESS   target register, source register: the address of the elements of an array object.
    CALL      caller, the result that is expected, arrays k; for each array: register, offset, and which word; the
              words of `caller`, into which the addresses are written. Another result ends the walk.
    END       the last row.
"""

from __future__ import annotations

LOOP, PRODUCT, ADDRESS, CALL, END = range(5)
ROW = 9  # of a loop, where its lengths are
KINDS = "?fdlihIL"  # what is copied, in NumPy's characters
CASTS = {  # and what is cast, by which of LLVM's instructions
    **dict.fromkeys(("?f", "?d", "lf", "ld"), "sitofp"),
    **dict.fromkeys(("?i", "?I", "?l", "?L"), "zext"),
    "fd": "fpext",
    "df": "fptrunc",
}
MOST = 6  # outer dimensions
ARRAYS = 8  # of a loop


def ended(rows: list[int]) -> list[int]:
    """A table of rows."""
    return [*rows, END, 2]
