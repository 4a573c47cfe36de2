"""`default_collate`: from a list of samples to a batch."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from ... import Tensor, as_tensor, float64, from_dlpack, stack, tensor

NUMBERS = "biufc"  # the kinds of dtypes that Tensors have


def foreign(data: Any) -> bool:
    """Whether data are another library's array: what has ``__dlpack__`` or ``__array__`` and is no container."""
    known = isinstance(data, (Tensor, np.ndarray, np.generic, Mapping, Sequence))
    return not known and (hasattr(data, "__dlpack__") or hasattr(data, "__array__")) and not isinstance(data, type)


def converted(data: Any) -> Any:
    """Another library's array as a Tensor that shares its memory where it can, or as an array that holds no numbers."""
    if hasattr(data, "__dlpack__") and not getattr(data, "requires_grad", False):
        with contextlib.suppress(BufferError, RuntimeError, TypeError):  # then by way of NumPy
            return from_dlpack(data)
    array = np.asarray(data.detach() if hasattr(data, "detach") else data)
    return as_tensor(array) if array.dtype.kind in NUMBERS else array


def default_convert(data: Any) -> Any:
    """Make Tensors of the arrays in a sample, however it is nested; the rest stays as it is.

    Parameters
    ----------
    data : object

    Returns
    -------
    object
        Tensors share memory with the arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.utils.data import default_convert
    >>> default_convert({"x": np.ones(2), "name": "a"})
    {'x': tensor([1., 1.], dtype=float64), 'name': 'a'}
    """
    if isinstance(data, (np.ndarray, np.generic)):
        return as_tensor(data) if data.dtype.kind in NUMBERS else data
    if foreign(data):
        return converted(data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        found = [default_convert(value) for value in data]
        return type(data)(*found) if hasattr(data, "_fields") else found
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(value) for value in data])
    return data


def default_collate(batch: Any) -> Any:
    """Put samples together: their Tensors, arrays or numbers in a new first dimension.

    Parameters
    ----------
    batch : sequence of samples
        Samples are Tensors, arrays, numbers, strings, or mappings, named tuples and sequences of them, all alike.

    Returns
    -------
    object
        What a sample is, with batches in place of its leaves: Tensors, lists of strings. Tuples become lists; a
        Python float becomes float64, as in PyTorch.

    Raises
    ------
    TypeError
        For leaves of another kind.
    ValueError
        If there are no samples, or they differ in shape or in length.

    Examples
    --------
    >>> from tinygrad_lite.utils.data import default_collate
    >>> default_collate([(1, {"a": 2.0}), (3, {"a": 4.0})])
    [tensor([1, 3]), {'a': tensor([2., 4.], dtype=float64)}]
    """
    batch = batch if isinstance(batch, (list, tuple)) else list(batch)
    if not batch:
        raise ValueError("default_collate: there must be samples, got none")
    first = batch[0]
    if foreign(first):
        return default_collate([converted(sample) for sample in batch])
    if isinstance(first, Tensor) or (isinstance(first, (np.ndarray, np.generic)) and first.dtype.kind in NUMBERS):
        try:
            return stack(list(batch)) if isinstance(first, Tensor) else as_tensor(np.stack(batch))
        except ValueError:
            _alike("shapes", [tuple(np.shape(sample)) for sample in batch])
            raise
    if isinstance(first, float):
        return tensor(batch, dtype=float64)
    if isinstance(first, (int, complex)):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        _alike("keys", [sorted(map(repr, sample)) for sample in batch])
        return _like(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        _alike("lengths", [len(sample) for sample in batch])
        found = [default_collate(values) for values in zip(*batch)]
        if isinstance(first, tuple):
            return type(first)(*found) if hasattr(first, "_fields") else found
        return _like(first, found)
    raise TypeError(
        "default_collate: samples must be made of Tensors, arrays, numbers, strings, mappings and sequences, "
        f"got {type(first).__name__}; give a collate_fn"
    )


def _alike(what: str, found: list[Any]) -> None:
    other = next((each for each in found if each != found[0]), None)
    if other is not None:
        raise ValueError(f"default_collate: samples must have equal {what}, got {found[0]} and {other}")


def _like(original: Any, found: Any) -> Any:
    """The same kind of container, if such a one can be made."""
    if type(original) is type(found):
        return found
    kind: Callable[..., Any] = type(original)
    try:
        if isinstance(original, MutableMapping):  # what it has besides, as a default, comes along
            twin = copy.copy(original)
            for key, value in found.items():  # update() adds in a Counter
                twin[key] = value
            return twin
        return kind(found)
    except TypeError:
        return found
