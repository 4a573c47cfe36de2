"""PyTorch's modules and names that mean nothing here: found like any other, they say why when they are used."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any, NoReturn

_QUANTIZED = "nothing is quantized here; parameters and gradients are floating point"
_NESTED = "there are no nested tensors here; pad the sequences (nn.utils.rnn.pad_sequence) and mask what was added"
_RANKS = "ranks are started by mpiexec here, one group of them, and talk by the functions of distributed"
_SHARDS = "parameters are whole on each rank here; optim.ZeroRedundancyOptimizer shares out what optimizers remember"
_GRAPHS = "of fx here are Graph, Tracer, Interpreter, replace_pattern and passes.shape_prop, and no other passes"
_ONNX = "nothing here writes ONNX; save the state_dict(), and export it by PyTorch"
REFUSED = {  # a module, with all below it -> why
    "ao": _QUANTIZED, "quantization": _QUANTIZED, "nn.qat": _QUANTIZED, "nn.quantized": _QUANTIZED,
    "nn.quantizable": _QUANTIZED, "nn.intrinsic": _QUANTIZED,
    "export": "a model is not exported from here; save its state_dict(), and export it by PyTorch",
    "fx.experimental": _GRAPHS, "fx.passes": _GRAPHS,
    "distributed._composable": _SHARDS, "distributed._tensor": _SHARDS, "distributed.algorithms": _RANKS,
    "distributed.checkpoint": "training.Checkpoint saves what several ranks hold, in parts",
    "distributed.device_mesh": _RANKS, "distributed.elastic": _RANKS, "distributed.fsdp": _SHARDS,
    "distributed.rpc": _RANKS, "distributed.tensor": _SHARDS,
    "mtia": "needs an accelerator of that name, and tinygrad_lite computes on the CPU only",
    "monitor": "there are no monitors here; profiler.profile and utils.tensorboard measure and log",
    "nested": _NESTED,
    **dict.fromkeys([f"onnx.symbolic_opset{n}" for n in range(7, 21)], _ONNX),
    "onnx.operators": _ONNX, "onnx.symbolic_helper": _ONNX, "onnx.utils": _ONNX,
    "package": "programs are not packed with models here; save a state_dict()",
    "utils.backend_registration": "the CPU is the only device here",
    "utils.bundled_inputs": "there is no TorchScript here; save the inputs beside the state_dict()",
    "utils.cpp_extension": "nothing is compiled from C++ here; rules.differentiable takes functions of NumPy and numba",
    "utils.data.datapipes": "pipes of data are not here; Dataset, IterableDataset and DataLoader are",
    "utils.mobile_optimizer": "there is no TorchScript here, and nothing for mobile devices",
}  # fmt: skip
_FEW_BITS = "integers have at least 8 bits here, and floats 16: int8, uint8, float16, bfloat16"
_DENSE = "tensors are dense here; sparse_coo_tensor makes a dense one of what a sparse one holds"
_SCRIPT = "there is no TorchScript here; functions and modules stay what they are"
_OTHERS = "it is a function of another library or machine; the one without the prefix computes the same here"
_WITHIN = "it is a part of a layer there, for PyTorch's own use; nn and nn.functional have the layer"
REFUSED_NAMES = {  # of torch itself: pattern -> why
    r"(float[48]_\w+|u?int[1-7]|bits\w+|complex32|chalf|bcomplex32)": _FEW_BITS,
    r"(q?u?q?int\d\w*|q_\w+|qscheme|int_repr|dequantize|empty_quantized|f?u?s?e?d?_?\w*quantize\w*|per_(channel|tensor)_\w+"
    r"|fbgemm_\w+|choose_qparams_optimized|fused_moving_avg_obs_fake_quant)": _QUANTIZED,
    r"(sparse_(csr|csc|bsr|bsc|compressed)_tensor|s+p?addmm|[dh]?s[mp]m|hspmm|dsmm|\w+_indices_copy|values_copy"
    r"|indices_copy|resize_as_sparse_)": _DENSE,
    r"(Script\w+|LiteScriptModule|CompilationUnit|Graph|parse_(ir|schema|type_comment)|import_ir_module\w*"
    r"|RecursiveScriptClass)": _SCRIPT,
    r"(cudnn|mkldnn|miopen)_\w+": _OTHERS,
    r"(batch_norm_(backward_\w+|elemt|gather_\w+|stats|update_stats)|native_norm)": _WITHIN,
    r"(cond|while_loop)": "a loop and a branch in Python do the same here, and tg.compile follows them",
    r"Sym(Int|Float|Bool)|sym_\w+": "sizes are Python's numbers here, in recorded steps, too",
}
_DECORATORS = {"onnx.symbolic_helper.parse_args"}  # which take what they mark with first
_SAME = {
    "distributed.elastic.multiprocessing.errors.record",
}  # decorators that only mark what they are given


class _Reason(type):
    """The class of what is refused: attributes of it may be named, for annotations, and are refused like it."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or name == "reason" or cls.__module__ == "torch":
            raise AttributeError(f"{cls.__module__}.{cls.__name__}.{name}: {_reason(cls)}")
        return _Reason(name, (_Refused,), {"__module__": f"{cls.__module__}.{cls.__name__}", "reason": _reason(cls)})


def _reason(cls: type) -> str:
    return next((str(vars(each)["reason"]) for each in cls.__mro__ if "reason" in vars(each)), "it is not here")


class _Refused(metaclass=_Reason):
    """What may be named and derived from, and is refused when it is called."""

    def __new__(cls, *args: Any, **options: Any) -> NoReturn:
        """An error that says why."""
        raise RuntimeError(f"{cls.__module__}.{cls.__name__}: {_reason(cls)}")


def refused_name(name: str) -> Any:
    """What stands for a name of torch itself that is refused, by its pattern; None for others."""
    for pattern, reason in REFUSED_NAMES.items():
        if re.fullmatch(pattern, name):
            return _Reason(name, (_Refused,), {"__module__": "torch", "reason": reason})
    return None


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
        if f"{name}.{attribute}" in _DECORATORS:
            return lambda *given, **options: lambda function: function
        found = _Reason(attribute, (_Refused,), {"__module__": f"torch.{name}", "reason": REFUSED[root]})
        vars(module)[attribute] = found
        return found

    vars(module)["__getattr__"] = made
    return module
