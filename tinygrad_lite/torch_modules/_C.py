"""``torch._C``, `_LinAlgError` in it: the few names of PyTorch's compiled part that scripts mention."""

from __future__ import annotations

from ..engine.errors import LinAlgError
from ..ops.random.generator import Generator as Generator
from ..tensors.size import Size as Size

_LinAlgError = LinAlgError
