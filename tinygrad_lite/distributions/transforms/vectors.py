"""Transforms of vectors and matrices: onto simplices, Cholesky factors, positive definite matrices; several in one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ... import Tensor, finfo, linalg, ones, softplus, tril_indices
from ... import cat as joined
from ... import stack as stacked
from ...engine.errors import InputError
from .. import constraints
from ..constraints import dependent_property
from ..distribution import sum_rightmost
from .elementwise import SigmoidTransform
from .transform import Transform

__all__ = [
    "CatTransform", "CorrCholeskyTransform", "LowerCholeskyTransform", "PositiveDefiniteTransform", "SoftmaxTransform",
    "StackTransform", "StickBreakingTransform",
]  # fmt: skip


class SoftmaxTransform(Transform):
    """``y = softmax(x)`` along the last dimension; not bijective: the inverse is the logarithm.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.SoftmaxTransform()(tg.zeros(2))
    tensor([0.5000, 0.5000])
    """

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Any) -> Any:
        return x.softmax(-1)

    def _inverse(self, y: Any) -> Any:
        return y.log()


def _shifted(x: Any, first: float) -> Any:
    """One place on along the last dimension, `first` in front, the last one dropped."""
    return joined([x.new_full((*x.shape[:-1], 1), first), x[..., :-1]], -1)


class StickBreakingTransform(Transform):
    """From n numbers onto the simplex of n + 1: each is the part that is broken off what is left.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.StickBreakingTransform()(tg.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain, codomain, bijective = constraints.real_vector, constraints.simplex, True

    def _logits(self, x: Any) -> Any:
        return x - x.new_ones(x.shape[-1]).cumsum(-1).flip(-1).log()  # zeros give equal parts

    def _call(self, x: Any) -> Any:
        part = SigmoidTransform()(self._logits(x))
        one = x.new_ones((*x.shape[:-1], 1))
        return joined([part, one], -1) * joined([one, (1 - part).cumprod(-1)], -1)

    def _inverse(self, y: Any) -> Any:
        left = (1 - y[..., :-1].cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return y[..., :-1].log() - left.log() + left.new_ones(left.shape[-1]).cumsum(-1).flip(-1).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (y[..., :-1].log() - softplus(self._logits(x))).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        return _resized(shape, 1)

    def inverse_shape(self, shape: Any) -> Any:
        return _resized(shape, -1)


def _resized(shape: Any, more: int) -> Any:
    if not shape:
        raise InputError("StickBreakingTransform: needs a dimension, got shape ()")
    return (*shape[:-1], shape[-1] + more)


class LowerCholeskyTransform(Transform):
    """From matrices to lower triangular ones of positive diagonal, the exponential of the given one.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.LowerCholeskyTransform()(tg.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(Transform):
    """From matrices to positive definite ones, by way of `LowerCholeskyTransform`.

    Parameters
    ----------
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.PositiveDefiniteTransform()(tg.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain = constraints.independent(constraints.real, 2), constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """From n (n - 1) / 2 numbers to the Cholesky factor of a correlation matrix of n variables.

    Each row below the diagonal is a stick breaking of the squares of its hyperbolic tangents, with their signs.

    Parameters
    ----------
    cache_size : 0 or 1

    References
    ----------
    Stan Reference Manual, "Cholesky factors of correlation matrices".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.CorrCholeskyTransform()(tg.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain, codomain, bijective = constraints.real_vector, constraints.corr_cholesky, True

    def _call(self, x: Any) -> Any:
        n, eps = self.forward_shape(x.shape)[-1], finfo(x.dtype).eps
        rows, columns = tril_indices(n, n, -1)
        part = x.new_zeros((*x.shape[:-1], n, n))
        part[..., rows, columns] = x.tanh().clamp(eps - 1, 1 - eps)
        left = (1 - part * part).sqrt().cumprod(-1)
        return (part + ones(n, dtype=x.dtype).diag()) * _shifted(left, 1.0)

    def _inverse(self, y: Any) -> Any:
        left = _shifted(1 - (y * y).cumsum(-1), 1.0)
        return (_below(y, -1) / _below(left, -1).sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        left = _below(1 - (y * y).cumsum(-1), -2)
        return 0.5 * left.log().sum(-1) - 2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        count = shape[-1] if shape else -1
        n = round((0.25 + 2 * max(count, 0)) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != count:
            raise InputError(f"CorrCholeskyTransform: the last dimension must be n (n - 1) / 2, got shape {shape}")
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise InputError(f"CorrCholeskyTransform: matrices must be square, got shape {shape}")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


def _below(matrix: Any, diagonal: int) -> Any:
    """The entries on and below a diagonal, row by row."""
    rows, columns = tril_indices(matrix.shape[-2], matrix.shape[-1], diagonal)
    return matrix[..., rows, columns]


class _Several(Transform):
    """One transform for each part along a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        super().__init__(cache_size)
        if not all(isinstance(t, Transform) for t in tseq):
            raise TypeError(f"{type(self).__name__}: tseq must hold transforms, got {tseq!r}")
        self.transforms, self.dim = [t.with_cache(cache_size) for t in tseq], dim

    bijective = property(lambda self: all(t.bijective for t in self.transforms))

    def _parts_with_cache(self, cache_size: int) -> dict[str, Any]:
        return {"transforms": [t.with_cache(cache_size) for t in self.transforms]}

    def _parts(self, x: Any) -> Any:
        """What each transform takes; subclasses cut it off."""
        raise NotImplementedError

    def _join(self, parts: list[Any]) -> Any:
        """The reverse of `_parts`."""
        raise NotImplementedError

    def _call(self, x: Any) -> Any:
        return self._join([t(part) for t, part in zip(self.transforms, self._parts(x))])

    def _inverse(self, y: Any) -> Any:
        return self._join([t.inv(part) for t, part in zip(self.transforms, self._parts(y))])


class CatTransform(_Several):
    """One transform for some entries along a dimension, the next for the next ones.

    Parameters
    ----------
    tseq : sequence of Transform
    dim : int
    lengths : sequence of int, optional
        How many entries are each one's. Default: 1.
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.CatTransform([D.ExpTransform(), D.AbsTransform()], 0, [1, 2])(tg.tensor([0.0, -1.0, -2.0]))
    tensor([1., 1., 2.])
    """

    def __init__(
        self, tseq: Sequence[Transform], dim: int = 0, lengths: Iterable[int] | None = None, cache_size: int = 0
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise InputError(f"CatTransform: needs a length for each transform, got {self.lengths}")

    event_dim = property(lambda self: max(t.event_dim for t in self.transforms))
    length = property(lambda self: sum(self.lengths))
    domain = dependent_property(
        lambda self: constraints.cat([t.domain for t in self.transforms], self.dim, self.lengths)
    )
    codomain = dependent_property(
        lambda self: constraints.cat([t.codomain for t in self.transforms], self.dim, self.lengths)
    )

    def _parts(self, x: Any) -> Any:
        return x.split(self.lengths, self.dim)

    def _join(self, parts: list[Any]) -> Any:
        return joined(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        found = [
            sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in zip(self.transforms, self._parts(x), self._parts(y))
        ]
        dim = (self.dim - x.ndim if self.dim >= 0 else self.dim) + self.event_dim
        return joined(found, dim) if dim < 0 else sum(found[1:], found[0])


class StackTransform(_Several):
    """One transform for each entry along a dimension.

    Parameters
    ----------
    tseq : sequence of Transform
    dim : int
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.StackTransform([D.ExpTransform(), D.AbsTransform()])(tg.tensor([0.0, -1.0]))
    tensor([1., 1.])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)

    domain = dependent_property(lambda self: constraints.stack([t.domain for t in self.transforms], self.dim))
    codomain = dependent_property(lambda self: constraints.stack([t.codomain for t in self.transforms], self.dim))

    def _parts(self, x: Any) -> Any:
        if x.shape[self.dim] != len(self.transforms):
            raise InputError(
                f"StackTransform: dimension {self.dim} must be {len(self.transforms)} long, got shape {x.shape}"
            )
        return x.unbind(self.dim)

    def _join(self, parts: list[Any]) -> Any:
        return stacked(parts, self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        parts = zip(self.transforms, self._parts(x), self._parts(y))
        return self._join([t.log_abs_det_jacobian(a, b) for t, a, b in parts])
