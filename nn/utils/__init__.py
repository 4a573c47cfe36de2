"""Helpers around modules: clipped gradients, parameters as a vector or parametrized, packed sequences, fused layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_lite.engine.door import open_doors as _open_doors
from tinygrad_lite.torch_imports import modules_of as _modules_of

from . import parametrizations, parametrize, prune, rnn
from .clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from .init import skip_init
from .spectral_norm import remove_spectral_norm, spectral_norm
from .weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
    "weight_norm",
    "remove_weight_norm",
    "spectral_norm",
    "remove_spectral_norm",
    "parametrize",
    "parametrizations",
    "prune",
    "skip_init",
    "rnn",
]

_open_doors(globals(), __all__)

if not TYPE_CHECKING:  # type checkers would take any name for one that it knows
    __getattr__ = _modules_of(__name__)
