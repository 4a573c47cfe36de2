"""Methods of a tensor about where it is and of what type: `cuda`, `pin_memory`, `is_sparse`, `type`, `new` ..."""

from __future__ import annotations

import importlib
import warnings
from typing import Any, TypeVar, overload

import numpy as np

from .. import rules
from ..graph import writes_to
from ..ops.creation import creation
from ..rules import wrap
from ..transforms import overloads
from .devices import CPU, Device
from .memory_formats import Layout, strided
from .tensor_type import Tensor
from .typed_tensors import tensor_type, type_name

_S = TypeVar("_S")


def _shared_memory() -> Any:
    return importlib.import_module(".shared_memory", __package__)  # which needs `multiprocessing`


def _never(what: str) -> property:
    def never(self: Any) -> bool:
        return False

    return property(never, doc=f"False: {what}.")


class DeviceMethods(Tensor):
    """What PyTorch's tensors say of devices, for `Tensor` to inherit: all is in the CPU's memory, and dense."""

    __slots__ = ()

    _data: Any

    @property
    def device(self) -> Device:
        """The CPU's; equal to "cpu"."""
        return CPU

    @property
    def layout(self) -> Layout:
        """`strided`: all elements are in memory."""
        return strided

    @property
    def is_cpu(self) -> bool:
        """True: everything is in the CPU's memory."""
        return True

    is_cuda = is_mps = is_xpu = _never("everything is in the CPU's memory")
    is_sparse = is_sparse_csr = is_mkldnn = _never("all elements are in memory, with strides")
    is_meta = _never("it has values")
    is_quantized = _never("its elements are numbers")
    is_nested = _never("it has one shape")

    def to_numpy(self) -> np.ndarray[Any, Any]:
        """`numpy`, by the name under which matplotlib and pandas ask for the array that something holds."""
        return self.numpy()

    _hasna = False  # pandas asks what is no array whether values are missing before it writes it into a column

    @property
    def _version(self) -> int:
        """How many writes to its memory were announced: 0 before the first."""
        return writes_to(self._data)

    @property
    def _cdata(self) -> int:
        """What tells this tensor from all others that are there."""
        return id(self)

    @property
    def output_nr(self) -> int:
        """Which of its node's results it is: 0, since each has a node of its own."""
        return 0

    def as_subclass(self, cls: type[_S]) -> _S:
        """The same values in the same memory as an instance of a subclass; gradients reach this tensor."""
        if not (isinstance(cls, type) and issubclass(cls, rules.Tensor)):
            raise TypeError(f"as_subclass: cls must be a subclass of Tensor, got {cls!r}")
        same = self.view(self._data.shape)
        made: Any = object.__new__(cls)
        made._data, made._node, made._view = same._data, same._node, same._view
        return made

    __torch_function__ = classmethod(overloads.default)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("__torch_function__", overloads.disabled) is not overloads.disabled:
            overloads.watch()
        if "__torch_dispatch__" in vars(cls):
            warnings.warn(f"{cls.__name__}: __torch_dispatch__ is not asked here; __torch_function__ is", stacklevel=2)

    def get_device(self) -> int:
        """-1, as PyTorch says of the CPU."""
        return -1

    def cpu(self: Any, memory_format: Any = None) -> Tensor:
        """Itself: everything lives on the CPU."""
        return self

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """The array API standard's name of ``to(device)``."""
        return self.to(device)

    def cuda(self, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
        """An error: there is no GPU."""
        raise RuntimeError("cuda: needs a GPU, and tinygrad_lite computes on the CPU only")

    def xpu(self, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
        """An error: there is no GPU."""
        raise RuntimeError("xpu: needs a GPU, and tinygrad_lite computes on the CPU only")

    def bfloat16(self: Any, memory_format: Any = None) -> Tensor:
        """An error: NumPy has no such numbers."""
        return self.to(tensor_type("bfloat16", "bfloat16"))

    def pin_memory(self: Any, device: Any = None) -> Tensor:
        """Itself: there is no GPU that memory is pinned for."""
        return self

    def is_pinned(self, device: Any = None) -> bool:
        """False: there is no GPU that memory is pinned for."""
        return False

    def record_stream(self, stream: Any) -> None:
        """Nothing: there are no streams."""

    def share_memory_(self: Any) -> Tensor:
        """Move the numbers to memory that other processes share, once they are forked or given the tensor.

        A write in one is seen in all. Where a gradient is there already, it is moved as well.
        """
        _shared_memory().share(self)
        return self

    def is_shared(self) -> bool:
        """Whether `share_memory_` was called, here or where the tensor came from."""
        return _shared_memory().block_of(self._data) is not None

    def coalesce(self: Any) -> Tensor:
        """Itself: no two elements are at the same place."""
        return self

    def to_sparse(self: Any, *args: Any, **options: Any) -> Tensor:
        """Itself, with a warning: all elements stay in memory."""
        warnings.warn("to_sparse: it is stored densely here", UserWarning, stacklevel=2)
        return self

    def _indices(self: Any) -> Tensor:
        """Where the elements are that a sparse form would hold, those that are not 0: one column each."""
        return self.detach().nonzero().T

    def _values(self: Any) -> Tensor:
        """The elements that are not 0, in the order of `_indices`."""
        return self[tuple(self._indices())]

    def _nnz(self: Any) -> int:
        """How many elements are not 0."""
        return self._values().shape[0]

    def to_dense(self: Any, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """Itself: all elements are in memory."""
        return self if dtype is None else self.to(dtype)

    def is_conj(self) -> bool:
        """False: numbers are conjugated at once."""
        return False

    def is_neg(self) -> bool:
        """False: numbers are negated at once."""
        return False

    def is_inference(self) -> bool:
        """False: what is made under `inference_mode` is a tensor like all others."""
        return False

    def is_coalesced(self) -> bool:
        """True: no two elements are at the same place."""
        return True

    @overload
    def type(self, dtype: None = None, non_blocking: bool = False) -> str: ...
    @overload
    def type(self, dtype: Any, non_blocking: bool = False) -> Tensor: ...
    def type(self: Any, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The name of its type, such as "torch.FloatTensor"; with a type, a tensor of that.

        Parameters
        ----------
        dtype : dtype, type or str, optional
            A dtype, a typed tensor such as `DoubleTensor`, or the name of one.
        non_blocking : bool
            Accepted and ignored.
        """
        return type_name(self._data.dtype) if dtype is None else self.to(tensor_type(dtype, "type"))

    def new(self, *data: Any, size: Any = None, device: Any = None) -> Tensor:
        """Another tensor of this dtype, made as `FloatTensor` makes one: of sizes, or of numbers."""
        dtype, data = self._data.dtype, data if size is None else tuple(size)
        return wrap(creation.construct(data, dtype, device).astype(dtype, copy=False))
