"""Weights of given norm, of given spectral norm, and with orthogonal columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lite import Tensor, cat, empty, eye, linalg, matrix_exp, no_grad, randn, tensor, zeros
from tinygrad_lite.engine.errors import InputError

from .._checks import check_choice
from ..module import Module
from ..parameter import refuse_uninitialized
from .parametrize import register_parametrization
from .power_iteration import as_matrix, normalized, power_method
from .weight_norm import norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _tensor_of(module: Module, name: str, who: str) -> Tensor:
    found = getattr(module, name, None)
    if not isinstance(found, Tensor):
        raise InputError(f"{who}: {type(module).__name__} has no parameter or buffer {name!r}")
    refuse_uninitialized(found, who)
    return found


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


class _Older:
    """The hook that lets states of the older `weight_norm` load: it renames ``<name>_g`` and ``<name>_v``."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        older = [f"{prefix}{self.name}_{part}" for part in "gv"]
        if all(key in state_dict for key in older):
            for i, key in enumerate(older):
                state_dict[f"{prefix}parametrizations.{self.name}.original{i}"] = state_dict.pop(key)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Split a weight into its length and its direction, ``w = g v / |v|``.

    Parameters
    ----------
    module : Module
    name : str
    dim : int, optional
        Each slice along this dimension has a length of its own; None for one length of all.

    Returns
    -------
    Module
        The same; the originals are ``parametrizations.<name>.original0`` (g) and ``original1`` (v).

    References
    ----------
    Salimans and Kingma, "Weight normalization", 2016, eq. (2).

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape, layer.parametrizations.weight.original1.shape
    ((40, 1), (40, 20))
    """
    _tensor_of(module, name, "weight_norm")
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    module.register_load_state_dict_pre_hook(_Older(name))
    return module


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if n_power_iterations <= 0:
            raise InputError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim must be in [{-weight.ndim}, {weight.ndim}), got {dim}")
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                matrix = as_matrix(weight.detach(), self.dim)
                u = normalized(empty(matrix.shape[0], dtype=weight.dtype).normal_(), eps)
                v = normalized(empty(matrix.shape[1], dtype=weight.dtype).normal_(), eps)
                u, v = power_method(matrix, u, v, 15, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    _u: Tensor
    _v: Tensor

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalized(weight, self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            with no_grad():
                u, v = power_method(matrix.detach(), self._u, self._v, self.n_power_iterations, self.eps)
                self._u.copy_(u)
                self._v.copy_(v)
        sigma = (self._u.clone() * (matrix @ self._v.clone())).sum()  # copies: the next step may write to them
        return weight / sigma

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide a weight by its largest singular value, which power iteration follows during training.

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
        The same.

    References
    ----------
    Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 40))
    >>> bool(abs(tg.linalg.svdvals(layer.weight.detach())[0] - 1) < 0.2)
    True
    """
    weight = _tensor_of(module, name, "spectral_norm")
    if dim is None:
        dim = 1 if type(module).__name__.startswith("ConvTranspose") else 0
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def _reflections(x: Tensor, factors: Tensor) -> Tensor:
    """Product of ``I - t v v^T`` over the columns v of a matrix with ones on its diagonal and zeros above."""
    n, k = x.shape
    vectors = x + eye(n, k, dtype=x.dtype)
    out = eye(n, k, dtype=x.dtype)
    for i in reversed(range(k)):
        v = vectors[:, i : i + 1]
        out = out - factors[i] * (v @ (v.T @ out))
    return out


def _orthonormal(matrix: Tensor) -> Tensor:
    """The Q of its QR decomposition, with R's diagonal positive."""
    q, r = np.linalg.qr(matrix.numpy())
    return tensor(q * np.sign(np.diag(r)))


class _Orthogonal(Module):
    def __init__(self, shape: tuple[int, ...], orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    base: Tensor | None

    def forward(self, X: Tensor) -> Tensor:
        n, k = X.shape
        if n < k:
            return self._tall(X.T).T
        return self._tall(X)

    def _tall(self, x: Tensor) -> Tensor:
        n, k = x.shape
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            out = _reflections(a, 2.0 / (1.0 + (a * a).sum(0))) * x.diagonal().detach().sign()
        else:
            x = x.tril()
            if n != k:
                x = cat([x, zeros(n, n - k, dtype=x.dtype)], 1)
            a = x - x.mH
            if self.orthogonal_map == "matrix_exp":
                out = matrix_exp(a)
            else:
                one = eye(n, dtype=x.dtype)
                out = linalg.solve(one - 0.5 * a, one + 0.5 * a)
            out = out[:, :k]
        base = getattr(self, "base", None)
        return out if base is None else base @ out

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise InputError(f"orthogonal: expected matrices of shape {self.shape}, got {Q.shape}")
        n, k = self.shape
        if n < k:
            return self._started(Q.T).T
        return self._started(Q)

    def _started(self, q: Tensor) -> Tensor:
        n, k = q.shape
        if hasattr(self, "base"):
            whole = q if n == k else cat([q, randn(n, n - k, dtype=q.dtype)], 1)
            self.base = _orthonormal(whole)
            return -eye(n, k, dtype=q.dtype)
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "orthogonal: it is not possible to assign to the matrix exponential or the Cayley parametrizations "
                "without use_trivialization=True; or use the map 'householder'"
            )
        raw, factors = np.linalg.qr(q.numpy(), mode="raw")
        out = raw.T.astype(q.dtype)
        diagonal = np.sign(np.diag(out))
        np.fill_diagonal(out, np.where(factors == 0, -diagonal, diagonal))
        return tensor(out)


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep the columns of a matrix (the rows, of a wide one) orthonormal; a complex square one is unitary.

    Parameters
    ----------
    module : Module
    name : str
        Of a matrix.
    orthogonal_map : {"matrix_exp", "cayley", "householder"}, optional
        By default "matrix_exp" for square matrices, else "householder".
    use_trivialization : bool
        Start from the given weight made orthogonal, and parametrize the way from there.

    Returns
    -------
    Module
        The same.

    Raises
    ------
    ValueError
        If the tensor is no matrix, for another map, and for complex numbers with "householder".

    Notes
    -----
    Deviations from PyTorch: only single matrices; without trivialization the weight of "matrix_exp" and "cayley" starts
    from the skew part of the given one, as there.

    References
    ----------
    Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(20, 40))
    >>> bool(tg.allclose(layer.weight.T @ layer.weight, tg.eye(20), atol=1e-5))
    True
    """
    weight = _tensor_of(module, name, "orthogonal")
    if weight.ndim != 2:
        raise InputError(f"orthogonal: expected a matrix, got shape {weight.shape}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[0] == weight.shape[1] else "householder"
    if orthogonal_map == "householder" and weight.is_complex():
        raise InputError(f"orthogonal: orthogonal_map 'householder' takes real numbers, got {weight.dtype}")
    check_choice("orthogonal", "orthogonal_map", orthogonal_map, ("matrix_exp", "cayley", "householder"))
    made = _Orthogonal(weight.shape, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
