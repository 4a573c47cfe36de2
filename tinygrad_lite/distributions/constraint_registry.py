"""`transform_to` and `biject_to`: from a constraint to a transform of all real numbers onto it."""

from __future__ import annotations

from typing import Any

from . import constraints, transforms
from .constraints import Constraint

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """A table of constraints and the functions that make their transforms.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.transform_to(D.constraints.greater_than(1.0))(tg.zeros(1))
    tensor([2.])
    """

    def __init__(self) -> None:
        self._registry: dict[type, Any] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Say how the transform of a class of constraints is made; also a decorator.

        Parameters
        ----------
        constraint : Constraint, or its class
        factory : callable
            ``factory(constraint)`` returns a `Transform`.

        Returns
        -------
        callable
        """
        if factory is None:
            return lambda made: self.register(constraint, made)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, Constraint)):
            raise TypeError(f"register: constraint must be a Constraint or its class, got {constraint!r}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> transforms.Transform:
        if type(constraint) not in self._registry:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        made: transforms.Transform = self._registry[type(constraint)](constraint)
        return made


transform_to, biject_to = ConstraintRegistry(), ConstraintRegistry()
transform_to.__doc__ = (
    "The transform of all real numbers onto a constraint's set, the one that is best to optimize with."
)
biject_to.__doc__ = "The bijective transform of all real numbers onto a constraint's set."


def _beyond(bound: Any, sign: int) -> transforms.Transform:
    exp = transforms.ExpTransform()
    plain = isinstance(bound, (int, float)) and bound == 0 and sign == 1
    return exp if plain else transforms.ComposeTransform([exp, transforms.AffineTransform(bound, sign)])


def _between(c: Any) -> transforms.Transform:
    low, high = c.lower_bound, c.upper_bound
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)])


for _registry in (transform_to, biject_to):
    _to: Any = _registry
    _registry.register(constraints.real, lambda c: transforms.identity_transform)
    for _kind in (constraints.greater_than, constraints.greater_than_eq):
        _registry.register(_kind, lambda c: _beyond(c.lower_bound, 1))
    _registry.register(constraints.less_than, lambda c: _beyond(c.upper_bound, -1))
    for _kind in (constraints.interval, constraints.half_open_interval):
        _registry.register(_kind, _between)
    _registry.register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
    _registry.register(
        constraints.independent,
        lambda c, to=_to: transforms.IndependentTransform(to(c.base_constraint), c.reinterpreted_batch_ndims),
    )
    _registry.register(
        constraints.cat, lambda c, to=_to: transforms.CatTransform([to(part) for part in c.cseq], c.dim, c.lengths)
    )
    _registry.register(
        constraints.stack, lambda c, to=_to: transforms.StackTransform([to(part) for part in c.cseq], c.dim)
    )

biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
for _matrix in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_matrix, lambda c: transforms.PositiveDefiniteTransform())
