"""`Tensor` as annotations name it, below the operations that the class itself is made of.

Type checkers and editors read the stub beside this file, which names the class in `_tensor`; what runs is its base.
"""

from __future__ import annotations


class Tensor:
    """The base of `tinygrad_lite.Tensor`, which says no more than that it is one."""

    __slots__ = ()
