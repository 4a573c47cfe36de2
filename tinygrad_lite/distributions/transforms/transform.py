"""`Transform`, and transforms made of transforms: the inverse, the composition, the independent and the reshaping."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

from ... import Tensor, zeros_like
from ...engine.errors import InputError
from .. import constraints
from ..constraints import dependent_property
from ..distribution import sum_rightmost

__all__ = ["ComposeTransform", "IndependentTransform", "ReshapeTransform", "Transform", "identity_transform"]


class Transform:
    """A function whose inverse and the determinant of whose Jacobian are known.

    Parameters
    ----------
    cache_size : 0 or 1
        With 1, the last pair of argument and value is kept, so that the inverse of a value is the very argument.

    Attributes
    ----------
    domain, codomain : Constraint
    bijective : bool
    sign : int or Tensor
        Of a bijective function of numbers: 1 if it increases, -1 if it decreases.

    Raises
    ------
    ValueError
        For another size of the cache.

    Notes
    -----
    A subclass defines `domain`, `codomain`, ``_call(x)``, ``_inverse(y)`` and ``log_abs_det_jacobian(x, y)``.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> t = tg.distributions.ExpTransform()
    >>> t(tg.zeros(2)), t.inv(tg.ones(2)), t.log_abs_det_jacobian(tg.ones(2), None)
    (tensor([1., 1.]), tensor([0., 0.]), tensor([1., 1.]))
    """

    domain: Any = constraints.real
    codomain: Any = constraints.real
    bijective: Any = False
    _inv: Transform | None = None
    _last: tuple[Any, Any] = (None, None)

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise InputError(f"{type(self).__name__}: cache_size must be 0 or 1, got {cache_size!r}")
        self._cache_size = cache_size

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_inv", "_last")}

    @property
    def event_dim(self) -> int:
        """How many of the last dimensions are transformed together."""
        if self.domain.event_dim != self.codomain.event_dim:
            raise ValueError(f"{type(self).__name__}: domain.event_dim and codomain.event_dim differ; ask for one")
        found: int = self.domain.event_dim
        return found

    @property
    def inv(self) -> Transform:
        """The inverse, whose inverse is this one."""
        if self._inv is None:
            self._inv = self._inverted()
        return self._inv

    def _inverted(self) -> Transform:
        return _InverseTransform(self)

    @property
    def sign(self) -> Any:
        """1 for an increasing function, -1 for a decreasing one."""
        raise NotImplementedError(f"{type(self).__name__}: has no sign")

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with a cache.

        Parameters
        ----------
        cache_size : 0 or 1

        Returns
        -------
        Transform
        """
        if cache_size == self._cache_size:
            return self
        other = copy.copy(self)
        other.__dict__.update(self._parts_with_cache(cache_size), _cache_size=cache_size)
        return other

    def _parts_with_cache(self, cache_size: int) -> dict[str, Any]:
        return {}

    def __eq__(self, other: object) -> Any:
        return self is other or (type(self) is type(other) and _equal(_stated(self), _stated(other)))

    __hash__ = object.__hash__

    def __call__(self, x: Tensor) -> Tensor:
        """The value at `x`."""
        if self._cache_size and x is self._last[0]:
            return self._last[1]
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inv_call(self, y: Any) -> Any:
        if self._cache_size and y is self._last[1]:
            return self._last[0]
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: has no _call")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: has no _inverse")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """``log |dy / dx|``, summed over the dimensions that are transformed together.

        Parameters
        ----------
        x, y : Tensor
            An argument, and the value there.

        Returns
        -------
        Tensor
        """
        raise NotImplementedError(f"{type(self).__name__}: has no log_abs_det_jacobian")

    def forward_shape(self, shape: Any) -> Any:
        """The shape of the value where the argument has `shape`."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of the argument where the value has `shape`."""
        return shape

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


_ASIDE = ("_inv", "_last", "_cache_size", "__doc__")


def _stated(transform: Transform) -> dict[str, Any]:
    """What a transform was made of, its cache aside."""
    return {name: v for name, v in vars(transform).items() if name not in _ASIDE}


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    def same(x: Any, y: Any) -> bool:
        if isinstance(x, Tensor) and isinstance(y, Tensor):
            return x.shape == y.shape and bool((x == y).all())
        return x is y or bool((x == y) if not isinstance(x, Tensor) and not isinstance(y, Tensor) else (x == y).all())

    return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)


class _InverseTransform(Transform):
    """What `Transform.inv` is."""

    def __init__(self, transform: Transform) -> None:
        super().__init__(transform._cache_size)
        self._forward = self._inv = transform

    domain = dependent_property(lambda self: self._forward.codomain)
    codomain = dependent_property(lambda self: self._forward.domain)
    bijective = property(lambda self: self._forward.bijective)
    sign = property(lambda self: self._forward.sign)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._forward.with_cache(cache_size).inv

    def __call__(self, x: Tensor) -> Tensor:
        return self._forward._inv_call(x)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._forward.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._forward.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._forward.forward_shape(shape)

    def __repr__(self) -> str:
        return f"_InverseTransform({self._forward!r})"


class ComposeTransform(Transform):
    """Transforms one after the other.

    Parameters
    ----------
    parts : sequence of Transform
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform()]).inv(tg.ones(1))
    tensor([-0.5000])
    """

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else list(parts)

    @dependent_property
    def domain(self) -> Any:
        """The first one's domain, with the dimensions that any of them takes together."""
        return _widened(self.parts[0].domain, self._event_dims(backward=True)) if self.parts else constraints.real

    @dependent_property
    def codomain(self) -> Any:
        """The last one's codomain, with the dimensions that any of them takes together."""
        return _widened(self.parts[-1].codomain, self._event_dims(backward=False)) if self.parts else constraints.real

    def _event_dims(self, backward: bool) -> int:
        parts = [(p.codomain, p.domain) if backward else (p.domain, p.codomain) for p in self.parts]
        if backward:
            parts.reverse()
        dims: int = parts[0][0].event_dim
        for source, target in parts:
            dims = max(dims + target.event_dim - source.event_dim, target.event_dim)
        return dims

    bijective = property(lambda self: all(part.bijective for part in self.parts))
    sign = property(lambda self: math.prod((part.sign for part in self.parts), start=1))

    def _inverted(self) -> Transform:
        inverse = ComposeTransform([part.inv for part in reversed(self.parts)])
        inverse._inv = self
        return inverse

    def _parts_with_cache(self, cache_size: int) -> dict[str, Any]:
        return {"parts": [part.with_cache(cache_size) for part in self.parts]}

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return zeros_like(x)
        total: Any = 0.0
        dims = self.domain.event_dim
        for i, part in enumerate(self.parts):
            after = part(x) if i + 1 < len(self.parts) else y
            total = total + sum_rightmost(part.log_abs_det_jacobian(x, after), dims - part.domain.event_dim)
            dims += part.codomain.event_dim - part.domain.event_dim
            x = after
        return total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return shape

    def __repr__(self) -> str:
        inside = ",\n".join(repr(part) for part in self.parts).replace("\n", "\n    ")
        return f"ComposeTransform(\n    {inside}\n)"


def _widened(constraint: Any, event_dim: int) -> Any:
    more = event_dim - constraint.event_dim
    return constraints.independent(constraint, more) if more > 0 else constraint


identity_transform: Transform = ComposeTransform([])
identity_transform.__doc__ = "The transform that changes nothing."


class IndependentTransform(Transform):
    """A transform some of whose batch dimensions are taken together.

    Parameters
    ----------
    base_transform : Transform
    reinterpreted_batch_ndims : int
    cache_size : 0 or 1

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> D = tg.distributions
    >>> D.IndependentTransform(D.ExpTransform(), 1).log_abs_det_jacobian(tg.ones(2, 3), None)
    tensor([3., 3.])
    """

    def __init__(self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    def _parts_with_cache(self, cache_size: int) -> dict[str, Any]:
        return {"base_transform": self.base_transform.with_cache(cache_size)}

    domain = dependent_property(
        lambda self: constraints.independent(self.base_transform.domain, self.reinterpreted_batch_ndims)
    )
    codomain = dependent_property(
        lambda self: constraints.independent(self.base_transform.codomain, self.reinterpreted_batch_ndims)
    )
    bijective = property(lambda self: self.base_transform.bijective)
    sign = property(lambda self: self.base_transform.sign)

    def _call(self, x: Any) -> Any:
        if x.ndim < self.domain.event_dim:
            raise InputError(f"{self!r}: needs at least {self.domain.event_dim} dimensions, got shape {x.shape}")
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        if y.ndim < self.codomain.event_dim:
            raise InputError(f"{self!r}: needs at least {self.codomain.event_dim} dimensions, got shape {y.shape}")
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """The last dimensions in another shape.

    Parameters
    ----------
    in_shape, out_shape : sequence of int
    cache_size : 0 or 1

    Raises
    ------
    ValueError
        If they differ in their number of elements; while it is called, for another shape.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.distributions.ReshapeTransform((2, 3), (6,))(tg.ones(4, 2, 3)).shape
    (4, 6)
    """

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise InputError(f"ReshapeTransform: {self.in_shape} and {self.out_shape} hold different numbers")

    domain = dependent_property(lambda self: constraints.independent(constraints.real, len(self.in_shape)))
    codomain = dependent_property(lambda self: constraints.independent(constraints.real, len(self.out_shape)))

    def _call(self, x: Any) -> Any:
        return x.reshape(self.forward_shape(x.shape))

    def _inverse(self, y: Any) -> Any:
        return y.reshape(self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])

    def forward_shape(self, shape: Any) -> Any:
        return _exchanged(tuple(shape), self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return _exchanged(tuple(shape), self.out_shape, self.in_shape)


def _exchanged(shape: tuple[int, ...], old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    cut = len(shape) - len(old)
    if cut < 0 or shape[cut:] != old:
        raise InputError(f"ReshapeTransform: the last dimensions must be {old}, got shape {shape}")
    return shape[:cut] + new
