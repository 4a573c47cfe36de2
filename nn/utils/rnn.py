"""Batches of sequences of different lengths: padded to one length, or packed without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite import Tensor, full, pad, stack, tensor
from tinygrad_lite.engine.errors import ArgumentError, InputError

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None


def _conversion(name: str) -> Callable[[PackedSequence], PackedSequence]:
    """The method that converts the data as the Tensor's method of the same name does."""

    def method(self: PackedSequence) -> PackedSequence:
        data = getattr(self.data, name)()
        return self if data is self.data else self._replace(data=data)

    method.__name__, method.__qualname__ = name, f"PackedSequence.{name}"
    method.__doc__ = f"Convert the data as `Tensor.{name}` does."
    return method


class PackedSequence(_Packed):
    """Sequences of different lengths without padding: all first steps, all second steps, and so on.

    Made by `pack_padded_sequence` and `pack_sequence`, taken by the recurrent layers.

    Parameters
    ----------
    data : Tensor, shape (N, ...)
        All steps of all sequences; the sequences are sorted by length, longest first.
    batch_sizes : Tensor, shape (T,), int64
        How many rows belong to each step.
    sorted_indices : Tensor, shape (B,), int64, optional
        Which sequence comes at each place; None where they were sorted.
    unsorted_indices : Tensor, shape (B,), int64, optional
        At which place each sequence is; by default from `sorted_indices`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> packed = nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4, 5])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data as `Tensor.to` does; itself where there is nothing to convert."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """In the CPU's memory, where it is; converted as by `to`."""
        return self.to(*args, **kwargs, device="cpu") if args or kwargs else self

    def pin_memory(self) -> PackedSequence:
        """Itself: there is no memory that a GPU would read."""
        return self

    def is_pinned(self) -> bool:
        """False: there is no memory that a GPU would read."""
        return False

    double = _conversion("double")
    float = _conversion("float")
    half = _conversion("half")
    long = _conversion("long")
    int = _conversion("int")
    short = _conversion("short")
    char = _conversion("char")
    byte = _conversion("byte")

    @property
    def is_cuda(self) -> bool:
        """False: everything is in the CPU's memory."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes another one; None for None."""
    return None if permutation is None else tensor(np.argsort(permutation.numpy()))


def _lengths(lengths: Any, who: str) -> np.ndarray[Any, Any]:
    found = np.asarray(lengths.detach() if isinstance(lengths, Tensor) else lengths)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise InputError(f"{who}: lengths must be a vector of integers, got shape {found.shape} and {found.dtype}")
    if not len(found) or found.min() <= 0:
        raise InputError(f"{who}: every length must be greater than 0, got {found.tolist()}")
    return found.astype(np.int64)


def _places(sizes: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """For each packed row its step and its place in the batch."""
    steps = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.cumsum(sizes) - sizes
    return steps, np.arange(len(steps)) - starts[steps]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave the padding of a batch of sequences out.

    Parameters
    ----------
    input : Tensor, shape (T, B, ...), or (B, T, ...) with `batch_first`
    lengths : Tensor or sequence of int, shape (B,)
    batch_first : bool
    enforce_sorted : bool
        Refuse sequences that are not sorted by length, longest first; otherwise they are sorted here.

    Returns
    -------
    PackedSequence

    Raises
    ------
    ValueError
        For lengths that are not positive, longer than the input, not as many as there are sequences, or not sorted.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x = tg.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> packed = nn.utils.rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False)
    >>> packed.data, packed.batch_sizes, packed.sorted_indices
    (tensor([4, 1, 3, 5, 2, 6]), tensor([3, 2, 1]), tensor([2, 0, 1]))
    """
    who = "pack_padded_sequence"
    known = _lengths(lengths, who)
    x = input.transpose(0, 1) if batch_first else input
    if len(known) != x.shape[1] or known.max() > x.shape[0]:
        raise InputError(
            f"{who}: {x.shape[1]} lengths of at most {x.shape[0]} expected for {input.shape}, got {known.tolist()}"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-known, kind="stable")
        known = known[order]
    elif (np.diff(known) > 0).any():
        raise InputError(
            f"{who}: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True, got "
            f"{known.tolist()}. You can pass `enforce_sorted=False`"
        )
    sizes = (known[:, None] > np.arange(known[0])).sum(0)
    steps, places = _places(sizes)
    data = x[tensor(steps), tensor(places if order is None else order[places])]
    return PackedSequence(data, tensor(sizes), None if order is None else tensor(order))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad packed sequences to one length: the inverse of `pack_padded_sequence`.

    Parameters
    ----------
    sequence : PackedSequence
    batch_first : bool
    padding_value : float
    total_length : int, optional
        The length to pad to; by default that of the longest sequence.

    Returns
    -------
    tuple of Tensor
        The sequences, shape (T, B, ...) or (B, T, ...), and their lengths.

    Raises
    ------
    ValueError
        If `total_length` is less than the longest sequence.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> packed = nn.utils.rnn.pack_sequence([tg.tensor([1, 2, 3]), tg.tensor([4, 5])])
    >>> nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 5, 0]]), tensor([3, 2]))
    """
    sizes = sequence.batch_sizes.numpy()
    total = len(sizes) if total_length is None else total_length
    if total < len(sizes):
        raise InputError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, "
            f"{len(sizes)}, got {total}"
        )
    steps, places = _places(sizes)
    lengths = (sizes[None, :] > np.arange(sizes[0])[:, None]).sum(1)
    if sequence.sorted_indices is not None:
        order = sequence.sorted_indices.numpy()
        places = order[places]
        lengths = lengths[np.argsort(order)]
    data = sequence.data
    out = full((total, int(sizes[0]), *data.shape[1:]), padding_value, dtype=data.dtype)
    out = out.index_put((tensor(steps), tensor(places)), data)
    return (out.transpose(0, 1) if batch_first else out), tensor(lengths)


def pad_sequence(
    sequences: Sequence[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Pad sequences to the length of the longest, and stack them.

    Parameters
    ----------
    sequences : sequence of Tensor, shapes (L, ...)
    batch_first : bool
    padding_value : float
    padding_side : {"right", "left"}

    Returns
    -------
    Tensor, shape (T, B, ...), or (B, T, ...) with `batch_first`

    Raises
    ------
    ValueError
        For no sequences, other sides, and sequences of elements of different shapes.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.rnn.pad_sequence([tg.tensor([1, 2, 3]), tg.tensor([4])], batch_first=True, padding_value=9)
    tensor([[1, 2, 3],
            [4, 9, 9]])
    """
    if not isinstance(sequences, Iterable):
        raise ArgumentError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences).__name__}"
        )
    given = list(sequences)
    if padding_side not in ("right", "left"):
        raise InputError(f"pad_sequence: padding_side must be 'right' or 'left', got {padding_side!r}")
    if not given or any(s.ndim < 1 or s.shape[1:] != given[0].shape[1:] for s in given):
        raise InputError(
            f"pad_sequence: sequences must agree in all dimensions but the first, got {[s.shape for s in given]}"
        )
    longest = max(len(s) for s in given)
    padded = []
    for s in given:
        missing = longest - len(s)
        sides = (0, missing) if padding_side == "right" else (missing, 0)
        padded.append(pad(s, (0, 0) * (s.ndim - 1) + sides, value=padding_value) if missing else s)
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """Cut the padding off: the inverse of `pad_sequence`.

    Parameters
    ----------
    padded_sequences : Tensor, shape (T, B, ...), or (B, T, ...) with `batch_first`
    lengths : Tensor or sequence of int, shape (B,)
    batch_first : bool

    Returns
    -------
    list of Tensor, shapes (L, ...)

    Raises
    ------
    ValueError
        For lengths that do not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.rnn.unpad_sequence(tg.tensor([[1, 2], [3, 0]]), [2, 1], batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    known = _lengths(lengths, "unpad_sequence")
    if len(known) != x.shape[0] or known.max() > x.shape[1]:
        raise InputError(
            f"unpad_sequence: lengths must fit sequences of shape {padded_sequences.shape}, got {known.tolist()}"
        )
    return [x[i, :length] for i, length in enumerate(known.tolist())]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of different lengths.

    Parameters
    ----------
    sequences : sequence of Tensor, shapes (L, ...)
    enforce_sorted : bool
        As in `pack_padded_sequence`.

    Returns
    -------
    PackedSequence

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.rnn.pack_sequence([tg.tensor([1, 2]), tg.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the single sequences: the inverse of `pack_sequence`.

    Parameters
    ----------
    packed_sequences : PackedSequence

    Returns
    -------
    list of Tensor, shapes (L, ...)

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([tg.tensor([1, 2]), tg.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
