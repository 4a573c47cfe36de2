"""Random numbers written to a tensor in place: methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import views
from ...engine.door import other_names
from ...engine.errors import DtypeError, InputError
from ...tensors.tensor_type import Tensor
from .multinomial_bernoulli import probabilities, successes
from .random_streams import below, gaussian, last_in_row, of_parts, stream, uniform, whole_numbers

METHODS = "bernoulli_ cauchy_ exponential_ geometric_ log_normal_ normal_ random_ uniform_"


def _filled(tensor: Any, values: Any, who: str) -> Any:
    with np.errstate(over="ignore"):  # float16 ends at 65504
        values = np.asarray(values).astype(tensor.dtype, copy=False)
    if views.begin(tensor, (), who):
        return tensor._overwrite(values, who)
    views.store(tensor._data, values, who)
    return tensor


def _float(tensor: Any, who: str, kinds: str = "f") -> Any:
    """The dtype to draw in."""
    dtype = tensor.dtype
    if dtype.kind not in kinds:
        raise DtypeError(f"{who}: the tensor must be floating point, got {dtype}")
    return np.dtype(np.float32) if dtype == np.float16 else dtype


def _positive(value: float, what: str, who: str) -> None:
    if not value > 0:
        raise InputError(f"{who}: {what} must be positive, got {value}")


def _uniform(shape: Any, dtype: Any, low: float, high: float, generator: Any) -> Any:
    if dtype.kind == "c":
        return of_parts(_uniform, shape, dtype, low, high, generator)
    return below(uniform(shape, dtype, generator) * (high - low) + low, low, high)


def _normal(shape: Any, dtype: Any, mean: float, std: float, generator: Any) -> Any:
    return gaussian(shape, dtype, generator) * std + mean


def _log_normal(shape: Any, dtype: Any, mean: float, std: float, generator: Any) -> Any:
    return np.exp(gaussian(shape, dtype, generator) * std + mean)


def _exponential(shape: Any, dtype: Any, rate: float, generator: Any) -> Any:
    return stream(generator).standard_exponential(shape, dtype) / rate


def _cauchy(shape: Any, dtype: Any, median: float, sigma: float, generator: Any) -> Any:
    with np.errstate(over="ignore"):
        return (stream(generator).standard_cauchy(shape) * sigma + median).astype(dtype)


def _geometric(shape: Any, dtype: Any, p: float, generator: Any) -> Any:
    with np.errstate(over="ignore"):
        return stream(generator).geometric(p, shape).astype(dtype)


@other_names(to="b")
def uniform_(self: Any, a: float = 0.0, b: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with uniform numbers in ``[a, b)``, both parts of complex ones."""
    if not a <= b:
        raise InputError(
            f"uniform_: a must not exceed b, got [{a}, {b}) (uniform_ expects to return a [from, to) range, but found "
            f"from={a} > to={b})"
        )
    if not b - a <= float(np.finfo(_float(self, "uniform_", "fc")).max):
        raise InputError(f"uniform_: b - a must be a number that {self.dtype} holds, got [{a}, {b})")
    return _filled(self, _uniform(self.shape, self.dtype, a, b, generator), "uniform_")


def normal_(self: Any, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal numbers."""
    if not std >= 0:
        raise InputError(
            f"normal_: std must not be negative, got {std} (normal_ expects std >= 0.0, but found std={std})"
        )
    _float(self, "normal_", "fc")
    return _filled(self, _normal(self.shape, self.dtype, mean, std, generator), "normal_")


def log_normal_(self: Any, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
    """Fill with numbers whose logarithms are normal, of that mean and deviation."""
    _positive(std, "std", "log_normal_")
    drawn = _log_normal(self.shape, _float(self, "log_normal_"), mean, std, generator)
    return _filled(self, drawn, "log_normal_")


def exponential_(self: Any, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with exponential numbers of the rate `lambd`."""
    _positive(lambd, "lambd", "exponential_")
    drawn = _exponential(self.shape, _float(self, "exponential_"), lambd, generator)
    return _filled(self, drawn, "exponential_")


def cauchy_(self: Any, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with Cauchy numbers: the median, and the half width at half of the maximum."""
    _positive(sigma, "sigma", "cauchy_")
    _float(self, "cauchy_")
    return _filled(self, _cauchy(self.shape, self.dtype, median, sigma, generator), "cauchy_")


def geometric_(self: Any, p: float, *, generator: Any = None) -> Tensor:
    """Fill with numbers of trials until the first success, each of probability `p`."""
    if not 0 < p < 1:
        raise InputError(f"geometric_: p must be in (0, 1), got {p}")
    return _filled(self, _geometric(self.shape, self.dtype, p, generator), "geometric_")


def bernoulli_(self: Any, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with ones with probability `p`, a number or a tensor of a shape that broadcasts; zeros else."""
    return _filled(self, successes(probabilities(p, "bernoulli_"), self.shape, self.dtype, generator), "bernoulli_")


def random_(self: Any, *bounds: int | None, generator: Any = None, **names: int | None) -> Tensor:
    """Fill with integers from 0 or the first bound up to, not including, the last one.

    Without a last one, up to the largest integer that the dtype holds, or in a row with all smaller ones.
    """
    if unknown := names.keys() - {"from", "to"}:
        raise TypeError(f"random_: unknown arguments {sorted(unknown)}; there are from, to and generator")
    if names:
        bounds = (*bounds, *([names["from"]] if "from" in names else []), *([names["to"]] if "to" in names else []))
    dtype = self.dtype
    if len(bounds) > 2:
        raise TypeError(f"random_: takes at most 2 bounds, got {len(bounds)}")
    low, last = (0, None) if not bounds else (0, bounds[0]) if len(bounds) == 1 else bounds
    low, high, full = low or 0, last_in_row(dtype) if last is None else last, last is None
    if not low < high + full:
        raise InputError(f"random_: random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    return _filled(self, whole_numbers(low, high, self.shape, dtype, generator, "random_", full), "random_")
