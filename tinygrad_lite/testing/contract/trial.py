"""`Trial`: a module and its arguments, of which every point of the contract takes a fresh copy."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import rules
from ...autograd import no_grad
from ...transforms import pytree
from ..modules import Pure, cast

Array = np.ndarray[Any, Any]


def tensors(tree: Any) -> list[Any]:
    """The Tensors of a tree."""
    return [t for t in pytree.leaves(tree) if isinstance(t, rules.Tensor)]


def floating(tree: Any) -> list[Any]:
    """The Tensors of real or complex floating numbers."""
    return [t for t in tensors(tree) if t.dtype.kind in "fc"]


def same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Whether two lists of Tensors are equal to the bit."""
    return len(a) == len(b) and all(np.array_equal(x._data, y._data, equal_nan=True) for x, y in zip(a, b))


def close(a: Array, b: Array, rtol: float = 1e-9) -> bool:
    """Whether two arrays agree up to rounding in float64, measured by the largest number."""
    if a.shape != b.shape:
        return False
    finite = np.isfinite(b)
    largest = np.abs(b[finite]).max(initial=0.0)
    return bool(np.allclose(a, b, rtol, max(rtol * largest, 1e-300), equal_nan=True))


@dataclass
class Trial:
    """A module with one call of it.

    Parameters
    ----------
    module : Module
    args, keywords
        Of the call.
    batch_dim : int or None
        The dimension of samples.
    causal : int or None
        The dimension of time.
    mask : Tensor or None
        True where positions of input 0 do not count.
    allow_zero : bool or collection of str
        Names whose gradient may be zero everywhere.
    twin : Module or None
    seed : int
    """

    module: Any
    args: Sequence[Any]
    keywords: Mapping[str, Any]
    batch_dim: int | None = 0
    causal: int | None = None
    mask: Any = None
    allow_zero: bool | Collection[str] = False
    twin: Any = None
    seed: int = 0
    unused: set[str] = field(default_factory=set)

    def copied(self, training: bool = False, dtype: Any = np.float64) -> Call:
        """A copy of module and arguments in one precision, in evaluation or training."""
        module = copy.deepcopy(self.module)
        return Call(module.to(dtype).train(training), cast(list(self.args), dtype), cast(dict(self.keywords), dtype))

    def spared(self, name: str) -> bool:
        """Whether a gradient may be zero everywhere."""
        return self.allow_zero if isinstance(self.allow_zero, bool) else name in self.allow_zero


@dataclass
class Call:
    """One copy of a module and its arguments."""

    module: Any
    args: list[Any]
    keywords: dict[str, Any]

    def __call__(self) -> Any:
        return self.module(*self.args, **self.keywords)

    def plain(self) -> list[Any]:
        """All Tensors that come out, without a graph."""
        with no_grad():
            return tensors(self())

    def pure(self) -> Pure:
        """The call without memory: same random numbers, same buffers, every time."""
        return Pure(self.module, self.args, self.keywords)

    def leaves(self) -> list[Any]:
        """The floating arguments, from now on with gradients."""
        return [t.requires_grad_() for t in floating([self.args, self.keywords])]
