"""PyTorch's modules that mean nothing here: imported like any other, they say why when something of them is used."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

_QUANTIZED = "nothing is quantized here; parameters and gradients are floating point"
_NESTED = "there are no nested tensors here; pad the sequences (nn.utils.rnn.pad_sequence) and mask what was added"
REFUSED = {  # a module, with all below it -> why
    "ao": _QUANTIZED, "quantization": _QUANTIZED, "nn.qat": _QUANTIZED, "nn.quantized": _QUANTIZED,
    "nn.quantizable": _QUANTIZED, "nn.intrinsic": _QUANTIZED,
    "autograd.forward_ad": "there are no dual tensors here; func.jvp computes derivatives in a direction",
    "export": "a model is not exported from here; save its state_dict(), and export it by PyTorch",
    "fx": "modules are not traced into graphs of Python here; compiler.explain tells what a recorded step does",
    "library": "PyTorch's registry of operators is not here; autograd.Function and rules.differentiable define one",
    "monitor": "there are no monitors here; profiler.profile and utils.tensorboard measure and log",
    "nested": _NESTED,
    "package": "programs are not packed with models here; save a state_dict()",
    "utils.bundled_inputs": "there is no TorchScript here; save the inputs beside the state_dict()",
    "utils.cpp_extension": "nothing is compiled from C++ here; rules.differentiable takes functions of NumPy and numba",
    "utils.mobile_optimizer": "there is no TorchScript here, and nothing for mobile devices",
}  # fmt: skip
_SAME = {"fx.wrap"}  # decorators that only mark what they are given


class _Reason(type):
    """The class of what is refused: attributes of it are refused, too."""

    def __getattr__(cls, name: str) -> NoReturn:
        raise AttributeError(f"{cls.__module__}.{cls.__name__}.{name}: {_reason(cls)}")


def _reason(cls: type) -> str:
    return next((str(vars(each)["reason"]) for each in cls.__mro__ if "reason" in vars(each)), "it is not here")


class _Refused(metaclass=_Reason):
    """What may be named and derived from, and is refused when it is called."""

    def __new__(cls, *args: Any, **options: Any) -> NoReturn:
        """An error that says why."""
        raise RuntimeError(f"{cls.__module__}.{cls.__name__}: {_reason(cls)}")


def refused_module(name: str) -> ModuleType | None:
    """The module of this name, without "torch."; None if it is not among those that are refused."""
    root = next((root for root in REFUSED if f"{name}.".startswith(f"{root}.")), None)
    if root is None:
        return None
    module = ModuleType(f"torch.{name}", f"Not here: {REFUSED[root]}.")

    def made(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if f"{name}.{attribute}" in _SAME:
            return lambda given: given
        found = _Reason(attribute, (_Refused,), {"__module__": f"torch.{name}", "reason": REFUSED[root]})
        vars(module)[attribute] = found
        return found

    vars(module)["__getattr__"] = made
    return module
