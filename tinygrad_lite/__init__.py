"""tinygrad_lite: reverse-mode automatic differentiation on NumPy, with PyTorch's face."""

from __future__ import annotations

import importlib
from typing import Any

from . import autograd as autograd
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .dtypes import (
    bool_ as bool,  # noqa: A004
)
from .dtypes import (
    complex64,
    complex128,
    double,
    float,  # noqa: A004
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    int,  # noqa: A004
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    uint8,
)
from .ops.creation import *
from .ops.elementwise import *
from .ops.index import *
from .ops.linalg import *
from .ops.loss import *
from .ops.norm import *
from .ops.random import *
from .ops.reduce import *
from .ops.shape import *
from .printing import set_printoptions
from ._tensor import Tensor

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in ("gradcheck", "gradgradcheck", "GradcheckError"):
        from . import gradients

        return getattr(gradients, name)
    if name in ("nn", "optim", "testing", "kernels"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'tinygrad_lite' has no attribute {name!r}")
