"""All parameters of a model as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from tinygrad_lite import Tensor, cat
from tinygrad_lite.engine.errors import InputError


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Flatten parameters into one vector, differentiably.

    Parameters
    ----------
    parameters : iterable of Tensor

    Returns
    -------
    Tensor, shape (total number of elements,)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.parameters_to_vector(nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Put consecutive slices of a vector in the place of the parameters' values, sharing its memory.

    Parameters
    ----------
    vec : Tensor, shape (total number of elements,)
    parameters : iterable of Tensor
        They keep their dtype: a vector of another dtype is converted.

    Raises
    ------
    TypeError
        If `vec` is no Tensor.
    ValueError
        If `vec` is no vector with exactly as many elements as the parameters have together (PyTorch ignores
        what is left over).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> w = nn.Parameter(tg.zeros(2))
    >>> nn.utils.vector_to_parameters(tg.tensor([1.0, 2.0]), [w])
    >>> w
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a Tensor, got {type(vec).__name__}")
    targets = list(parameters)
    total = sum(parameter.numel() for parameter in targets)
    if vec.shape != (total,):
        raise InputError(f"vector_to_parameters: vec must have the shape {(total,)}, got {vec.shape}")
    start = 0
    for parameter in targets:
        end = start + parameter.numel()
        parameter.data = vec.detach()[start:end].reshape(parameter.shape).to(parameter.dtype)
        start = end
