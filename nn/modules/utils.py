"""`_ntuple`, `_pair` and kin: one number for all dimensions, and prefixes of state dicts, as in PyTorch's module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple[Any, ...]]:
    """A function that repeats a number `n` times, and makes a tuple of several as they are."""

    def parse(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


_single, _pair, _triple, _quadruple = _ntuple(1, "_single"), _ntuple(2, "_pair"), _ntuple(3, "_triple"), _ntuple(4)


def _reverse_repeat_tuple(t: Iterable[Any], n: int) -> tuple[Any, ...]:
    """Each entry `n` times, the last one first: paddings of convolutions as `pad` takes them."""
    return tuple(x for x in reversed(tuple(t)) for _ in range(n))


def _list_with_default(out_size: Iterable[Any], defaults: list[int]) -> Any:
    """Sizes, of which those that are None are the last ones of `defaults`."""
    if isinstance(out_size, int):
        return out_size
    sizes = list(out_size)
    if len(defaults) <= len(sizes):
        raise ValueError(f"_list_with_default: the input must have more than {len(sizes)} dimensions, got {defaults}")
    return [d if v is None else v for v, d in zip(sizes, defaults[-len(sizes) :])]


def consume_prefix_in_state_dict_if_present(state_dict: MutableMapping[str, Any], prefix: str) -> None:
    """Take a prefix off the names of a state dict, in place: the "module." of `DataParallel`.

    Parameters
    ----------
    state_dict : dict
    prefix : str

    Examples
    --------
    >>> from tinygrad_lite.nn.modules.utils import consume_prefix_in_state_dict_if_present
    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module.")
    >>> sorted(state)
    ['bias', 'weight']
    """
    for holder in (state_dict, getattr(state_dict, "_metadata", {})):
        for key in [each for each in holder if each.startswith(prefix)]:
            holder[key.removeprefix(prefix)] = holder.pop(key)
