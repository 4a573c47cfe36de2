"""`vstack`, `hstack`, `dstack`, `meshgrid` and kin: stacking along the first dimensions, and grids of vectors."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...dtypes import get_default_dtype
from ...engine.errors import InputError
from ...rules import FAST, unwrap, wrap
from ...tensors.numpy_calls import no_gradient, on_arrays
from ...tensors.tensor_type import Tensor
from ..argument_names import built, one_dtype
from .broadcasting import expand
from .cat_pad import _parts, cat, pad, stack
from .reshape_transpose import ravel

__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cartesian_prod", "column_stack",
    "combinations", "dstack", "hstack", "meshgrid", "row_stack", "vstack",
]  # fmt: skip

# --- at least so many dimensions --------------------------------------------------------------------------------

_ATLEAST = """The same with at least {n} dimension{s} (views).

Parameters
----------
*tensors : Tensor
    One or several, or one sequence of them.

Returns
-------
Tensor or tuple of Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.atleast_{n}d(tg.tensor([1, 2])).shape
{shape}
"""


def _atleast(n: int, shape: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Callable[..., Any]:
    def atleast(*tensors: Any) -> Any:
        several = len(tensors) != 1 or isinstance(tensors[0], (tuple, list))
        given = tensors[0] if several and len(tensors) == 1 else tensors
        wide = [t if unwrap(t).ndim >= n else t.reshape(shape(unwrap(t).shape)) for t in given]
        return tuple(wide) if several else wide[0]

    atleast.__name__ = atleast.__qualname__ = f"atleast_{n}d"
    atleast.__doc__ = _ATLEAST.format(n=n, s="s" if n > 1 else "", shape=shape((2,)) if n > 1 else (2,))
    return atleast


atleast_1d = _atleast(1, lambda shape: (1,))
atleast_2d = _atleast(2, lambda shape: (1, *(shape or (1,))))
atleast_3d = _atleast(3, lambda shape: (1, 1, 1) if not shape else (1, *shape, 1) if len(shape) == 1 else (*shape, 1))

# --- stacks -----------------------------------------------------------------------------------------------------

_STACK = """Join {where}.

Parameters
----------
tensors : sequence of Tensor
    {what}

Returns
-------
Tensor

Examples
--------
>>> import tinygrad_lite as tg
>>> tg.{name}([tg.tensor([1, 2]), tg.tensor([3, 4])])
tensor({shown})
"""


def _columns(tensors: Any) -> list[Any]:
    return [t if unwrap(t).ndim > 1 else t.reshape(-1, 1) for t in tensors]


def _stacked(name: str, join: Callable[..., Any], where: str, what: str, shown: str) -> Callable[..., Tensor]:
    def stacked(tensors: Sequence[Any]) -> Tensor:
        return join(_parts(tensors, name))

    stacked.__name__ = stacked.__qualname__ = name
    stacked.__doc__ = _STACK.format(name=name, where=where, what=what, shown=shown)
    return stacked


hstack = _stacked(
    "hstack", lambda parts: cat(atleast_1d(parts), min(atleast_1d(parts[0]).ndim - 1, 1)),
    "along the second dimension, or the only one", "Those without a dimension count as vectors.", "[1, 2, 3, 4]",
)  # fmt: skip
vstack = row_stack = _stacked(
    "vstack", lambda parts: cat(atleast_2d(parts), 0),
    "along the first dimension", "Vectors count as rows.", "[[1, 2],\n        [3, 4]]",
)  # fmt: skip
dstack = _stacked(
    "dstack", lambda parts: cat(atleast_3d(parts), 2),
    "along the third dimension", "Those with fewer dimensions are seen as `atleast_3d` shows them.",
    "[[[1, 3],\n         [2, 4]]]",
)  # fmt: skip
column_stack = _stacked(
    "column_stack", lambda parts: cat(_columns(parts), 1),
    "along the second dimension", "Vectors count as columns.", "[[1, 3],\n        [2, 4]]",
)  # fmt: skip
__test__ = {f.__name__: f.__doc__ for f in (atleast_1d, atleast_2d, atleast_3d, hstack, vstack, dstack, column_stack)}


def block_diag(*tensors: Any) -> Tensor:
    """A matrix with blocks along its diagonal, and zeros elsewhere.

    Parameters
    ----------
    *tensors : Tensor, at most 2 dimensions
        Vectors count as rows.

    Returns
    -------
    Tensor, 2 dimensions

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.block_diag(tg.tensor([[1, 2]]), tg.tensor([[3], [4]]))
    tensor([[1, 2, 0],
            [0, 0, 3],
            [0, 0, 4]])
    """
    if not tensors:
        return wrap(np.zeros((1, 0), get_default_dtype()))
    for t in _parts(tensors, "block_diag"):
        if unwrap(t).ndim > 2:
            raise RuntimeError(f"block_diag: blocks must have at most 2 dimensions, got shape {unwrap(t).shape}")
    blocks, rows, before = atleast_2d(tensors), [], 0
    total = sum(unwrap(b).shape[1] for b in blocks)
    for block in blocks:
        after = before + unwrap(block).shape[1]
        rows.append(pad(block, (before, total - after)))
        before = after
    return cat(rows, 0)


# --- grids ------------------------------------------------------------------------------------------------------


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Expand tensors to their common shape (views).

    Parameters
    ----------
    *tensors : Tensor

    Returns
    -------
    tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> [t.shape for t in tg.broadcast_tensors(tg.zeros(3, 1), tg.zeros(2))]
    [(3, 2), (3, 2)]
    """
    shapes = [unwrap(t).shape for t in tensors]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(f"broadcast_tensors: shapes must broadcast, got {', '.join(map(str, shapes))}") from None
    return tuple([expand(t, shape) for t in tensors])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid: each vector repeated along the others' dimensions (views).

    Parameters
    ----------
    *tensors : Tensor, at most 1 dimension
        Or one sequence of them.
    indexing : "ij" or "xy"
        With "xy" the first two dimensions of the results are swapped. PyTorch warns if it is not given, and takes
        "ij", too; NumPy takes "xy".

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    ValueError
        For another `indexing`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.meshgrid(tg.tensor([1, 2]), tg.tensor([3, 4]), indexing="ij")
    (tensor([[1, 1],
            [2, 2]]), tensor([[3, 4],
            [3, 4]]))
    """
    if indexing not in ("ij", "xy"):
        raise InputError(
            f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r} (indexing must be one of "
            '"xy" or "ij", but received: ' + f"{indexing})"
        )
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    vectors = [t.reshape(1) if not unwrap(t).ndim else t for t in _parts(given, "meshgrid")]
    one_dtype("meshgrid", **{f"tensors[{i}]": t for i, t in enumerate(vectors)})
    for t in vectors:
        if unwrap(t).ndim > 1:
            raise RuntimeError(
                f"meshgrid: tensors must have at most 1 dimension, got shape {unwrap(t).shape} (Expected 0D or 1D "
                "tensor in the tensor list)"
            )
    shape = tuple([unwrap(t).size for t in vectors])
    order = [1, 0, *range(2, len(shape))] if indexing == "xy" and len(shape) > 1 else list(range(len(shape)))
    grids = []
    for i, t in enumerate(vectors):
        grid = expand(t.reshape((1,) * i + (-1,) + (1,) * (len(shape) - 1 - i)) if unwrap(t).size else
                      t.reshape(*(0 if j == i else 1 for j in range(len(shape)))), shape)  # fmt: skip
        grids.append(grid.permute(order) if indexing == "xy" else grid)
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows.

    Parameters
    ----------
    *tensors : Tensor, 1 dimension

    Returns
    -------
    Tensor, shape (product of the sizes, number of vectors)
        A single vector as it is.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cartesian_prod(tg.tensor([1, 2]), tg.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    for t in _parts(tensors, "cartesian_prod"):
        if unwrap(t).ndim != 1:
            raise RuntimeError(f"cartesian_prod: tensors must have 1 dimension, got shape {unwrap(t).shape}")
    return tensors[0] if len(tensors) == 1 else stack([ravel(g) for g in meshgrid(*tensors)], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All combinations of `r` elements, as rows, in the order of Python's `itertools`.

    Parameters
    ----------
    input : Tensor, 1 dimension
    r : int
    with_replacement : bool
        Whether an element can be taken again.

    Returns
    -------
    Tensor, shape (number of combinations, r)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.combinations(tg.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if unwrap(input).ndim != 1:
        raise RuntimeError(f"combinations: the input must have 1 dimension, got shape {unwrap(input).shape}")
    if r < 0:
        raise InputError(f"combinations: r must not be negative, got {r}")
    if r == 0:
        return input[:0]
    return input[wrap(built(_choices, unwrap(input).size, r, with_replacement))]


def _choices(n: int, r: int, with_replacement: bool) -> Any:
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    return np.array(list(choose(range(n), r)), np.intp).reshape(-1, r)


def _np_meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if sparse:
        raise NotImplementedError("np.meshgrid: sparse grids are not supported on Tensors")
    return meshgrid(*xi, indexing=indexing)


def _np_broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    if any(np.asarray(unwrap(v)).dtype.kind not in "biufc" for v in args):  # texts, as of a plot's bars
        refusal = NotImplementedError("np.broadcast_arrays: beside Tensors that require grad all must be numbers")
        shape = np.broadcast_shapes(*(np.shape(unwrap(v)) for v in args))
        return on_arrays(lambda *arrays: tuple([np.broadcast_to(v, shape) for v in arrays]), refusal, args, {})
    return broadcast_tensors(*(v if hasattr(v, "requires_grad") else wrap(np.asarray(v)) for v in args))


def _np_atleast(function: Any, row: Any) -> Any:
    """NumPy's function, by which others make sure that what they hand to C or Fortran is an array.

    It gives arrays, as `np.asarray` does, unless those would lose a gradient.
    """
    return lambda *arys: function(*map(np.asarray, arys)) if no_gradient(arys) else row(*arys)


def _np_joined(join: Any) -> Any:
    """NumPy's function of that name, which casts what it has joined."""

    def joined(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
        out = join(tup)
        if dtype is not None and not np.can_cast(unwrap(out).dtype, dtype, casting):
            raise InputError(f"{join.__name__}: {out.dtype} can't become {np.dtype(dtype)} by casting={casting!r}")
        return out if dtype is None else np.astype(out, np.dtype(dtype))

    return joined


FAST.update({
    np.hstack: _np_joined(hstack), np.vstack: _np_joined(vstack), np.dstack: lambda tup: dstack(tup),
    np.column_stack: lambda tup: column_stack(tup), np.meshgrid: _np_meshgrid,
    np.broadcast_arrays: _np_broadcast_arrays, np.atleast_1d: _np_atleast(np.atleast_1d, atleast_1d),
    np.atleast_2d: _np_atleast(np.atleast_2d, atleast_2d), np.atleast_3d: _np_atleast(np.atleast_3d, atleast_3d),
})  # fmt: skip
