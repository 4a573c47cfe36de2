"""`seed_everything`: one seed for all global generators, the library's, NumPy's and Python's; and their states."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..ops.random.generator import default_generator, manual_seed

__all__ = ["seed_everything"]


class Generators:
    """The global generators, as a part that can be saved."""

    def state_dict(self) -> dict[str, Any]:
        """The states of all three."""
        numpy = np.random.get_state(legacy=False)  # noqa: NPY002  # it is the global one's that is wanted
        return {"tinygrad_lite": default_generator.state_dict(), "numpy": numpy, "python": random.getstate()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from there."""
        default_generator.load_state_dict(state_dict["tinygrad_lite"])
        np.random.set_state(state_dict["numpy"])  # noqa: NPY002
        random.setstate(state_dict["python"])


def seed_everything(seed: int) -> int:
    """Seed the global generators of the library, of NumPy and of Python.

    Workers of a `DataLoader` follow the library's. Generators that a program has made are seeded by whoever made them.

    Parameters
    ----------
    seed : int
        In [0, 2**32), as NumPy's needs it.

    Returns
    -------
    int
        The seed.

    Raises
    ------
    InputError
        If it is out of range.

    Examples
    --------
    >>> import random
    >>> from tinygrad_lite import training
    >>> def draw():
    ...     return tg.rand(()).item(), np.random.rand(), random.random()
    >>> _ = training.seed_everything(3)
    >>> first = draw()
    >>> _ = training.seed_everything(3)
    >>> draw() == first
    True
    """
    if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool) or not 0 <= seed < 2**32:
        raise InputError(f"seed_everything: seed must be an integer in [0, 2**32), got {seed!r}")
    manual_seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002  # it is the global one that is wanted
    random.seed(int(seed))
    return int(seed)
