"""The layers, by the headings of PyTorch's manual; `_pair` and its kin, which its files import from each other."""

from __future__ import annotations

from .utils import _pair as _pair
from .utils import _quadruple as _quadruple
from .utils import _reverse_repeat_tuple as _reverse_repeat_tuple
from .utils import _single as _single
from .utils import _triple as _triple
