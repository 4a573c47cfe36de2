"""Streams of random numbers, and the global one."""

from __future__ import annotations

import operator
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...engine.errors import InputError
from ...kernels.native.forks import wait_before
from ...rules import unwrap, wrap
from ...tensors.devices import CPU, only_cpu
from ...tensors.devices import device as Device
from ...tensors.tensor_type import Tensor

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state",
]  # fmt: skip


_BYTES = 8, 16, 16, 1, 4  # of the seed, and of the numbers that a stream's state is made of


_generators: weakref.WeakValueDictionary[int, Generator] = weakref.WeakValueDictionary()


def _locks() -> list[Any]:
    """What NumPy's streams are locked with while somebody draws from them."""
    alive = [reference() for reference in _generators.valuerefs()]
    return [each.numpy.bit_generator.lock for each in alive if each is not None]


wait_before(_locks)


class Generator:
    """A stream of random numbers with its own state.

    Attributes
    ----------
    numpy : np.random.Generator
        The stream itself (PCG64).

    Parameters
    ----------
    device : "cpu", optional

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> g = tg.Generator().manual_seed(0)
    >>> a = tg.rand(3, generator=g)
    >>> bool((a == tg.rand(3, generator=g.manual_seed(0))).all())
    True
    """

    def __init__(self, device: Any = None) -> None:
        only_cpu(device, "Generator")
        self.seed()

    @property
    def device(self) -> Device:
        """The CPU's."""
        return CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream anew from `seed`, of 64 bits; a negative one counts from 2**64."""
        if not hasattr(type(seed), "__index__"):
            raise TypeError(f"manual_seed: seed must be an integer, got {type(seed).__name__}")
        seed = operator.index(seed)
        if not -(2**63) <= seed < 2**64:
            raise InputError(f"manual_seed: seed must be in [-2**63, 2**64), got {seed}")
        self._seed = seed % 2**64
        self.numpy = np.random.Generator(np.random.PCG64(self._seed))
        _generators[id(self)] = self
        return self

    def initial_seed(self) -> int:
        """The seed the stream started from."""
        return self._seed

    def seed(self) -> int:
        """Start anew from fresh entropy, and return the seed."""
        return self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))._seed

    def get_state(self) -> Tensor:
        """The state as a tensor of bytes, for `set_state`."""
        state = self.numpy.bit_generator.state
        numbers = self._seed, *state["state"].values(), state["has_uint32"], state["uinteger"]
        packed = b"".join(number.to_bytes(size, "little") for number, size in zip(numbers, _BYTES))
        return wrap(np.frombuffer(packed, np.uint8).copy())

    def set_state(self, new_state: Any) -> None:
        """Continue from a state of `get_state`, or of `state_dict`."""
        if isinstance(new_state, dict):
            self.load_state_dict(new_state)
            return
        packed, size = np.asarray(unwrap(new_state)), sum(_BYTES)
        if packed.dtype != np.uint8:
            raise TypeError(f"set_state: expected what get_state returns, got {type(new_state).__name__}")
        if packed.shape != (size,):
            raise InputError(f"set_state: expected the {size} bytes that get_state returns, got shape {packed.shape}")
        text, ends = packed.tobytes(), np.cumsum(_BYTES)
        seed, *numbers = [int.from_bytes(text[end - size : end], "little") for end, size in zip(ends, _BYTES)]
        state = dict(zip(("state", "inc"), numbers))
        rest = {"state": state, "has_uint32": numbers[2], "uinteger": numbers[3]}
        self.load_state_dict({"seed": seed, "bit_generator": "PCG64", **rest})

    def state_dict(self) -> dict[str, Any]:
        """The seed and the state of NumPy's stream."""
        return {"seed": self._seed, **self.numpy.bit_generator.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from a state of `state_dict`."""
        if not isinstance(state_dict, dict) or "bit_generator" not in state_dict:
            raise TypeError(f"set_state: expected what get_state returns, got {type(state_dict).__name__}")
        rest = dict(state_dict)
        seed = rest.pop("seed", self._seed)
        self.numpy.bit_generator.state = rest
        self._seed = seed

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        twin = Generator()
        twin.load_state_dict(self.state_dict())
        return twin


class _Default(Generator):
    """The global stream, seeded when it is first used: importing the library draws no entropy."""

    def __init__(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name in ("numpy", "_seed"):
            Generator.__init__(self)
            return self.__dict__[name]
        raise AttributeError(name)


default_generator: Generator = _Default()


def manual_seed(seed: int) -> Generator:
    """Seed the global generator; everything random follows from it.

    Parameters
    ----------
    seed : int

    Returns
    -------
    Generator

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> _ = tg.manual_seed(0)
    >>> a = tg.rand(3)
    >>> _ = tg.manual_seed(0)
    >>> bool((a == tg.rand(3)).all())
    True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the global generator from fresh entropy.

    Returns
    -------
    int
        The seed.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.seed() == tg.initial_seed()
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the global generator.

    Returns
    -------
    int

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> _ = tg.manual_seed(7)
    >>> tg.initial_seed()
    7
    """
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the global generator.

    Returns
    -------
    Tensor of uint8
        For `set_rng_state`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> state = tg.get_rng_state()
    >>> a = tg.rand(3)
    >>> tg.set_rng_state(state)
    >>> bool((a == tg.rand(3)).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Continue the global generator from a state of `get_rng_state`.

    Parameters
    ----------
    new_state : Tensor or dict
        Of uint8; or of `Generator.state_dict`, as older files have it.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_rng_state(tg.get_rng_state())
    """
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """A ``with`` block after which the global generator goes on as if nothing had been drawn in it.

    Parameters
    ----------
    devices : optional
        Accepted and ignored: those of GPUs.
    enabled : bool
        False: the block does nothing.
    device_type : str
        Accepted and ignored.

    Yields
    ------
    None

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.fork_rng():
    ...     a = tg.rand(3)
    >>> bool((a == tg.rand(3)).all())
    True
    """
    state = default_generator.state_dict()
    try:
        yield
    finally:
        if enabled:
            default_generator.load_state_dict(state)


class _Override(threading.local):
    """What this thread draws from in place of the global stream: of a seed, made when it is first asked for."""

    seed: tuple[int, ...] | None = None
    made: np.random.Generator | None = None


_override = _Override()


@contextmanager
def drawing_from(seed: tuple[int, ...]) -> Iterator[None]:
    """A ``with`` block in which this thread's draws from the global stream are draws from one of that seed's own."""
    before = _override.seed, _override.made
    _override.seed, _override.made = seed, None
    try:
        yield
    finally:
        _override.seed, _override.made = before


def stream(generator: Any) -> np.random.Generator:
    """The NumPy generator behind `generator`, or behind the global one."""
    if generator is None and _override.seed is not None:
        if _override.made is None:
            _override.made = np.random.Generator(np.random.PCG64(_override.seed))
        return _override.made
    found: np.random.Generator = (default_generator if generator is None else generator).numpy
    return found
