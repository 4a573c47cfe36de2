"""`Parameter`: a Tensor that a module trains."""

from __future__ import annotations

from tinygrad_lite import Tensor, empty
from tinygrad_lite._tensor import rebuild


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
