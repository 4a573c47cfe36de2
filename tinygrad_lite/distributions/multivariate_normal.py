"""MultivariateNormal, by its covariance, precision or Cholesky factor, and the low-rank one."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import Tensor, cholesky_solve, eye, linalg
from ..engine.errors import InputError
from . import constraints
from .distribution import Distribution, lazy, standard_normal, tensors

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]


def log_diagonal(matrix: Tensor) -> Tensor:
    """The sum of the logarithms of the diagonal: of a Cholesky factor, half the logarithm of the determinant."""
    return matrix.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def solved(factor: Tensor, vector: Tensor) -> Tensor:
    """``factor^-1 vector`` for a lower triangular matrix, over batches that broadcast."""
    batch = np.broadcast_shapes(factor.shape[:-2], vector.shape[:-1])
    factor, vector = factor.expand(*batch, *factor.shape[-2:]), vector.expand(*batch, vector.shape[-1])
    return linalg.solve_triangular(factor, vector.unsqueeze(-1), upper=False).squeeze(-1)


def factor_of(given: str, matrix: Tensor) -> Tensor:
    """The lower Cholesky factor of a covariance, given as such, as its factor, or by its inverse."""
    if given == "scale_tril":
        return matrix
    if given == "covariance_matrix":
        return linalg.cholesky(matrix)
    # With J the matrix that turns rows and columns around: P = L L' makes P^-1 = (L^-T) (L^-T)', of upper factors.
    upper = linalg.cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT
    identity = eye(matrix.shape[-1], dtype=matrix.dtype).expand(matrix.shape)
    return linalg.solve_triangular(upper, identity, upper=False)


def matrix_given(who: str, **matrices: Any) -> tuple[str, Tensor]:
    """The one matrix among several that is not None, and its name."""
    given = [name for name, matrix in matrices.items() if matrix is not None]
    if len(given) != 1:
        raise InputError(f"{who}: exactly one of {', '.join(matrices)} must be specified, got {given or 'none'}")
    (matrix,) = tensors(matrices[given[0]])
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise InputError(f"{who}: {given[0]} must be square matrices, got shape {matrix.shape}")
    return given[0], matrix


class Covariance(Distribution):
    """What has a covariance, of which one of three forms was given; `_unbroadcasted_scale_tril` is its factor."""

    _unbroadcasted_scale_tril: Tensor

    def _full(self) -> tuple[int, ...]:
        return (*self._batch_shape, *self._unbroadcasted_scale_tril.shape[-2:])

    @lazy
    def scale_tril(self) -> Tensor:
        """Lower triangular Cholesky factor of the covariance."""
        return self._unbroadcasted_scale_tril.expand(self._full())

    @lazy
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return (self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT).expand(self._full())

    @lazy
    def precision_matrix(self) -> Tensor:
        """The covariance's inverse."""
        lower = self._unbroadcasted_scale_tril
        identity = eye(lower.shape[-1], dtype=lower.dtype).expand(lower.shape)
        return cholesky_solve(identity, lower).expand(self._full())


class MultivariateNormal(Covariance):
    """The normal distribution of vectors.

    Parameters
    ----------
    loc : Tensor, shape (..., n)
        The mean.
    covariance_matrix, precision_matrix, scale_tril : Tensor, shape (..., n, n), optional
        One of these: the covariance, its inverse, or its lower triangular Cholesky factor, which takes the least work.

    Raises
    ------
    ValueError
        For shapes that do not fit, a matrix that is not positive definite, and not exactly one matrix.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.MultivariateNormal(tg.zeros(2), tg.tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> d.log_prob(tg.zeros(2)), d.entropy()
    (tensor(-2.3872), tensor(3.3872))
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support, has_rsample = constraints.real_vector, True

    def __init__(
        self,
        loc: Any,
        covariance_matrix: Any = None,
        precision_matrix: Any = None,
        scale_tril: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = matrix_given(
            "MultivariateNormal",
            covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril,
        )  # fmt: skip
        (loc,) = tensors(loc)
        if loc.ndim < 1 or loc.shape[-1] not in (1, matrix.shape[-1]):
            raise InputError(f"MultivariateNormal: loc must fit {name}, got shapes {loc.shape} and {matrix.shape}")
        batch, n = np.broadcast_shapes(loc.shape[:-1], matrix.shape[:-2]), matrix.shape[-1]
        self.loc = loc.expand(*batch, n)
        setattr(self, name, matrix.expand(*batch, n, n))
        super().__init__(batch, (n,), validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)

    mean = mode = property(lambda self: self.loc)
    variance = property(
        lambda self: (self._unbroadcasted_scale_tril**2).sum(-1).expand(self._batch_shape + self._event_shape)
    )

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        return self.loc + (self._unbroadcasted_scale_tril @ standard_normal(shape, self.loc).unsqueeze(-1)).squeeze(-1)

    def _log_prob(self, value: Any) -> Tensor:
        distance = (solved(self._unbroadcasted_scale_tril, value - self.loc) ** 2).sum(-1)
        return -0.5 * (self.loc.shape[-1] * math.log(2 * math.pi) + distance) - log_diagonal(
            self._unbroadcasted_scale_tril
        )

    def entropy(self) -> Tensor:
        n = self.loc.shape[-1]
        return (0.5 * n * (1 + math.log(2 * math.pi)) + log_diagonal(self._unbroadcasted_scale_tril)).expand(
            self._batch_shape
        )


class LowRankMultivariateNormal(Distribution):
    """The normal distribution of vectors whose covariance is ``cov_factor cov_factor' + diag(cov_diag)``.

    Only the small matrix ``1 + cov_factor' diag(cov_diag)^-1 cov_factor`` is decomposed (Woodbury).

    Parameters
    ----------
    loc : Tensor, shape (..., n)
        The mean.
    cov_factor : Tensor, shape (..., n, m)
    cov_diag : Tensor, shape (..., n), positive

    Raises
    ------
    ValueError
        For shapes that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.LowRankMultivariateNormal(tg.zeros(2), tg.tensor([[1.0], [0.0]]), tg.ones(2))
    >>> d.covariance_matrix
    tensor([[2., 0.],
            [0., 1.]])
    """

    arg_constraints: ClassVar[dict[str, Any]] = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support, has_rsample = constraints.real_vector, True

    def __init__(self, loc: Any, cov_factor: Any, cov_diag: Any, validate_args: bool | None = None) -> None:
        loc, factor, diag = tensors(loc, cov_factor, cov_diag)
        n = loc.shape[-1:]
        if loc.ndim < 1 or factor.ndim < 2 or factor.shape[-2:-1] != n or diag.shape[-1:] != n:
            raise InputError(
                "LowRankMultivariateNormal: loc, cov_factor and cov_diag must have shapes (..., n), (..., n, m) and "
                f"(..., n), got {loc.shape}, {factor.shape} and {diag.shape}"
            )
        batch = np.broadcast_shapes(loc.shape[:-1], factor.shape[:-2], diag.shape[:-1])
        self.loc, self.cov_diag = loc.expand(*batch, *n), diag.expand(*batch, *n)
        self.cov_factor = factor.expand(*batch, *factor.shape[-2:])
        super().__init__(batch, n, validate_args)

    @lazy
    def capacitance_tril(self) -> Tensor:
        """Cholesky factor of the small matrix."""
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        return linalg.cholesky(scaled @ self.cov_factor + eye(self.cov_factor.shape[-1], dtype=self.loc.dtype))

    @lazy
    def scale_tril(self) -> Tensor:
        """Lower triangular Cholesky factor of the covariance."""
        root = self.cov_diag.sqrt().unsqueeze(-1)
        scaled = self.cov_factor / root
        return root * linalg.cholesky(scaled @ scaled.mT + eye(self.loc.shape[-1], dtype=self.loc.dtype))

    @lazy
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @lazy
    def precision_matrix(self) -> Tensor:
        """The covariance's inverse."""
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        a = linalg.solve_triangular(self.capacitance_tril, scaled, upper=False)
        return (1 / self.cov_diag).diag_embed() - a.mT @ a

    mean = mode = property(lambda self: self.loc)
    variance = property(lambda self: (self.cov_factor**2).sum(-1) + self.cov_diag)

    def half_log_determinant(self) -> Tensor:
        """Half of the logarithm of the covariance's determinant."""
        return log_diagonal(self.capacitance_tril) + 0.5 * self.cov_diag.log().sum(-1)

    def distance(self, off: Tensor) -> Tensor:
        """``off' covariance^-1 off``."""
        scaled = off / self.cov_diag
        small = (self.cov_factor.mT @ scaled.unsqueeze(-1)).squeeze(-1)
        return (off * scaled).sum(-1) - (solved(self.capacitance_tril, small) ** 2).sum(-1)

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        few = standard_normal((*shape[:-1], self.cov_factor.shape[-1]), self.loc)
        return (
            self.loc
            + (self.cov_factor @ few.unsqueeze(-1)).squeeze(-1)
            + self.cov_diag.sqrt() * standard_normal(shape, self.loc)
        )

    def _log_prob(self, value: Any) -> Tensor:
        constant = self.loc.shape[-1] * math.log(2 * math.pi)
        return -0.5 * (constant + self.distance(value - self.loc)) - self.half_log_determinant()

    def entropy(self) -> Tensor:
        return 0.5 * self.loc.shape[-1] * (1 + math.log(2 * math.pi)) + self.half_log_determinant()
