"""`skip_init`: a module whose parameters nobody needs to be drawn."""

from __future__ import annotations

from typing import Any, TypeVar

from tinygrad_lite.engine.errors import InputError

from ..module import Module

_M = TypeVar("_M", bound=Module)


def skip_init(module_cls: type[_M], *args: Any, **kwargs: Any) -> _M:
    """Make a module whose values do not matter yet.

    Parameters
    ----------
    module_cls : class
        Derived from `Module`.
    *args, **kwargs
        What it takes.

    Returns
    -------
    Module
        Deviates from PyTorch's, whose values are left as the memory was: here they are drawn all the same.

    Raises
    ------
    ValueError
        For what is no class of modules.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.utils.skip_init(nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise InputError(f"skip_init: expected a class derived from Module, got {module_cls!r}")
    return module_cls(*args, **kwargs)
