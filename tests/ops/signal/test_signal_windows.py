"""`tg.signal.windows`: symmetric and periodic windows, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.signal import windows

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "bartlett": [{}], "blackman": [{}], "cosine": [{}], "hamming": [{}], "hann": [{}], "nuttall": [{}],
    "exponential": [{}, {"tau": 2.5}], "gaussian": [{}, {"std": 0.7}], "kaiser": [{}, {"beta": 0.0}, {"beta": 5.0}],
    "general_cosine": [{"a": [0.4, 0.3, 0.2, 0.1]}, {"a": [1.0]}], "general_hamming": [{}, {"alpha": 0.7}],
}  # fmt: skip


def test_all_are_tested() -> None:
    assert sorted(OPTIONS) == windows.__all__


@pytest.mark.parametrize("name", OPTIONS)
def test_as_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    for options in OPTIONS[name]:
        for M in (0, 1, 2, 5, 8):
            for sym in (True, False):
                ours = getattr(windows, name)(M, sym=sym, dtype=tg.float64, **options).numpy()
                theirs = getattr(torch.signal.windows, name)(M, sym=sym, dtype=torch.float64, **options).numpy()
                np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14, strict=True)


@pytest.mark.parametrize("name", OPTIONS)
def test_known_of_all(name: str) -> None:
    make, options = getattr(windows, name), OPTIONS[name][0]
    odd = make(7, **options)
    assert odd.dtype == tg.float32
    np.testing.assert_array_equal(odd.numpy(), odd.flip(0).numpy())
    if name != "cosine":  # periodic: one entry more, the last left out
        np.testing.assert_array_equal(make(6, sym=False, **options).numpy(), odd[:6].numpy())
    assert make(3, requires_grad=True, **options).requires_grad
    assert make(0, **options).shape == (0,)
    np.testing.assert_array_equal(make(1, **options).numpy(), [1.0])
    with pytest.raises(
        ValueError, match=r"general_cosine|" + name + r": M must be an integer and not negative, got -1"
    ):
        make(-1, **options)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: windows.kaiser(3, beta=-1), "kaiser: beta must not be negative, got -1"),
    (lambda: windows.gaussian(3, std=0.0), "gaussian: std must be positive, got 0.0"),
    (lambda: windows.exponential(3, tau=0), "exponential: tau must be positive, got 0"),
    (lambda: windows.exponential(3, center=1.0), "exponential: center must be None where the window is symmetric"),
    (lambda: windows.general_cosine(3, a=[]), "general_cosine: a must hold at least one number"),
    (lambda: windows.hann(3, dtype=tg.int64), "dtype must be float32 or float64, got int64"),
])  # fmt: skip
def test_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
