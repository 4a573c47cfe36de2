"""Transforms of random variables: PyTorch's, under their names there."""

from __future__ import annotations

from . import elementwise, transform, vectors
from .elementwise import *
from .transform import *
from .transform import _InverseTransform as _InverseTransform
from .vectors import *

__all__ = [*transform.__all__, *elementwise.__all__, *vectors.__all__]
