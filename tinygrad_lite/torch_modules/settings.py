"""The switches of PyTorch's top level: threads, determinism, precision of products, the default device."""

from __future__ import annotations

from typing import Any

from ..dtypes import set_default_dtype
from ..engine.door import other_names
from ..engine.errors import InputError
from ..kernels import get_num_threads as get_num_threads
from ..kernels import set_num_threads as _set_kernels
from ..kernels.native import openblas
from ..tensors.devices import CPU, device, only_cpu
from ..tensors.typed_tensors import tensor_type

__all__ = [
    "are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_default_device",
    "set_default_tensor_type", "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal",
    "set_num_interop_threads", "set_num_threads", "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip

_PRECISIONS = ("highest", "high", "medium")
_set: dict[str, Any] = {"precision": "highest", "interop": 1, "debug": 0, "warn always": False}


@other_names()  # a door, where functions are asked about
def _assert(condition: Any, message: str) -> None:
    """An AssertionError with a message unless a condition holds; a Tensor's is that of its one element."""
    assert condition, message


def _assert_async(input: Any, assert_msg: str = "Expected Tensor with single nonzero value, but got zero") -> None:
    """A RuntimeError with a message unless a Tensor's one element is true; at once, since nothing runs behind."""
    if not input:
        raise RuntimeError(assert_msg)


@other_names(num="n")
def set_num_threads(n: int) -> None:
    """Set how many threads share a large loop, and a large product of matrices.

    Parameters
    ----------
    n : int
        At least 1. `kernels.set_num_threads` leaves the products, which are NumPy's, as they are.

    Raises
    ------
    ValueError
        If `n` is not a positive integer.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> before = tg.get_num_threads()
    >>> tg.set_num_threads(before)
    """
    _set_kernels(n)
    openblas.set_num_threads(n)


def get_num_interop_threads() -> int:
    """How many operations may run at once; what was set, for here it is always one."""
    return _set["interop"]


@other_names(num="n")
def set_num_interop_threads(n: int) -> None:
    """Nothing but remember it: one operation runs at a time."""
    _set["interop"] = n


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Promise the same numbers from the same program on the same machine, with the same number of threads.

    The kernels here keep that in any case: none adds up in an order that depends on time.

    Parameters
    ----------
    mode : bool
    warn_only : bool
        Accepted and remembered.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.use_deterministic_algorithms(True)
    >>> tg.are_deterministic_algorithms_enabled()
    True
    >>> tg.use_deterministic_algorithms(False)
    """
    _set["debug"] = (1 if warn_only else 2) if mode else 0


def are_deterministic_algorithms_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked for."""
    return _set["debug"] != 0


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was asked only to warn."""
    return _set["debug"] == 1


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: not asked for, to warn only, asked for."""
    return _set["debug"]


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """`use_deterministic_algorithms` by a number or a word: 0 "default", 1 "warn", 2 "error"."""
    words: tuple[Any, ...] = ("default", "warn", "error")
    if debug_mode not in words and debug_mode not in (0, 1, 2):
        who = "set_deterministic_debug_mode"
        raise InputError(f"{who}: must be one of {', '.join(words)}, 0, 1, 2, got {debug_mode!r}")
    _set["debug"] = words.index(debug_mode) if debug_mode in words else debug_mode


def get_float32_matmul_precision() -> str:
    """What was set: "highest" at first. Products of float32 are computed in float32 here in any case."""
    return _set["precision"]


def set_float32_matmul_precision(precision: str) -> None:
    """Allow coarser products of float32, which are not used here.

    Parameters
    ----------
    precision : "highest", "high" or "medium"

    Raises
    ------
    ValueError
        For another word.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_float32_matmul_precision("high")
    >>> tg.get_float32_matmul_precision()
    'high'
    >>> tg.set_float32_matmul_precision("highest")
    """
    if precision not in _PRECISIONS:
        raise InputError(f"set_float32_matmul_precision: must be one of {', '.join(_PRECISIONS)}, got {precision!r}")
    _set["precision"] = precision


def set_flush_denormal(mode: bool) -> bool:
    """False: it cannot be set here, and tiny numbers stay what they are."""
    return False


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told."""
    return _set["warn always"]


def set_warn_always(b: bool) -> None:
    """Nothing but remember it: which warnings repeat is the business of Python's `warnings`."""
    _set["warn always"] = b


def get_default_device() -> device:
    """The CPU's."""
    return CPU


def set_default_device(device: Any) -> None:
    """Nothing for the CPU, an error for every other device.

    Parameters
    ----------
    device : device, str or None

    Raises
    ------
    RuntimeError
        For a device that is not here.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_default_device("cpu")
    """
    only_cpu(device, "set_default_device")


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by the name of a typed tensor, PyTorch's older way.

    Parameters
    ----------
    t : type or str
        Such as `DoubleTensor` or "torch.DoubleTensor".

    Raises
    ------
    TypeError
        For a type that is not floating point, and for one of a GPU.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_default_tensor_type("torch.DoubleTensor")
    >>> tg.get_default_dtype()
    tinygrad_lite.float64
    >>> tg.set_default_tensor_type(tg.FloatTensor)
    """
    set_default_dtype(tensor_type(t, "set_default_tensor_type"))
