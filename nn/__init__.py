"""Layers, losses, initialisation: PyTorch's names, arguments, defaults and state dicts.

A layer owns parameters and calls functions; the mathematics is in `nn.functional` and, below it, in the
engine.
"""

from __future__ import annotations

if __name__ == "nn":
    # The folder was imported from a checkout, where it stands beside the engine. Hand out the real package in
    # its place, submodules included: executed twice, every class would exist twice and fail the other's
    # isinstance.
    import importlib
    import sys

    importlib.import_module("tinygrad_lite.nn")
    for _name in [name for name in sys.modules if f"{name}.".startswith("tinygrad_lite.nn.")]:
        sys.modules[_name.removeprefix("tinygrad_lite.")] = sys.modules[_name]
else:
    from . import functional, init, utils
    from .activation import (
        ELU,
        GELU,
        LeakyReLU,
        LogSigmoid,
        LogSoftmax,
        ReLU,
        Sigmoid,
        SiLU,
        Softmax,
        Softplus,
        Tanh,
    )
    from .container import ModuleDict, ModuleList, Sequential
    from .dropout import Dropout
    from .hooks import (
        register_module_forward_hook,
        register_module_forward_pre_hook,
        register_module_full_backward_hook,
        register_module_full_backward_pre_hook,
    )
    from .linear import Flatten, Identity, Linear, Unflatten
    from .loss import (
        BCELoss,
        BCEWithLogitsLoss,
        CrossEntropyLoss,
        HuberLoss,
        KLDivLoss,
        L1Loss,
        MSELoss,
        NLLLoss,
        SmoothL1Loss,
    )
    from .module import Module
    from .norm import BatchNorm1d, BatchNorm2d
    from .parameter import Parameter

__all__ = [
    "functional",
    "init",
    "utils",
    "Module",
    "Parameter",
    "Sequential",
    "ModuleList",
    "ModuleDict",
    "Identity",
    "Flatten",
    "Unflatten",
    "Linear",
    "BatchNorm1d",
    "BatchNorm2d",
    "Dropout",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "SiLU",
    "GELU",
    "Sigmoid",
    "LogSigmoid",
    "Tanh",
    "Softplus",
    "Softmax",
    "LogSoftmax",
    "L1Loss",
    "MSELoss",
    "SmoothL1Loss",
    "HuberLoss",
    "NLLLoss",
    "CrossEntropyLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "KLDivLoss",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]
