"""Running averages."""

from __future__ import annotations

from typing import Any

from tinygrad_lite.kernels.kernel import kernel


def approach_plain(a: Any, b: Any, w: Any) -> None:
    """``a = a + w * (b - a)``, for arrays of shape (N,)."""
    a += w * (b - a)


@kernel(approach_plain)
def approach(a: Any, b: Any, w: Any) -> None:
    for i in range(a.size):
        a[i] += w * (b[i] - a[i])
