"""`tinygrad_lite.backends`: the switches of PyTorch's libraries. They may be set and read, and choose nothing here.

None of these libraries is used, so each says that it is not available. A table has their switches and what they are at
first.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

__all__ = ["cpu", "cuda", "cudnn", "mha", "mkl", "mkldnn", "mps", "openmp", "opt_einsum", "quantized"]

_SWITCHES: dict[str, dict[str, Any]] = {
    "cudnn": {
        "enabled": True, "benchmark": False, "benchmark_limit": 10, "deterministic": False, "allow_tf32": True,
        "fp32_precision": "none",
    },
    "cuda": {
        "preferred_linalg_library": lambda backend=None: backend,
        "preferred_blas_library": lambda backend=None: backend,
        "cufft_plan_cache": SimpleNamespace(size=0, max_size=0, clear=lambda: None),
        "matmul": SimpleNamespace(
            allow_tf32=False, allow_fp16_reduced_precision_reduction=True,
            allow_bf16_reduced_precision_reduction=True, allow_fp16_accumulation=False, fp32_precision="none",
        ),
    },
    "mkl": {"VERBOSE_OFF": 0, "VERBOSE_ON": 1, "verbose": lambda enable: contextlib.nullcontext()},
    "mkldnn": {"enabled": True, "deterministic": False, "allow_tf32": True},
    "mps": {"is_macos13_or_newer": lambda minor=0: False, "is_macos_or_newer": lambda major, minor: False},
    "openmp": {},
    "opt_einsum": {"enabled": False, "strategy": None},
    "quantized": {"engine": "none", "supported_engines": ["none"]},
    "mha": {"get_fastpath_enabled": lambda: False, "set_fastpath_enabled": lambda value: None},
    "cpu": {"get_cpu_capability": lambda: "DEFAULT"},
}  # fmt: skip
_KERNELS = ("flash", "mem_efficient", "math", "cudnn")  # of attention: the one here has no choice, and is "math"


class _Backend(ModuleType):
    """A library that is not used."""

    def is_available(self) -> bool:
        """False: it is not used."""
        return False

    def is_built(self) -> bool:
        """False: it is not used."""
        return False

    def version(self) -> None:
        """None: it is not used."""

    def flags(self, **switches: Any) -> contextlib.AbstractContextManager[None]:
        """A ``with`` block in which some switches have other values."""
        return _switched(self, switches)

    def set_flags(self, **switches: Any) -> None:
        """Set some switches."""
        for name, value in switches.items():
            setattr(self, name.lstrip("_"), value)


@contextlib.contextmanager
def _switched(backend: Any, switches: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(backend, name) for name in switches}
    backend.set_flags(**switches)
    try:
        yield
    finally:
        backend.set_flags(**before)


def _made(name: str) -> Any:
    backend = sys.modules[f"{__name__}.{name}"] = _Backend(f"{__name__}.{name}")
    vars(backend).update(_SWITCHES[name])
    return backend


def _asks(kernel: str) -> Callable[[], bool]:
    return lambda: kernel == "math"


cpu, cuda, cudnn, mha, mkl = _made("cpu"), _made("cuda"), _made("cudnn"), _made("mha"), _made("mkl")
mkldnn, mps, openmp = _made("mkldnn"), _made("mps"), _made("openmp")
opt_einsum, quantized = _made("opt_einsum"), _made("quantized")
cuda.sdp_kernel = lambda *args, **options: contextlib.nullcontext()
for _kernel in _KERNELS:
    setattr(cuda, f"enable_{_kernel}_sdp", lambda enabled: None)
    setattr(cuda, f"{_kernel}_sdp_enabled", _asks(_kernel))
