"""Reverse-mode automatic differentiation on NumPy and numba, with PyTorch's face.

    import tinygrad_lite as tg
    from tinygrad_lite import nn, optim

The table of operations is in `rules` and `ops`, the graph in `graph`, the backward pass in `autograd`, the class in
`_tensor`. `nn`, `optim`, `kernels` and `testing` are loaded when they are first used.
"""

from __future__ import annotations

import importlib
import os as _os
import sys as _sys
from types import ModuleType as _Module
from typing import Any

# Idle threads of OpenBLAS spin for 2^26 cycles after each product, on the core that the next loop's helper needs; 2^19
# are as good in a row of products. It reads that when it is loaded; `kernels.native.openblas` has what is done later.
if "numpy" not in _sys.modules and "OPENBLAS_THREAD_TIMEOUT" not in _os.environ:
    _os.environ["OPENBLAS_THREAD_TIMEOUT"] = "19"
    import numpy as _numpy  # noqa: F401

    del _os.environ["OPENBLAS_THREAD_TIMEOUT"]  # nobody else's business

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
from .engine.door import open_doors as _open_doors
from .engine.door import open_rooms as _open_rooms
from .io.dlpack import from_dlpack as from_dlpack
from .kernels.malloc import keep as _keep
from .ops.creation.arange_eye import *
from .ops.creation.creation import *
from .ops.creation.frombuffer import *
from .ops.creation.strided import *
from .ops.creation.window_functions import *
from .ops.indexing.index import *
from .ops.indexing.index_put import *
from .ops.indexing.nonzero_take import *
from .ops.indexing.scatter import *
from .ops.linalg.householder import *
from .ops.linalg.matmul import *
from .ops.linalg.matrix_products import *
from .ops.linalg.toplevel_names import *
from .ops.neural.activation.gated import *
from .ops.neural.activation.piecewise import *
from .ops.neural.activation.smooth import *
from .ops.neural.attention.attention import *
from .ops.neural.attention.multi_head_attention import *
from .ops.neural.cdist import *
from .ops.neural.convolution.conv import *
from .ops.neural.convolution.conv_transpose import *
from .ops.neural.convolution.fold_pixel_shuffle import channel_shuffle as channel_shuffle
from .ops.neural.convolution.fold_pixel_shuffle import pixel_shuffle as pixel_shuffle
from .ops.neural.convolution.fold_pixel_shuffle import pixel_unshuffle as pixel_unshuffle
from .ops.neural.cosine_similarity import *
from .ops.neural.dropout import *
from .ops.neural.embedding import *
from .ops.neural.loss.cross_entropy import *
from .ops.neural.loss.ctc import *
from .ops.neural.loss.distribution import *
from .ops.neural.loss.margin import *
from .ops.neural.loss.regression import *
from .ops.neural.native_names import *
from .ops.neural.normalization.batch_norm import *
from .ops.neural.normalization.layer_norm import *
from .ops.neural.pooling.adaptive_max_pool import *
from .ops.neural.pooling.avg_pool import *
from .ops.neural.pooling.fractional_max_pool import *
from .ops.neural.pooling.max_pool import *
from .ops.neural.pooling.max_unpool import *
from .ops.neural.recurrent.rnn import *
from .ops.neural.toplevel_names import *
from .ops.neural.vision.grid_sample import *
from .ops.neural.vision.interpolate import *
from .ops.numpy_functions import *
from .ops.numpy_sequences import *
from .ops.pointwise.arithmetic import *
from .ops.pointwise.clamp_round_where import *
from .ops.pointwise.comparison import *
from .ops.pointwise.complex_numbers import *
from .ops.pointwise.exp_log_trig import *
from .ops.pointwise.floating_point import *
from .ops.pointwise.foreach import foreach as _foreach
from .ops.pointwise.fused_arithmetic import *
from .ops.pointwise.gcd_lcm import *
from .ops.random.distributions import *
from .ops.reduction.cumulative import *
from .ops.reduction.hash_tensor import *
from .ops.reduction.histogramdd import *
from .ops.reduction.min_max import *
from .ops.reduction.quantiles import *
from .ops.reduction.segment_reduce import *
from .ops.reduction.softmax import *
from .ops.reduction.sort_topk import *
from .ops.reduction.statistics import *
from .ops.reduction.sums import *
from .ops.reduction.unique_histogram import *
from .ops.shape.as_strided import *
from .ops.shape.broadcasting import *
from .ops.shape.cat_pad import *
from .ops.shape.clone import *
from .ops.shape.diagonals import *
from .ops.shape.flip_roll_repeat import *
from .ops.shape.reshape_transpose import *
from .ops.shape.split import *
from .ops.shape.stack import *
from .ops.shape.view_copies import *
from .ops.signal.gradient_vander import *
from .ops.signal.stft import *
from .ops.special.bessel import i0 as i0
from .ops.special.erf import *
from .ops.special.gamma import *
from .ops.special.incomplete_gamma import *
from .tensors.devices import device as device
from .tensors.einops_backend import register_when_imported as _register_when_imported
from .tensors.finfo import *
from .tensors.memory_formats import *
from .tensors.predicates import *
from .tensors.printing import set_printoptions as set_printoptions
from .tensors.size import Size as Size
from .torch_imports import modules_of as _modules_of

_keep()
_register_when_imported()

__version__ = "0.1.0"

_LAZY = (
    "amp", "array_api", "backends", "compiler", "cuda", "distributed", "distributions", "func", "jit", "kernels",
    "masked", "nn", "optim", "profiler", "signal", "sparse", "special", "testing",
    "training", "utils",
)  # fmt: skip
_TORCH_MODULES = {  # in folders of their own
    **{name: f"torch_modules.{name}" for name in (
        "accelerator", "futures", "hub", "library", "multiprocessing", "onnx", "overrides", "random", "serialization",
        "types", "version",
    )},
    **{name: f"torch_modules.devices.{name}" for name in ("cpu", "mps", "xpu")},
    "fx": "nn.fx",
    "quasirandom": "ops.random.quasirandom",
}  # fmt: skip
_ROOMS = {  # room -> the names of PyTorch's that are looked for in it
    "amp.autocast_mode": (
        "autocast", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
        "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled",
    ),
    "amp.grad_scaler": ("GradScaler",),
    "compiler": ("compile",),
    "func": ("vmap",),
    "tensors.typed_tensors": (
        "BoolTensor", "ByteTensor", "CharTensor", "ComplexDoubleTensor", "ComplexFloatTensor", "DoubleTensor",
        "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
    ),
    "sparse": ("sparse_coo_tensor", "spmm"),
    "ops.shape.storage": (
        "BoolStorage", "ByteStorage", "CharStorage", "ComplexDoubleStorage", "ComplexFloatStorage", "DoubleStorage",
        "FloatStorage", "HalfStorage", "IntStorage", "LongStorage", "ShortStorage", "TypedStorage", "UntypedStorage",
        "is_storage",
    ),
    "nn.functional": ("celu_", "rrelu_", "selu_", "threshold_"),
    "engine.grad_mode": ("is_inference_mode_enabled",),
    "engine.anomaly": ("is_anomaly_check_nan_enabled", "is_anomaly_enabled"),
    "torch_modules.futures": ("Future",),
    "torch_modules.devices.cpu": ("Event", "Stream"),
    "cuda": ("OutOfMemoryError",),
    "torch_modules.settings": (
        "_assert", "_assert_async",
        "are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode",
        "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads",
        "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_default_device",
        "set_default_tensor_type", "set_deterministic_debug_mode", "set_float32_matmul_precision",
        "set_flush_denormal", "set_num_interop_threads", "set_num_threads", "set_warn_always",
        "use_deterministic_algorithms",
    ),
}  # fmt: skip
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_ON_DEMAND = {
    "checkpoint": "transforms.checkpoint",
    "checkpoint_sequential": "transforms.checkpoint",
    "digits": "testing.precision",
    "draw_graph": "io.draw_graph",
    **dict.fromkeys(("GradcheckError", "gradcheck", "gradgradcheck"), "gradients"),
    "lint": "testing.lint.lint",
    "load": "io.serialization",
    "read_metadata": "io.serialization",
    "save": "io.serialization",
    "slice": "ops.shape.view_copies",
}
__all__ = sorted(
    {n for n, v in globals().items() if not n.startswith("_") and not isinstance(v, _Module)} - {"Any", "annotations"}
    | {"autograd", "fft", "linalg", *_LAZY, *_TORCH_MODULES, *_ROOM_OF, *_ON_DEMAND}
    - {"random", "slice", "types"}  # or a star import hid Python's
)
_open_rooms(f"{__package__}.ops")
_open_doors(globals(), __all__, out=True)
_open_doors(vars(linalg), linalg.__all__, out=True, first={"A": "input", "x": "input"})
_open_doors(vars(fft), fft.__all__, out=True)


class _Places:
    """The last of the finders: it is asked for what has no file, as PyTorch's paths that lead elsewhere here."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of a module of this library that PyTorch's name stands for, or None."""
        if not name.startswith(f"{__package__}."):
            return None
        return importlib.import_module(f"{__package__}.torch_imports.places").spec_of_place(name)


_sys.meta_path.append(_Places)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"{__package__}.{name}")
    if name in _TORCH_MODULES:
        return importlib.import_module(f"{__package__}.{_TORCH_MODULES[name]}")
    if name in _ROOM_OF:
        return getattr(importlib.import_module(f"{__package__}.{_ROOM_OF[name]}"), name)
    if name in _ON_DEMAND:
        module = importlib.import_module(f"{__package__}.{_ON_DEMAND[name]}")
        _open_doors(vars(module), module.__all__)
        return getattr(module, name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # `tg.zero_(x)`: in place
    if name.startswith("_foreach_") and (found := _foreach(name)) is not None:
        return found
    return _modules_of(__package__)(name)


def __dir__() -> list[str]:
    return __all__
