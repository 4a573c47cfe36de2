"""`Distribution`: what all distributions share, from the shapes to the checks of values."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import (
    Tensor,
    as_tensor,
    autograd,
    broadcast_tensors,
    enable_grad,
    finfo,
    get_default_dtype,
    no_grad,
    rand,
    randn,
)
from ..engine.errors import InputError
from ..tensors.size import Size
from .constraints import Constraint, holds, is_dependent

__all__ = ["Distribution", "ExponentialFamily"]


class lazy:
    """A property that is computed once, with gradients whatever the mode is, unless it was given as an attribute.

    Parameters
    ----------
    compute : callable
        Of the object.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Circle:
    ...     radius = tg.tensor(2.0, requires_grad=True)
    ...     @tg.distributions.utils.lazy_property
    ...     def area(self):
    ...         return 3 * self.radius**2
    >>> with tg.no_grad():
    ...     Circle().area.requires_grad
    True
    """

    def __init__(self, compute: Any) -> None:
        self.compute, self.__doc__ = compute, compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        known = instance.__dict__.setdefault("_computed", {})
        if self.name not in known:
            with enable_grad():
                known[self.name] = self.compute(instance)
        return known[self.name]


def broadcast(*values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors of one shape; numbers take the first tensor's dtype.

    Parameters
    ----------
    *values : Tensor, array or number

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.utils.broadcast_all(tg.zeros(2), 1.0)
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    return broadcast_tensors(*tensors(*values))


def tensors(*values: Any) -> tuple[Tensor, ...]:
    """Parameters as tensors; numbers take the first tensor's dtype, or the default one."""
    given = [v for v in values if isinstance(v, (Tensor, np.ndarray))]
    for value in values:
        if not isinstance(value, (Tensor, np.ndarray, np.generic, int, float)):
            raise InputError(f"distributions: parameters must be tensors or numbers, got {value!r}")
    dtype = given[0].dtype if given else get_default_dtype()
    return tuple(v if isinstance(v, Tensor) else as_tensor(v, dtype=getattr(v, "dtype", dtype)) for v in values)


def sum_rightmost(value: Any, dims: int) -> Any:
    """The sum over the last dimensions."""
    return value if dims == 0 else value.sum(tuple(range(-dims, 0)))


def standard_normal(shape: Any, like: Tensor) -> Tensor:
    """Standard normal numbers of another tensor's dtype."""
    return randn(shape, dtype=like.dtype)


def open_uniform(shape: Any, like: Tensor) -> Tensor:
    """Uniform numbers in (0, 1), of another tensor's dtype."""
    return rand(shape, dtype=like.dtype).clamp(min=finfo(like.dtype).tiny)


class Distribution:
    """A probability distribution, or a batch of them.

    Parameters
    ----------
    batch_shape : sequence of int
        Of distributions that are independent, but not identical.
    event_shape : sequence of int
        Of one sample of one of them.
    validate_args : bool, optional
        Whether parameters and values are checked. Default: what `set_default_validate_args` said, True at first unless
        Python runs with ``-O``.

    Attributes
    ----------
    arg_constraints : dict
        What must hold for each parameter.
    support : Constraint
        Where its samples lie.
    has_rsample : bool
        Whether gradients flow from samples to the parameters.

    Raises
    ------
    ValueError
        For a parameter that violates its constraint; from `log_prob`, `cdf` and `icdf` for a value that does, or whose
        shape does not fit.
    NotImplementedError
        For what has no closed form.

    Notes
    -----
    A subclass defines what it knows of `_log_prob`, `_cdf`, `_icdf` (the values are checked before), ``_draw(shape)``,
    `entropy`, `mean`, `mode` and `variance`. One that defines `log_prob` and its like themselves, as in PyTorch, works
    too. Samples are drawn from the library's global stream, so they are not PyTorch's of the same seed.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> d = tg.distributions.Normal(tg.zeros(3), 1.0)
    >>> d.batch_shape, d.sample((2,)).shape, d.expand((2, 3)).log_prob(tg.zeros(3)).shape
    ((3,), (2, 3), (2, 3))
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    arg_constraints: ClassVar[dict[str, Any]] = {}
    _validate_args = __debug__

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        for name, constraint in self.arg_constraints.items():
            value = vars(self).get(name)
            if value is None or is_dependent(constraint) or holds(constraint, value):
                continue
            raise InputError(
                f"Expected parameter {name} ({type(value).__name__} of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
            )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check parameters and values from now on.

        Parameters
        ----------
        value : bool
        """
        if value not in (True, False):
            raise InputError(f"set_default_validate_args: value must be a bool, got {value!r}")
        Distribution._validate_args = value

    # --- shapes -----------------------------------------------------------------------------------------------------

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """Shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution with another batch shape, without copying its parameters.

        Parameters
        ----------
        batch_shape : sequence of int

        Returns
        -------
        Distribution
        """
        batch_shape, new = tuple(batch_shape), self._get_checked_instance(type(self), _instance)
        for name, value in vars(self).items():
            if name == "_computed":
                continue
            if isinstance(value, Tensor) and name in self.arg_constraints:
                event = value.ndim - self.arg_constraints[name].event_dim
                value = value.expand(batch_shape + value.shape[event:])
            new.__dict__[name] = value
        new._batch_shape = Size(batch_shape)
        return new

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(f"{type(self).__name__}: a subclass with its own __init__ needs its own expand")
        return object.__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = ()) -> tuple[int, ...]:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def support(self) -> Constraint:
        """Where its samples lie."""
        raise self._unknown("support")

    @property
    def mean(self) -> Tensor:
        """The mean, of shape ``(*batch, *event)``."""
        raise self._unknown("mean")

    @property
    def mode(self) -> Tensor:
        """The most likely value."""
        raise self._unknown("mode")

    @property
    def variance(self) -> Tensor:
        """The variance, of shape ``(*batch, *event)``."""
        raise self._unknown("variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def entropy(self) -> Tensor:
        """The entropy, of shape ``batch``, in nats."""
        raise self._unknown("entropy")

    def perplexity(self) -> Tensor:
        """The entropy's exponential."""
        return self.entropy().exp()

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution along a first dimension.

        Parameters
        ----------
        expand : bool
            Whether the batch dimensions have their sizes, else 1.

        Returns
        -------
        Tensor, shape (n, *batch, *event)
        """
        raise self._unknown("enumerate_support")

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        values = values.reshape(-1, *(1,) * len(self._batch_shape))
        return values.expand(-1, *self._batch_shape) if expand else values

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {what}")

    # --- samples ----------------------------------------------------------------------------------------------------

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Samples through which gradients flow to the parameters.

        Parameters
        ----------
        sample_shape : sequence of int

        Returns
        -------
        Tensor, shape (*sample_shape, *batch, *event)
        """
        if not self.has_rsample:
            raise self._unknown("rsample: its samples have no gradient; use sample, and log_prob as a score")
        return self._draw(self._extended_shape(sample_shape))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Samples without a gradient.

        Parameters
        ----------
        sample_shape : sequence of int

        Returns
        -------
        Tensor, shape (*sample_shape, *batch, *event)
        """
        own = type(self).rsample is not Distribution.rsample  # a subclass of PyTorch's that says no more
        with no_grad():
            if own or self.has_rsample:
                return self.rsample(sample_shape)
            return self._draw(self._extended_shape(sample_shape))

    def sample_n(self, n: int) -> Tensor:
        """`sample` of one dimension more: PyTorch's older name."""
        return self.sample((n,))

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        raise self._unknown("sample")

    # --- values -----------------------------------------------------------------------------------------------------

    def log_prob(self, value: Tensor) -> Tensor:
        """Logarithm of the density, or of the probability, at a value.

        Parameters
        ----------
        value : Tensor, of a shape that broadcasts with (*batch, *event)

        Returns
        -------
        Tensor, shape (..., *batch)
        """
        return self._log_prob(self._checked(value))

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of at most that value.

        Parameters
        ----------
        value : Tensor, of a shape that broadcasts with the batch's

        Returns
        -------
        Tensor
        """
        return self._cdf(self._checked(value))

    def icdf(self, value: Tensor) -> Tensor:
        """The value that has a cumulative probability: the inverse of `cdf`.

        Parameters
        ----------
        value : Tensor, in [0, 1], of a shape that broadcasts with the batch's

        Returns
        -------
        Tensor
        """
        return self._icdf(value)

    def _log_prob(self, value: Any) -> Tensor:
        raise self._unknown("log_prob")

    def _cdf(self, value: Any) -> Tensor:
        raise self._unknown("cdf")

    def _icdf(self, value: Any) -> Tensor:
        raise self._unknown("icdf")

    def _checked(self, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return value

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Tensor):
            raise InputError(f"{type(self).__name__}: the value must be a Tensor, got {type(value).__name__}")
        shape, expected = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise InputError(f"The right-most size of value must match event_shape: {shape} vs {self._event_shape}.")
        if any(i != j and 1 not in (i, j) for i, j in zip(shape[::-1], expected[::-1])):
            raise InputError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {expected}.")
        support = self.support
        if not holds(support, value):
            raise InputError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(shape)}) to be within the support "
                f"({support!r}) of the distribution {self!r}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        given = {name: vars(self)[name] for name in self.arg_constraints if name in vars(self)}
        shown = ", ".join(f"{n}: {v.item() if v.numel() == 1 else tuple(v.shape)}" for n, v in given.items())
        return f"{type(self).__name__}({shown})"


class ExponentialFamily(Distribution):
    """A density ``exp(natural . statistics - log_normalizer(natural))``, whose entropy follows from the normalizer.

    A subclass defines `_natural_params`, a tuple of tensors, and ``_log_normalizer(*natural_params)``.

    Parameters
    ----------
    batch_shape, event_shape : sequence of int

    References
    ----------
    Nielsen, Nock (2010), Entropies and cross-entropies of exponential families.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Rate(tg.distributions.ExponentialFamily):
    ...     arg_constraints = {"rate": tg.distributions.constraints.positive}
    ...     _natural_params = property(lambda self: (-self.rate,))
    ...     def __init__(self, rate):
    ...         self.rate = rate
    ...         super().__init__(rate.shape)
    ...     def _log_normalizer(self, x):
    ...         return -(-x).log()
    >>> Rate(tg.tensor([1.0, 2.0])).entropy().detach()
    tensor([1.0000, 0.3069])
    """

    _mean_carrier_measure: Any = 0.0

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise self._unknown("_natural_params")

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise self._unknown("_log_normalizer")

    def statistics(self) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """The log normalizer, and each natural parameter with the mean of its statistic, the normalizer's slope."""
        with enable_grad():
            natural = [v if v.requires_grad else v.detach().requires_grad_() for v in self._natural_params]
            normalizer = self._log_normalizer(*natural)
            means = autograd.grad(normalizer.sum(), natural, create_graph=True)
        return normalizer, list(zip(natural, means))

    def entropy(self) -> Tensor:
        normalizer, pairs = self.statistics()
        for natural, mean in pairs:
            normalizer = normalizer - sum_rightmost(natural * mean, len(self._event_shape))
        return normalizer - self._mean_carrier_measure


class ByQuantile(Distribution):
    """What draws its samples as quantiles of uniform numbers."""

    has_rsample = True

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        like = next(vars(self)[name] for name in self.arg_constraints if name in vars(self))
        return self._icdf(open_uniform(shape, like))
