"""`vmap`: a function of one sample, applied to many."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import rules
from ..ops.random.generator import default_generator
from ..ops.shape.cat_pad import stack
from ..ops.shape.split import slices
from . import pytree

__all__ = ["vmap"]

RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that applies `func` to every slice of its arguments and stacks the results.

    It is a loop: `func` runs once for each slice, with plain Tensors. So whatever `func` does is right, also branches
    on values and in-place writes that PyTorch's refuses, and gradients flow through; but it is as slow as the loop.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a tree of Tensors. Keyword arguments are passed on whole.
    in_dims : int, None or tree of them
        The dimension of each argument that is mapped over; None passes it on whole. One value stands for all
        arguments, or for all that a container holds.
    out_dims : int, None or tree of them
        Where the new dimension of each result is put; None returns what was the same tensor for all slices once.
    randomness : "error", "different" or "same"
        What a random number drawn in `func` (from the default generator) means: refused, drawn anew for each slice, or
        the same for all.
    chunk_size : int, optional
        Accepted and ignored.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        When called: for dimensions that do not fit the arguments or each other, and where there is no slice.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.vmap(tg.dot)(tg.ones(2, 3), tg.ones(2, 3))
    tensor([3., 3.])
    >>> tg.func.vmap(tg.func.grad(lambda w, x: (w * x).sum()), in_dims=(None, 0))(tg.ones(2), tg.eye(2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if randomness not in RANDOMNESS:
        raise RuntimeError(f"vmap: randomness must be one of {', '.join(RANDOMNESS)}, got {randomness!r}")

    @functools.wraps(func, updated=())
    def mapped(*args: Any, **kwargs: Any) -> Any:
        dims = pytree.spread(in_dims, args, "vmap: in_dims")
        columns, size = _slices(pytree.leaves(args), dims)
        results, state = [], default_generator.state_dict()
        for i in range(size):
            if i and randomness == "same":
                default_generator.load_state_dict(state)
            some = pytree.filled(args, [c if d is None else c[i] for c, d in zip(columns, dims)])
            results.append(func(*some, **kwargs))
            if randomness == "error" and default_generator.state_dict() != state:
                raise RuntimeError(
                    "vmap: the function drew a random number; say what that means: randomness='different' or 'same'"
                )
        return _joined(results, out_dims)

    return mapped


def _slices(leaves: list[Any], dims: list[Any]) -> tuple[list[Any], int]:
    columns, sizes = [], []
    for x, d in zip(leaves, dims):
        if d is None:
            columns.append(x)
            continue
        if not isinstance(d, int) or isinstance(d, bool):
            raise ValueError(f"vmap: in_dims must hold integers and None, got {d!r}")
        if not isinstance(x, rules.Tensor):
            raise ValueError(f"vmap: in_dims is {d} for an argument that is no Tensor but {type(x).__name__}; use None")
        if not -x.ndim <= d < x.ndim:
            raise ValueError(f"vmap: in_dims must be in [{-x.ndim}, {x.ndim - 1}] for shape {x.shape}, got {d}")
        columns.append(slices(x, d, ""))
        sizes.append(x.shape[d])
    if not sizes:
        raise ValueError("vmap: at least one argument must be mapped over, got in_dims of None for all")
    if len(set(sizes)) > 1:
        raise ValueError(f"vmap: the mapped dimensions must have one size, got {sizes}")
    if sizes[0] == 0:
        raise ValueError("vmap: the mapped dimension must not be empty: nothing would say what the results look like")
    return columns, sizes[0]


def _joined(results: list[Any], out_dims: Any) -> Any:
    first = results[0]
    if any(pytree.structure(r) != pytree.structure(first) for r in results):
        raise ValueError("vmap: the function must return the same structure for every slice, got different ones")
    one = isinstance(first, rules.Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1
    dims = pytree.spread(out_dims[0] if one else out_dims, first, "vmap: out_dims")
    stacked = []
    for parts, d in zip(zip(*map(pytree.leaves, results)), dims):
        for part in parts:
            if not isinstance(part, rules.Tensor):
                raise ValueError(f"vmap: the function must return Tensors only, got {type(part).__name__}")
        if d is None:
            if any(part is not parts[0] for part in parts):
                raise ValueError(
                    "vmap: out_dims must hold an integer for a result that differs from slice to slice, got None (the "
                    "function can not return a BatchedTensor when out_dim is None)"
                )
            stacked.append(parts[0])
            continue
        if not isinstance(d, int) or isinstance(d, bool):
            raise ValueError(f"vmap: out_dims must hold integers and None, got {d!r}")
        stacked.append(stack(parts, d))
    return pytree.filled(first, stacked)
