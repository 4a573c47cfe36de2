"""Weights split into length and direction, by a hook: `parametrizations.weight_norm` is the newer form."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Tensor, sqrt
from tinygrad_lite.engine.errors import InputError

from ..hooks import hooks_of
from ..module import Module
from ..parameter import Parameter, refuse_uninitialized

__all__ = ["remove_weight_norm", "weight_norm"]


def norm_except_dim(v: Tensor, dim: int | None) -> Tensor:
    """The 2-norms of the slices along a dimension, shaped to broadcast; None or -1 for that of the whole."""
    if dim is None or dim == -1:
        return sqrt((v * v).sum())
    others = tuple(i for i in range(v.ndim) if i != dim % v.ndim)
    return sqrt((v * v).sum(others, keepdim=True)) if others else sqrt(v * v)


class WeightNorm:
    """The hook: before each call it computes the weight."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Module) -> Tensor:
        """Return ``g v / |v|``."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Split a weight into its length and its direction, ``w = g v / |v|``, computed before each call.

    Parameters
    ----------
    module : Module
    name : str
    dim : int, optional
        Each slice along this dimension has a length of its own; None for one length of all.

    Returns
    -------
    Module
        The same, with parameters ``<name>_g`` and ``<name>_v`` in place of the weight.

    Raises
    ------
    RuntimeError
        If the weight has it already.

    References
    ----------
    Salimans and Kingma, "Weight normalization", 2016, eq. (2).

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.weight_norm(nn.Linear(20, 40))
    >>> layer.weight_g.shape, layer.weight_v.shape
    ((40, 1), (40, 20))
    """
    weight = module._parameters.get(name)
    if weight is None:
        taken = f"{name}_g" in module._parameters
        raise RuntimeError(
            f"weight_norm: {type(module).__name__} {'has it already on' if taken else 'has no parameter'} {name!r}"
        )
    refuse_uninitialized(weight, "weight_norm")
    hook = WeightNorm(name, dim)
    delattr(module, name)
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight.detach(), dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    hook.handle = module.register_forward_pre_hook(hook)  # type: ignore[attr-defined]
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Put a plain weight in the place of its length and direction.

    Parameters
    ----------
    module : Module
    name : str

    Returns
    -------
    Module
        The same.

    Raises
    ------
    ValueError
        If `weight_norm` was not called before.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    for _, entry in hooks_of(module, "forward_pre"):
        hook = entry.hook
        if isinstance(hook, WeightNorm) and hook.name == name:
            weight = hook.compute_weight(module).detach()
            hook.handle.remove()  # type: ignore[attr-defined]
            for part in (name, f"{name}_g", f"{name}_v"):
                delattr(module, part)
            module.register_parameter(name, Parameter(weight))
            return module
    raise InputError(f"remove_weight_norm: there is none of {name!r} in {type(module).__name__}")
