"""All operations that change shapes; each file holds one family."""

from __future__ import annotations

from . import arrange, broadcasting, join
from .arrange import *
from .arrange import _transpose as _transpose
from .arrange import view as view
from .broadcasting import *
from .broadcasting import expand as expand
from .broadcasting import repeat as repeat
from .join import *

__all__ = [*arrange.__all__, *broadcasting.__all__, *join.__all__]
