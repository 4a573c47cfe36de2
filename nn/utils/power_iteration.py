"""The largest singular value, by power iteration."""

from __future__ import annotations

from tinygrad_lite import Tensor, sqrt


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """A weight as a matrix whose rows are the slices along `dim`."""
    return weight.movedim(dim, 0).reshape(weight.shape[dim], -1)


def normalized(x: Tensor, eps: float) -> Tensor:
    """A vector divided by its norm, which is taken as at least `eps`."""
    return x / sqrt((x * x).sum()).clamp(min=eps)


def power_method(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> tuple[Tensor, Tensor]:
    """Turn u and v towards the left and right singular vectors of the largest singular value."""
    for _ in range(steps):
        u = normalized(matrix @ v, eps)
        v = normalized(matrix.T @ u, eps)
    return u, v
