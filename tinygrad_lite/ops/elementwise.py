"""All operations that work element by element; each file holds one family."""

from __future__ import annotations

from . import activation, arithmetic, compare, exponential, piecewise
from .activation import *
from .arithmetic import *
from .arithmetic import _add as _add
from .arithmetic import _subtract as _subtract
from .compare import *
from .exponential import *
from .piecewise import *

__all__ = [
    *arithmetic.__all__,
    *exponential.__all__,
    *piecewise.__all__,
    *activation.__all__,
    *compare.__all__,
]
