"""Pooling layers, and the bases that they have in PyTorch's file."""

from __future__ import annotations

from .adaptive_pooling import _AdaptiveAvgPoolNd as _AdaptiveAvgPoolNd
from .adaptive_pooling import _AdaptiveMaxPoolNd as _AdaptiveMaxPoolNd
from .pooling import _AvgPoolNd as _AvgPoolNd
from .pooling import _LPPoolNd as _LPPoolNd
from .pooling import _MaxPoolNd as _MaxPoolNd
from .pooling import _MaxUnpoolNd as _MaxUnpoolNd
