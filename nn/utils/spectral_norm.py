"""Weights divided by their largest singular value, by a hook: `parametrizations.spectral_norm` is the newer form."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Tensor, empty, no_grad
from tinygrad_lite.engine.errors import InputError

from ..hooks import hooks_of
from ..module import Module
from ..parameter import Parameter, refuse_uninitialized
from .power_iteration import as_matrix, normalized

__all__ = ["remove_spectral_norm", "spectral_norm"]


class SpectralNorm:
    """The hook: before each call it computes the weight, and in training it first turns the singular vectors."""

    def __init__(self, name: str, steps: int, eps: float, dim: int) -> None:
        self.name, self.steps, self.eps, self.dim = name, steps, eps, dim

    def compute_weight(self, module: Module, turn: bool) -> Tensor:
        """Return the weight divided by its largest singular value."""
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if turn:
            with no_grad():
                for _ in range(self.steps):
                    v.copy_(normalized(matrix.detach().T @ u, self.eps))
                    u.copy_(normalized(matrix.detach() @ v, self.eps))
        sigma = (u.clone() * (matrix @ v.clone())).sum()  # copies: the next call may write to them
        return weight / sigma

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, before each call.

    Parameters
    ----------
    module : Module
    name : str
    n_power_iterations : int
        At every call in training.
    eps : float
        Lower bound of the norms that are divided by.
    dim : int, optional
        The dimension of the outputs: by default 0, and 1 in transposed convolutions.

    Returns
    -------
    Module
        The same, with the parameter ``<name>_orig`` and the buffers ``<name>_u`` and ``<name>_v``.

    Raises
    ------
    ValueError
        If there is no such parameter, or `n_power_iterations` is not positive.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.utils.spectral_norm(nn.Linear(20, 40)).weight_u.shape
    (40,)
    """
    weight = module._parameters.get(name)
    if weight is None:
        raise InputError(f"spectral_norm: {type(module).__name__} has no parameter {name!r}")
    if n_power_iterations <= 0:
        raise InputError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    refuse_uninitialized(weight, "spectral_norm")
    hook = SpectralNorm(name, n_power_iterations, eps, dim)
    rows, columns = as_matrix(weight.detach(), dim).shape
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(f"{name}_u", normalized(empty(rows, dtype=weight.dtype).normal_(), eps))
    module.register_buffer(f"{name}_v", normalized(empty(columns, dtype=weight.dtype).normal_(), eps))
    hook.handle = module.register_forward_pre_hook(hook)  # type: ignore[attr-defined]
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Put the normalized weight in the place of the original one.

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
        If `spectral_norm` was not called before.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    for _, entry in hooks_of(module, "forward_pre"):
        hook = entry.hook
        if isinstance(hook, SpectralNorm) and hook.name == name:
            weight = hook.compute_weight(module, False).detach()
            hook.handle.remove()  # type: ignore[attr-defined]
            for part in (name, f"{name}_orig", f"{name}_u", f"{name}_v"):
                delattr(module, part)
            module.register_parameter(name, Parameter(weight))
            return module
    raise InputError(f"remove_spectral_norm: there is none of {name!r} in {type(module).__name__}")
