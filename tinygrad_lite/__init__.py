"""Reverse-mode automatic differentiation on NumPy and numba, with PyTorch's face.

    import tinygrad_lite as tg
    from tinygrad_lite import nn, optim

The table of operations is in `rules` and `ops`, the graph in `graph`, the backward pass in `autograd`, the class in
`_tensor`. `nn`, `optim`, `kernels` and `testing` are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType as _Module
from typing import Any

from . import autograd as autograd
from . import fft as fft
from . import linalg as linalg
from ._tensor import Tensor as Tensor
from .autograd import enable_grad as enable_grad
from .autograd import inference_mode as inference_mode
from .autograd import is_grad_enabled as is_grad_enabled
from .autograd import no_grad as no_grad
from .autograd import set_grad_enabled as set_grad_enabled
from .dtypes import *
from .exchange import from_dlpack as from_dlpack
from .gradients import GradcheckError as GradcheckError
from .gradients import gradcheck as gradcheck
from .gradients import gradgradcheck as gradgradcheck
from .heap import keep as _keep
from .limits import *
from .ops.algebra import *
from .ops.bessel import i0 as i0
from .ops.combined import *
from .ops.complex import *
from .ops.copies import *
from .ops.counting import *
from .ops.creation import *
from .ops.distance import *
from .ops.elementwise import *
from .ops.floats import *
from .ops.functional import *
from .ops.gamma import *
from .ops.histograms import *
from .ops.incomplete import *
from .ops.index import *
from .ops.integers import *
from .ops.lengths import *
from .ops.linalg import *
from .ops.places import *
from .ops.products import *
from .ops.put import *
from .ops.quantiles import *
from .ops.random import *
from .ops.ranges import *
from .ops.recurrent_stack import *
from .ops.reduce import *
from .ops.reflections import *
from .ops.scans import *
from .ops.scatter import *
from .ops.shape import *
from .ops.signal import *
from .ops.slopes import *
from .ops.spatial import *
from .ops.statistics import *
from .ops.tapers import *
from .predicates import *
from .printing import set_printoptions as set_printoptions

_keep()

__version__ = "0.1.0"

_LAZY = ("func", "kernels", "nn", "optim", "special", "testing", "utils")
_ON_DEMAND = {
    "checkpoint": "recompute", "checkpoint_sequential": "recompute", "draw_graph": "drawing",
    "load": "saving", "read_metadata": "saving", "save": "saving",
}  # fmt: skip
__all__ = sorted(
    {n for n, v in globals().items() if not n.startswith("_") and not isinstance(v, _Module)} - {"Any", "annotations"}
    | {"autograd", "fft", "linalg", *_LAZY, *_ON_DEMAND}
)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _ON_DEMAND:
        return getattr(importlib.import_module(f"{__name__}.{_ON_DEMAND[name]}"), name)
    raise AttributeError(f"module 'tinygrad_lite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
