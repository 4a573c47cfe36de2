"""Wishart, and LKJCholesky: random covariances, and random correlations by their Cholesky factors."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import Tensor, arange, cholesky_solve, finfo, linalg, mvlgamma, stack
from ..engine.errors import InputError
from ..ops.random.standard_gamma import log_standard_gamma
from . import constraints
from .distribution import Distribution, broadcast, standard_normal, tensors
from .gamma_family import Beta
from .multivariate_normal import Covariance, factor_of, log_diagonal, matrix_given

__all__ = ["LKJCholesky", "Wishart"]


class Wishart(Covariance):
    """The distribution of the sum of ``x x'`` over `df` normal vectors of a covariance.

    Parameters
    ----------
    df : Tensor or number, greater than n - 1
        Degrees of freedom.
    covariance_matrix, precision_matrix, scale_tril : Tensor, shape (..., n, n), optional
        One of these.

    Raises
    ------
    ValueError
        For too few degrees of freedom, and not exactly one matrix.

    References
    ----------
    Smith, Hocking (1972), Wishart variate generator (Bartlett's decomposition).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Wishart(3.0, covariance_matrix=tg.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
        "df": constraints.positive,
    }
    support, has_rsample = constraints.positive_definite, True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = matrix_given(
            "Wishart", covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        (_, df), n = tensors(matrix, df), matrix.shape[-1]
        if not bool((df > n - 1).all()):
            raise InputError(f"Wishart: df must be greater than n - 1 = {n - 1}, got {df}")
        batch = np.broadcast_shapes(matrix.shape[:-2], df.shape)
        self.df = df.expand(batch)
        setattr(self, name, matrix.expand(*batch, n, n))
        super().__init__(batch, (n, n), validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)

    mean = property(lambda self: self._wide(self.df) * self.covariance_matrix)

    @staticmethod
    def _wide(x: Any) -> Any:
        return x.unsqueeze(-1).unsqueeze(-1)

    @property
    def mode(self) -> Tensor:
        """Of ``df > n + 1``, else unknown."""
        more = self.df - self._event_shape[-1] - 1
        return self._wide(more.masked_fill(more <= 0, math.nan)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        """Of each entry."""
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        both = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._wide(self.df) * (self.covariance_matrix**2 + both)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        half = 0.5 * (self.df.unsqueeze(-1) - arange(shape[-1], dtype=self.df.dtype)).expand(shape[:-1])
        root = (0.5 * (log_standard_gamma(half) + math.log(2))).exp().clamp(min=finfo(half.dtype).eps)
        lower = self._unbroadcasted_scale_tril @ (root.diag_embed() + standard_normal(shape, self.df).tril(-1))
        return lower @ lower.mT

    def _log_prob(self, value: Any) -> Tensor:
        df, n = self.df, self._event_shape[-1]
        factor = self._unbroadcasted_scale_tril.expand(value.shape)
        trace = cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        constant = df * (0.5 * n * math.log(2) + log_diagonal(self._unbroadcasted_scale_tril)) + mvlgamma(0.5 * df, n)
        return 0.5 * ((df - n - 1) * linalg.slogdet(value).logabsdet - trace) - constant

    def entropy(self) -> Tensor:
        half, n = 0.5 * self.df, self._event_shape[-1]
        slope = sum((half - 0.5 * i).digamma() for i in range(n))  # that of mvlgamma
        scale = (n + 1) * (0.5 * n * math.log(2) + log_diagonal(self._unbroadcasted_scale_tril))
        return scale + mvlgamma(half, n) - (half - 0.5 * (n + 1)) * slope + half * n


class LKJCholesky(Distribution):
    """The Cholesky factors of correlation matrices of density proportional to ``det^(concentration - 1)``.

    Parameters
    ----------
    dim : int, at least 2
        Number of variables.
    concentration : Tensor or number, positive
        At 1 all correlation matrices have the same density.

    Raises
    ------
    ValueError
        For less than two variables.

    References
    ----------
    Lewandowski, Kurowicka, Joe (2009), Generating random correlation matrices: the onion method.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.LKJCholesky(3, 1.0).sample().shape
    (3, 3)
    """

    arg_constraints: ClassVar[dict[str, Any]] = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise InputError(f"LKJCholesky: dim must be at least 2, got {dim}")
        self.dim = dim
        (self.concentration,) = broadcast(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        eta, n = self.concentration.expand(shape[:-2]), self.dim
        first = [0.5 + max(i - 1, 0) for i in range(n)]
        second = [eta + 0.5 * (n - 2 - max(i - 1, 0)) for i in range(n)]
        size = stack([Beta(a, b, False).sample() for a, b in zip(first, second)], -1).unsqueeze(-1)
        row = standard_normal(shape, eta).tril(-1)  # a direction for each row, the first one's empty
        length = (row * row).sum(-1, True)
        row = row * (size / length.masked_fill(length == 0, 1.0)).sqrt()
        rest = (1 - (row * row).sum(-1)).clamp(min=finfo(row.dtype).tiny)
        return row + rest.sqrt().diag_embed()

    def _log_prob(self, value: Any) -> Tensor:
        n, eta = self.dim, self.concentration
        order = 2 * (eta - 1).unsqueeze(-1) + n - arange(2, n + 1, dtype=eta.dtype)
        density = (order * value.diagonal(dim1=-2, dim2=-1)[..., 1:].log()).sum(-1)
        alpha = eta + 0.5 * (n - 1)
        constant = mvlgamma(alpha - 0.5, n - 1) - (n - 1) * alpha.lgamma()
        return density - constant - 0.5 * (n - 1) * math.log(math.pi)
