"""`Parameter`: a Tensor that a module trains; and the places of tensors whose shapes are not known yet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from tinygrad_lite import Size, Tensor, empty, no_grad
from tinygrad_lite._tensor import rebuild
from tinygrad_lite.dtypes import of
from tinygrad_lite.engine.errors import InputError

from ._checks import check_device


class Parameter(Tensor):
    """A Tensor that becomes part of a module's parameters when it is assigned to an attribute of the module.

    Parameters
    ----------
    data : Tensor, optional
        The values; their memory is shared. Default: an empty tensor.
    requires_grad : bool
        Whether gradients are computed for it.

    Raises
    ------
    TypeError
        If `data` is no Tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Parameter(tg.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        if data is None:
            data = empty(0)
        elif not isinstance(data, Tensor):
            raise TypeError(f"Parameter: data must be a Tensor, got {type(data).__name__}")
        return rebuild(cls, data._data, requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A Tensor that becomes a buffer of a module when it is assigned to an attribute of it.

    Parameters
    ----------
    data : Tensor, optional
        The values; their memory is shared. Default: an empty tensor.
    persistent : bool
        Whether it is part of the module's `state_dict`.

    Raises
    ------
    TypeError
        If `data` is no Tensor.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(tg.zeros(2))
    >>> [name for name, _ in module.named_buffers()]
    ['mean']
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, persistent: bool = True) -> Buffer:
        if data is not None and not isinstance(data, Tensor):
            raise TypeError(f"Buffer: data must be a Tensor, got {type(data).__name__}")
        return rebuild(cls, (empty(0) if data is None else data)._data, False, None, {"persistent": persistent})


class Uninitialized:
    """What tensors of unknown shape have in common; their dtype is known."""

    __slots__ = ()
    _becomes: type

    @property
    def _data(self) -> NoReturn:
        """Raise an error: there are no values yet to compute with."""
        raise InputError(
            f"{type(self).__name__}: the values of an uninitialized parameter or buffer cannot be used: its shape is "
            "not known yet; call the module once, or load a state dict"
        )

    @property
    def dtype(self) -> Any:
        """The dtype that it will have."""
        return of(_array(self).dtype)

    @property
    def shape(self) -> Size:
        """Raise RuntimeError: there is none yet."""
        raise RuntimeError(
            f"{type(self).__name__}: can't access the shape of an uninitialized parameter or buffer: its shape is not "
            "known yet; call the module once, or load a state dict"
        )

    def share_memory_(self) -> NoReturn:
        """Raise RuntimeError: there is none yet."""
        raise RuntimeError(
            f"{type(self).__name__}: can't share memory on an uninitialized parameter or buffer; call the module once, "
            "or load a state dict"
        )

    def materialize(self, shape: tuple[int, ...], dtype: Any = None) -> None:
        """Become an ordinary tensor of a shape, in place and with values that mean nothing yet.

        Parameters
        ----------
        shape : tuple of int
        dtype : dtype, optional
            By default its own.
        """
        this: Any = self
        values = empty(shape, dtype=self.dtype if dtype is None else dtype)  # raises before anything is changed
        this.__class__ = self._becomes
        with no_grad():
            this.data = values

    def convert(self, dtype: Any) -> None:
        """Change the dtype, in place."""
        with _opened(self) as plain:
            plain.data = empty(0, dtype=dtype)

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Set whether gradients will be computed for it, and return it."""
        with _opened(self) as plain:
            plain.requires_grad_(requires_grad)
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __deepcopy__(self, memo: Any) -> Any:
        this: Any = self
        copied = memo[id(self)] = _unknown(type(self), self.dtype, this.requires_grad)
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        this: Any = self
        return _unknown, (type(self), self.dtype, this.requires_grad)


@contextmanager
def _opened(tensor: Any) -> Iterator[Any]:
    """The tensor as one without elements, while something else than its values is changed."""
    kind, tensor.__class__ = type(tensor), tensor._becomes
    try:
        yield tensor
    finally:
        tensor.__class__ = kind


def _array(tensor: Any) -> Any:
    return Tensor._data.__get__(tensor, type(tensor))


def _unknown(cls: Any, dtype: Any, requires_grad: bool) -> Any:
    """A tensor of unknown shape: one without elements, whose class hides them."""
    made: Any = rebuild(cls._becomes, empty(0, dtype=dtype)._data, requires_grad)
    made.__class__ = cls
    return made


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter whose shape is not known yet: the lazy layers find it out when they are first called.

    It is the same object before and after, so that an optimizer may be given it at once.

    Parameters
    ----------
    requires_grad : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional
        float32 by default.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> weight = nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape
    ('Parameter', (2, 3))
    """

    _becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> UninitializedParameter:
        check_device("UninitializedParameter", device)
        return _unknown(cls, dtype, requires_grad)


class UninitializedBuffer(Uninitialized, Tensor):
    """A buffer whose shape is not known yet.

    Parameters
    ----------
    requires_grad : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional
        float32 by default.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> mean = nn.UninitializedBuffer()
    >>> mean.materialize((3,))
    >>> type(mean).__name__, mean.shape
    ('Tensor', (3,))
    """

    __slots__ = ()
    _becomes = Tensor

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> UninitializedBuffer:
        check_device("UninitializedBuffer", device)
        return _unknown(cls, dtype, requires_grad)


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet.

    Parameters
    ----------
    param : Tensor

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.nn.parameter import is_lazy
    >>> is_lazy(nn.LazyLinear(2).weight), is_lazy(nn.Linear(1, 2).weight)
    (True, False)
    """
    return isinstance(param, Uninitialized)


def refuse_uninitialized(param: Any, who: str) -> None:
    """Raise where a parameter has no shape yet."""
    if is_lazy(param):
        raise InputError(f"{who}: the module must not have uninitialized parameters. Call it once before")
