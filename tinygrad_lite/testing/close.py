"""`assert_close`: tensors that agree in shape, dtype and value."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import rules
from ..rules import unwrap

__all__ = ["assert_close"]


def assert_close(
    actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None, msg: str = ""
) -> None:
    """Assert that tensors (or nested sequences of them) agree in shape, dtype and value.

    Parameters
    ----------
    actual, expected : Tensor, array, number or sequence of these
    rtol, atol : float, optional
        Default by dtype as in PyTorch: 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64.
    msg : str
        Put in front of the message.

    Raises
    ------
    AssertionError
        With the largest difference and where it is.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.assert_close(tg.ones(2) / 3, [1 / 3, 1 / 3])
    >>> tg.testing.assert_close(tg.ones(2), tg.ones(3))
    Traceback (most recent call last):
    AssertionError: shapes differ: got (2,), expected (3,)
    """
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            raise AssertionError(f"{msg}lengths differ: got {len(actual)}, expected {len(expected)}")
        for a, e in zip(actual, expected):
            assert_close(a, e, rtol=rtol, atol=atol, msg=msg)
        return
    a, e = np.asarray(unwrap(actual)), np.asarray(unwrap(expected))
    if a.shape != e.shape:
        raise AssertionError(f"{msg}shapes differ: got {a.shape}, expected {e.shape}")
    if isinstance(actual, rules.Tensor) and isinstance(expected, rules.Tensor) and a.dtype != e.dtype:
        raise AssertionError(f"{msg}dtypes differ: got {a.dtype}, expected {e.dtype}")
    single = np.float32 in (a.dtype, e.dtype)
    np.testing.assert_allclose(
        a, e, rtol=(1.3e-6 if single else 1e-7) if rtol is None else rtol,
        atol=(1e-5 if single else 1e-7) if atol is None else atol, err_msg=msg,
    )  # fmt: skip
