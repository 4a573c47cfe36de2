"""Compile optimizers ahead, so that the first step of a later process finds its kernels on disk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_lite import from_numpy, kernels, optim

from .optimizer import Optimizer
from .step.declare.rule import has_rule
from .step.plan import parameter_batch as cohort

# What is set most often, besides the defaults: each setting of an optimizer's switches is a kernel of its own.
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "SGD": [{"momentum": 0.9}, {"momentum": 0.9, "weight_decay": 1e-4}],
    "Adam": [{"weight_decay": 1e-4}],
    "AdamW": [{"weight_decay": 0.0}],
    "Muon": [{"ns_precision": "float32"}],
}


def names() -> list[str]:
    """The optimizers that have kernels."""
    public = [getattr(optim, name) for name in optim.__all__]
    return [c.__name__ for c in public if isinstance(c, type) and issubclass(c, Optimizer) and has_rule(c)]


def warm(wanted: Iterable[str] | None = None, dtypes: Iterable[Any] = (np.float32,)) -> int:
    """Make a step of each optimizer, as a small and as a large model does, and clipped.

    Parameters
    ----------
    wanted : iterable of str, optional
        Names of optimizers. Default: all.
    dtypes : iterable of dtype

    Returns
    -------
    int
        How many were made.
    """
    known, made = names(), 0
    unknown = sorted(set(wanted or ()) - set(known))
    if unknown:
        raise ValueError(f"warm: unknown optimizers {', '.join(unknown)}; there are {', '.join(known)}")
    size = cohort.SHARED
    with kernels.use("numba"):
        from tinygrad_lite.kernels.native.codegen.loop import compile_entries

        compile_entries()
        for name in wanted or known:
            for arguments in [{}, *VARIANTS.get(name, [])]:
                for dtype in map(np.dtype, dtypes):
                    for cohort.SHARED, clip in ((size, None), (0, None), (size, 1e-3)):
                        _step(getattr(optim, name), {**arguments, "max_grad_norm": clip}, dtype)
                    made += 1
    cohort.SHARED = size
    return made


def _step(cls: type[Optimizer], arguments: dict[str, Any], dtype: np.dtype[Any]) -> None:
    tensor = from_numpy(np.ones((4, 3), dtype)).requires_grad_()
    tensor.grad = from_numpy(np.full((4, 3), 0.01, dtype))
    cls([tensor], **arguments).step()
