"""`SobolEngine`: points that fill a cube more evenly than random ones, by SciPy's direction numbers."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from ...dtypes import as_dtype, get_default_dtype
from ...engine.errors import InputError
from ...rules import wrap
from ...tensors.tensor_type import Tensor
from .generator import Generator, default_generator

__all__ = ["SobolEngine"]


class SobolEngine:
    """Sobol's sequence in the unit cube. It needs SciPy, which has the table of its direction numbers.

    Parameters
    ----------
    dimension : int
        At most 21201.
    scramble : bool
        Shift and mix the points at random; not by PyTorch's random numbers.
    seed : int, optional
        Of the scrambling. Default: drawn from the global generator.

    Raises
    ------
    ValueError
        For a dimension out of range.
    ImportError
        Where SciPy is not installed.

    References
    ----------
    S. Joe, F. Y. Kuo, "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30,
    2008.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.quasirandom.SobolEngine(2).draw(3)  # doctest: +SKIP
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500]])
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise InputError(f"SobolEngine: dimension must be in [1, {self.MAXDIM}], got {dimension}")
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        if scramble and seed is None:
            generator: Generator = default_generator
            self._drawn = int(generator.numpy.integers(2**31))
        else:
            self._drawn = seed or 0
        self.num_generated = 0
        self.reset()

    def reset(self) -> SobolEngine:
        """Begin anew, with the same scrambling."""
        try:
            qmc = importlib.import_module("scipy.stats.qmc")
        except ImportError:
            raise ImportError(
                "SobolEngine: needs SciPy, which has the direction numbers of 21201 dimensions; `pip install scipy`"
            ) from None
        rng = np.random.default_rng(self._drawn)
        self._points = qmc.Sobol(self.dimension, scramble=self.scramble, bits=self.MAXBIT, rng=rng)
        self.num_generated = 0
        return self

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next points.

        Parameters
        ----------
        n : int
        out : Tensor, optional
            Where they are written.
        dtype : floating dtype, optional

        Returns
        -------
        Tensor, shape (n, dimension)
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # SciPy wants powers of two
            found = self._points.random(n)
        self.num_generated += n
        points = wrap(found.astype(as_dtype(get_default_dtype() if dtype is None else dtype)))
        return points if out is None else out.resize_(points.shape).copy_(points)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next ``2**m`` points; together with those before them they must be a power of two in number."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise InputError(f"draw_base2: the points drawn must be a power of 2 in number, got {total} with these")
        return self.draw(n, out, dtype)

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out the next points."""
        self._points.fast_forward(n)
        self.num_generated += n
        return self

    def __repr__(self) -> str:
        scrambled = f", scramble=True, seed={self.seed}" if self.scramble else ""
        return f"SobolEngine(dimension={self.dimension}{scrambled})"
