"""All operations that reduce dimensions; each file holds one family."""

from __future__ import annotations

from . import extremes, ordering, soft, sums
from .extremes import *
from .extremes import _all as _all
from .extremes import _amax as _amax
from .extremes import _amin as _amin
from .extremes import _any as _any
from .ordering import *
from .soft import *
from .sums import *
from .sums import _prod as _prod
from .sums import _sum as _sum

__all__ = [*sums.__all__, *extremes.__all__, *soft.__all__, *ordering.__all__]
