"""`scatter`, `gather`, `replicate`, `parallel_apply`: a batch in parts, one after the other on the CPU."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_lite import Tensor, cat, chunk
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.tensors.devices import only_cpu

from ..module import Module

__all__ = ["gather", "parallel_apply", "replicate", "scatter", "scatter_kwargs"]


def _cpus(devices: Any, who: str) -> int:
    """How many parts there are: one for each device, all of which are the CPU."""
    listed = devices if isinstance(devices, (list, tuple)) else [devices]
    for device in listed:
        only_cpu(device, who)
    return len(listed)


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> Any:
    """Cut the tensors of nested sequences and mappings into parts, one for each device.

    Parameters
    ----------
    inputs : Tensor, or a nested sequence or mapping of them
        Anything else is in each part as it is.
    target_gpus : sequence of device
        The CPU, as often as parts are wanted.
    dim : int

    Returns
    -------
    tuple, or list, of what `inputs` is, one for each part that is not empty

    Raises
    ------
    ValueError
        For a device that is not here.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.parallel import scatter
    >>> scatter({"x": tg.arange(4), "k": 7}, ["cpu", "cpu"])
    [{'x': tensor([0, 1]), 'k': 7}, {'x': tensor([2, 3]), 'k': 7}]
    """
    count = _cpus(target_gpus, "scatter")

    def parts(value: Any) -> Any:
        if isinstance(value, Tensor):
            return chunk(value, count, dim)
        if isinstance(value, tuple) and hasattr(value, "_fields") and value:
            return [type(value)(*part) for part in zip(*map(parts, value))]
        if isinstance(value, (list, tuple)) and value:
            return [type(value)(part) for part in zip(*map(parts, value))]
        if isinstance(value, Mapping) and value:
            return [type(value)(part) for part in zip(*map(parts, value.items()))]  # type: ignore[call-arg]
        return [value] * count

    return parts(inputs)


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Sequence[Any], dim: int = 0) -> tuple[Any, Any]:
    """`scatter` of arguments by position and by keyword, as many of these as of those."""
    args, named = [list(scatter(each, target_gpus, dim)) if each else [] for each in (inputs, kwargs)]
    count = max(len(args), len(named))
    return tuple(args + [()] * (count - len(args))), tuple(named + [{}] * (count - len(named)))


def gather(outputs: Any, target_device: Any, dim: int = 0) -> Any:
    """Join the tensors of parts again, in nested sequences and mappings of one form.

    Parameters
    ----------
    outputs : sequence
        One for each part.
    target_device : device
        The CPU.
    dim : int
        Where they are joined; tensors of no dimension become a vector.

    Returns
    -------
    What each of the `outputs` is

    Raises
    ------
    ValueError
        For mappings with different keys, and a device that is not here.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.parallel import gather
    >>> gather([tg.ones(1), tg.zeros(2)], "cpu")
    tensor([1., 0., 0.])
    """
    _cpus(target_device, "gather")
    first = outputs[0]
    if isinstance(first, Tensor):
        return cat([part.reshape(1) if not part.ndim else part for part in outputs], dim)
    if first is None:
        return None
    if isinstance(first, Mapping):
        if any(part.keys() != first.keys() for part in outputs):
            raise InputError(f"gather: all parts must have the keys {sorted(first)}")
        joined = [(key, gather([part[key] for part in outputs], target_device, dim)) for key in first]
        return type(first)(joined)  # type: ignore[call-arg]
    joined = [gather(parts, target_device, dim) for parts in zip(*outputs)]
    return type(first)(*joined) if hasattr(first, "_fields") else type(first)(joined)


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """Copies of a module that share its parameters, one for each device.

    Parameters
    ----------
    network : Module
    devices : sequence of device
        The CPU, as often as copies are wanted.
    detach : bool
        Whether the copies' parameters are detached.

    Returns
    -------
    list of Module

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> first, second = nn.parallel.replicate(nn.Linear(2, 1), ["cpu", "cpu"])
    >>> first is second, first.weight is second.weight
    (False, True)
    """

    def shared(keep: Any) -> dict[int, Any]:
        tensors = [*network.parameters(), *network.buffers()]
        return {id(tensor): keep(tensor) for tensor in tensors}

    return [
        copy.deepcopy(network, shared((lambda t: t.detach()) if detach else (lambda t: t)))
        for _ in range(_cpus(devices, "replicate"))
    ]


def parallel_apply(
    modules: Sequence[Module], inputs: Sequence[Any], kwargs_tup: Any = None, devices: Any = None
) -> Any:
    """Call each module with its own inputs, one after the other.

    Parameters
    ----------
    modules : sequence of Module
    inputs : sequence
        For each a tuple of arguments, or one argument.
    kwargs_tup : sequence of dict, optional
    devices : sequence of device, optional
        The CPU for each.

    Returns
    -------
    list

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.parallel.parallel_apply([nn.Identity(), nn.ReLU()], [(tg.ones(1),), (-tg.ones(1),)])
    [tensor([1.]), tensor([0.])]
    """
    if devices is not None:
        _cpus(devices, "parallel_apply")
    if len(modules) != len(inputs):
        raise InputError(
            f"parallel_apply: there must be an input for each of {len(modules)} modules, got {len(inputs)}"
        )
    options = kwargs_tup or [{}] * len(modules)
    return [
        module(*(given if isinstance(given, (list, tuple)) else (given,)), **named)
        for module, given, named in zip(modules, inputs, options)
    ]
