"""Constraints: the sets that parameters and samples of distributions lie in, as `torch.distributions.constraints`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import Tensor, full, linalg
from .. import stack as _stacked
from .. import sum as _total
from ..engine.quiet import quietly
from ..rules import unwrap

__all__ = [
    "Constraint", "MixtureSameFamilyConstraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval", "interval",
    "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial", "nonnegative",
    "nonnegative_integer", "one_hot", "positive", "positive_definite", "positive_integer", "positive_semidefinite",
    "real", "real_vector", "simplex", "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A set of values.

    Attributes
    ----------
    is_discrete : bool
    event_dim : int
        How many of the last dimensions make one value.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.constraints.positive.check(tg.tensor([-1.0, 0.0, 1.0]))
    tensor([False, False,  True])
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is in the set.

        Parameters
        ----------
        value : Tensor, shape (..., *event)

        Returns
        -------
        Tensor, shape (...), bool
        """
        raise NotImplementedError(f"{type(self).__name__}: a constraint must define check")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


def _takes_arrays(constraint: Any) -> bool:
    """Whether a constraint's formula is one of this file's that give the same on arrays, and holds no Tensors."""
    if type(constraint) is independent:
        return _takes_arrays(constraint.base_constraint)
    known = getattr(getattr(type(constraint), "check", None), "takes_arrays", False)
    return known and not any(isinstance(value, Tensor) for value in vars(constraint).values())


@quietly
def holds(constraint: Any, value: Any) -> bool:
    """Whether all values are in the set; on arrays where that is the same, which takes a third of the time."""
    if _takes_arrays(constraint):
        array = unwrap(value)
        if array.dtype.kind in "biuf":
            return bool(constraint.check(array).all())
    return bool(constraint.check(value).all())


def _set(
    name: str, check: Callable[[Any], Any], event_dim: int = 0, is_discrete: bool = False, arrays: bool = False
) -> Constraint:
    """The only constraint of a class of its own, by which `transform_to` and `biject_to` find it."""

    def checked(self: Any, value: Any) -> Any:
        return check(value)

    vars(checked)["takes_arrays"] = arrays
    contents = {"check": checked, "event_dim": event_dim, "is_discrete": is_discrete}
    cls = globals()[f"_{name}"] = type(f"_{name}", (Constraint,), {"__module__": __name__, **contents})
    made: Constraint = cls()
    return made


def _all_of(x: Any, dims: int = 1) -> Any:
    """Whether all of the last dimensions hold."""
    return x if dims == 0 else x.reshape(*x.shape[: x.ndim - dims], -1).all(-1)


def _lower_triangular(x: Any) -> Any:
    return _all_of(x.tril() == x, 2)


def _lower_cholesky(x: Any) -> Any:
    return _lower_triangular(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


def _square(x: Any) -> Any:
    return full(x.shape[:-2], x.shape[-1] == x.shape[-2])


def _symmetric(x: Any) -> Any:
    return _all_of((x - x.mT).abs() <= 1e-6 + 1e-5 * x.abs(), 2)


def _corr_cholesky(x: Any) -> Any:
    tolerance = x.shape[-1] * 10 * _epsilon(x)
    return _lower_cholesky(x) & (((x * x).sum(-1).sqrt() - 1).abs() < tolerance).all(-1)


def _epsilon(x: Any) -> float:
    return 1.2e-7 if x.dtype.itemsize <= 4 else 2.3e-16


real = _set("Real", lambda x: x == x, arrays=True)
boolean = _set("Boolean", lambda x: (x == 0) | (x == 1), is_discrete=True, arrays=True)
one_hot = _set("OneHot", lambda x: _all_of((x == 0) | (x == 1)) & (_total(x, -1) == 1), 1, True, arrays=True)
simplex = _set("Simplex", lambda x: (x >= 0).all(-1) & (abs(_total(x, -1) - 1) < 1e-6), 1, arrays=True)
lower_triangular = _set("LowerTriangular", _lower_triangular, 2)
lower_cholesky = _set("LowerCholesky", _lower_cholesky, 2)
corr_cholesky = _set("CorrCholesky", _corr_cholesky, 2)
square = _set("Square", _square, 2)
symmetric = _set("Symmetric", _symmetric, 2)
positive_semidefinite = _set("PositiveSemidefinite", lambda x: _symmetric(x) & (linalg.eigvalsh(x) >= -1e-6).all(-1), 2)
positive_definite = _set("PositiveDefinite", lambda x: _symmetric(x) & (linalg.cholesky_ex(x).info == 0), 2)


class _Bounded(Constraint):
    """Numbers between bounds, which may be tensors."""

    bounds: tuple[str, ...] = ()

    def __init__(self, *args: Any, **named: Any) -> None:
        given = dict(zip(self.bounds, args)) | named
        if given.keys() != set(self.bounds) or len(args) + len(named) > len(self.bounds):
            raise TypeError(f"{type(self).__name__}: takes {' and '.join(self.bounds)}, got {args} and {named}")
        vars(self).update(given)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)}" for name in self.bounds)
        return f"{type(self).__name__.lstrip('_')}({shown})"


_DOC = """{summary}

Parameters
----------
{parameters} : Tensor or number

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.distributions.constraints.{call}.check(tg.tensor([-1.0, 1.0, 2.0]))
tensor({result})
"""


def _bounded(
    name: str, bounds: str, check: Callable[..., Any], *doc: str, event_dim: int = 0, is_discrete: bool = False
) -> Any:
    names = tuple(bounds.split())

    def checked(self: Any, value: Any) -> Any:
        return check(value, *(getattr(self, bound) for bound in names))

    vars(checked)["takes_arrays"] = True
    text = _DOC.format(parameters=", ".join(names), **dict(zip(("summary", "call", "result"), doc)))
    contents = {"check": checked, "bounds": names, "event_dim": event_dim, "is_discrete": is_discrete}
    cls = globals()[f"_{name}"] = type(f"_{name}", (_Bounded,), {"__module__": __name__, "__doc__": text, **contents})
    return cls


_BOTH, _LOW = "lower_bound upper_bound", "lower_bound"
interval = _bounded(
    "Interval", _BOTH, lambda x, low, high: (x >= low) & (x <= high),
    "Numbers between two, which belong to them.", "interval(0.0, 2.0)", "[False,  True,  True]",
)  # fmt: skip
half_open_interval = _bounded(
    "HalfOpenInterval", _BOTH, lambda x, low, high: (x >= low) & (x < high),
    "Numbers between two, of which the lower one belongs to them.", "half_open_interval(0.0, 2.0)",
    "[False,  True, False]",
)  # fmt: skip
integer_interval = _bounded(
    "IntegerInterval", _BOTH, lambda x, low, high: (x % 1 == 0) & (x >= low) & (x <= high),
    "Integers between two, which belong to them.", "integer_interval(0, 2)", "[False,  True,  True]", is_discrete=True,
)  # fmt: skip
greater_than = _bounded(
    "GreaterThan", _LOW, lambda x, low: x > low,
    "Numbers above one.", "greater_than(1.0)", "[False, False,  True]",
)  # fmt: skip
greater_than_eq = _bounded(
    "GreaterThanEq", _LOW, lambda x, low: x >= low,
    "Numbers not below one.", "greater_than_eq(1.0)", "[False,  True,  True]",
)  # fmt: skip
less_than = _bounded(
    "LessThan", "upper_bound", lambda x, high: x < high,
    "Numbers below one.", "less_than(1.0)", "[ True, False, False]",
)  # fmt: skip
_integer_greater_than = _bounded(
    "IntegerGreaterThan", _LOW, lambda x, low: (x % 1 == 0) & (x >= low),
    "Integers not below one.", "_integer_greater_than(1)", "[False,  True,  True]", is_discrete=True,
)  # fmt: skip
multinomial = _bounded(
    "Multinomial", "upper_bound", lambda x, n: (x >= 0).all(-1) & (_total(x, -1) <= n),
    "Vectors of counts whose sum is at most a number.", "multinomial(4)", "False", event_dim=1, is_discrete=True,
)  # fmt: skip

positive, nonnegative, unit_interval = greater_than(0.0), greater_than_eq(0.0), interval(0.0, 1.0)
positive_integer, nonnegative_integer = _integer_greater_than(1), _integer_greater_than(0)


class independent(Constraint):
    """A constraint some of whose batch dimensions make one value.

    Parameters
    ----------
    base_constraint : Constraint
    reinterpreted_batch_ndims : int

    Examples
    --------
    >>> from tinygrad_lite.distributions import constraints
    >>> constraints.independent(constraints.real, 1).event_dim
    1
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is in the set."""
        found = self.base_constraint.check(value)
        if found.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"{self!r}: values must have at least {self.event_dim} dimensions, got {value.ndim}")
        return _all_of(found, self.reinterpreted_batch_ndims)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


real_vector = independent(real, 1)


class _Joined(Constraint):
    """Several constraints, each for its part along a dimension."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = list(cseq), dim
        self.is_discrete = any(c.is_discrete for c in self.cseq)
        self.event_dim = max(c.event_dim for c in self.cseq)


class cat(_Joined):
    """Several constraints, each for some entries along a dimension.

    Parameters
    ----------
    cseq : sequence of Constraint
    dim : int
    lengths : sequence of int, optional
        How many entries are each one's. Default: 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.distributions import constraints
    >>> constraints.cat([constraints.positive, constraints.real], 0, [1, 2]).check(tg.tensor([-1.0, -1.0, 0.0]))
    tensor([False,  True,  True])
    """

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0, lengths: Iterable[int] | None = None) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is in the set."""
        from .. import cat as joined

        parts = value.split(self.lengths, self.dim)
        return joined([c.check(part) for c, part in zip(self.cseq, parts)], self.dim)


class stack(_Joined):
    """Several constraints, each for one entry along a dimension.

    Parameters
    ----------
    cseq : sequence of Constraint
    dim : int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.distributions import constraints
    >>> constraints.stack([constraints.positive, constraints.real]).check(tg.tensor([-1.0, -1.0]))
    tensor([False,  True])
    """

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is in the set."""
        return _stacked([c.check(part) for c, part in zip(self.cseq, value.unbind(self.dim))], self.dim)


class MixtureSameFamilyConstraint(Constraint):
    """The support of mixtures: that of their components, whose dimension is not in the values.

    Parameters
    ----------
    base_constraint : Constraint

    Examples
    --------
    >>> from tinygrad_lite.distributions import constraints
    >>> constraints.MixtureSameFamilyConstraint(constraints.positive)
    MixtureSameFamilyConstraint(GreaterThan(lower_bound=0.0))
    """

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint
        self.is_discrete, self.event_dim = base_constraint.is_discrete, base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        """Whether each value is in the set of all components."""
        at = value.ndim - self.event_dim
        return _all_of(self.base_constraint.check(value.unsqueeze(at)))

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Dependent(Constraint):
    """A set that depends on other parameters, which nothing can be checked against."""

    def __init__(self, *, is_discrete: bool = False, event_dim: int = 0) -> None:
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, *, is_discrete: bool = False, event_dim: int = 0) -> _Dependent:
        return _Dependent(is_discrete=is_discrete, event_dim=event_dim)

    def check(self, value: Tensor) -> Tensor:
        """An error: it depends."""
        raise ValueError("dependent: cannot be checked, since it depends on other parameters")


dependent = _Dependent()


class dependent_property(property, _Dependent):
    """A property whose value is a constraint; on the class, one that depends.

    Parameters
    ----------
    fn : callable, optional
    is_discrete : bool
    event_dim : int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.Uniform(0.0, 2.0).support
    Interval(lower_bound=0.0, upper_bound=2.0)
    """

    def __init__(self, fn: Any = None, *, is_discrete: Any = False, event_dim: Any = 0) -> None:
        super().__init__(fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn: Any) -> Any:  # type: ignore[override]
        return type(self)(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def is_dependent(constraint: Constraint) -> bool:
    """Whether a constraint depends on other parameters."""
    return isinstance(constraint, _Dependent)
