"""All operations that change shapes; each file holds one family."""

from __future__ import annotations

from . import arrange, broadcasting, cut, diagonals, join, stacks, turn, windows
from .arrange import *
from .arrange import _transpose as _transpose
from .arrange import view as view
from .broadcasting import *
from .broadcasting import expand as expand
from .broadcasting import repeat as repeat
from .cut import *
from .diagonals import *
from .diagonals import fill_diagonal_ as fill_diagonal_
from .join import *
from .stacks import *
from .turn import *
from .windows import *
from .windows import storage_offset as storage_offset
from .windows import unfold as unfold

__all__ = [
    *arrange.__all__, *broadcasting.__all__, *join.__all__, *cut.__all__, *turn.__all__, *stacks.__all__,
    *diagonals.__all__, *windows.__all__,
]  # fmt: skip
