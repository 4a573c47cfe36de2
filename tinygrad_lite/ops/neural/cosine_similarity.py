"""How near two vectors are, pair by pair."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import promotion
from ...engine.errors import InputError
from ...rules import unwrap
from ...tensors.tensor_type import Tensor
from ..argument_names import floating_only, numpy_names, one_dim
from ..linalg.norms import lengths_as_it_lies, vector_norm
from ..pointwise.clamp_round_where import clamp
from ..reduction.sums import sum as total

__all__ = ["cosine_similarity", "pairwise_distance"]
FUNCTIONAL = __all__


@numpy_names
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Tensor:
    r"""Cosine of the angle between vectors, :math:`x_1 \cdot x_2 / (\max(|x_1|, \epsilon) \max(|x_2|, \epsilon))`.

    Parameters
    ----------
    x1, x2 : Tensor, of shapes that broadcast, floating or integer, not both of integers
    dim : int
        Which makes up a vector; of the broadcast shape.
    eps : float
        No length counts as less.

    Returns
    -------
    Tensor, of the broadcast shape without that dimension

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.cosine_similarity(tg.tensor([[1.0, 0.0]]), tg.tensor([[3.0, 4.0]]))
    tensor([0.6000])
    """
    if eps < 0:
        raise InputError(f"cosine_similarity: eps must not be negative, got {eps}")
    meet = promotion.common((unwrap(x1), unwrap(x2)))
    if meet is not None and meet.kind in "fc":
        x1, x2 = (x if unwrap(x).dtype == meet else x.to(meet) for x in (x1, x2))
    shapes = [unwrap(floating_only(x, "cosine_similarity")).shape for x in (x1, x2)]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        raise InputError(f"cosine_similarity: the shapes must broadcast, got {shapes[0]} and {shapes[1]}") from None
    axis = one_dim(dim, len(shape), "cosine_similarity")
    if all(unwrap(x).dtype == np.float16 for x in (x1, x2)):  # whose lengths end at 65504
        return cosine_similarity(x1.to(np.float32), x2.to(np.float32), dim, eps).to(np.float16)
    units = []
    for x in (x1, x2):
        x = x if unwrap(x).shape == shape else x.expand(shape)
        length = lengths_as_it_lies(x, 2, axis, True, "cosine_similarity")
        # limited in value only: the gradient is that of the length, as in PyTorch
        units.append(x / (length + (clamp(length, min=eps) - length).detach()))
    return total(units[0] * units[1], axis)


def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    r"""Distance of vectors, :math:`|x_1 - x_2 + \epsilon|_p`, along the last dimension.

    Parameters
    ----------
    x1, x2 : Tensor, shape (..., D), of shapes that broadcast, floating or integer
    p : float
        Of the norm.
    eps : float
        Added to each component.
    keepdim : bool
        Keep the last dimension, with size 1.

    Returns
    -------
    Tensor, of the broadcast shape without the last dimension

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.pairwise_distance(tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0]]))
    tensor([5.0000])
    """
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)
