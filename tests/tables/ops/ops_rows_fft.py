"""Rows of Fourier transforms. Complex numbers go in and come out as pairs of real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, normal


def pairs(z: Any) -> Any:
    """In NumPy's words, for arrays and Tensors; real numbers stay."""
    return np.stack([np.real(z), np.imag(z)], -1) if z.dtype.kind == "c" else z


def call(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    def run(m: Any, *parts: Any) -> Any:
        out = getattr(m.fft, name)(parts[0] if len(parts) == 1 else m.complex(*parts), **options)
        return m.view_as_real(m.resolve_conj(out)) if m.is_complex(out) else out

    return run


def numpys(name: str, options: dict[str, Any]) -> Callable[..., Any]:
    several = name.endswith(("2", "n", "shift"))
    spelled = {("axes" if several else "axis") if k == "dim" else k: v for k, v in options.items()}
    return lambda *parts: pairs(
        getattr(np.fft, name)(parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1], **spelled)
    )


def row(name: str, shape: tuple[int, ...], complex: bool, **options: Any) -> Row:
    inputs: tuple[Given, ...] = (normal(*shape),) * (2 if complex else 1)
    spelled = numpys(name, options) if hasattr(np.fft, name) and -1 not in (options.get("s") or ()) else None
    return Row(f"fft.{name}", call(name, options), inputs, spelled)


def _rows() -> list[Row]:
    rows = []
    for name, complex in [("fft", True), ("fft", False), ("ifft", True), ("ifft", False), ("rfft", False),
                          ("irfft", True), ("hfft", True), ("ihfft", False)]:  # fmt: skip
        for options in ({}, {"n": 3}, {"n": 6, "norm": "ortho"}, {"n": 7, "dim": 0, "norm": "forward"}, {"dim": 0}):
            rows.append(row(name, (2, 5) if "dim" not in options else (4, 2), complex, **options))
    for name, complex in [("fftn", True), ("fftn", False), ("ifftn", True), ("rfftn", False), ("irfftn", True),
                          ("hfftn", True), ("ihfftn", False)]:  # fmt: skip
        for options in ({}, {"s": (2, 4)}, {"s": (5, -1), "dim": (2, 0), "norm": "ortho"}, {"dim": (0, 1)}):
            if options.get("s") == (2, 4) and hasattr(np.fft, name):
                options = {**options, "dim": (-2, -1)}
            rows.append(row(name, (2, 3, 3), complex, **options))
    for name, complex in [("fft2", True), ("ifft2", False), ("rfft2", False), ("irfft2", True), ("hfft2", True),
                          ("ihfft2", False)]:  # fmt: skip
        for options in ({}, {"s": (4, 4), "norm": "forward"}, {"dim": (0, 1)}):
            rows.append(row(name, (2, 3, 3), complex, **options))
    for name in ("fftshift", "ifftshift"):
        rows += [row(name, (3, 4), False), row(name, (3, 4), True, dim=1), row(name, (3, 5), False, dim=(0, 1))]
    return rows


ROWS: list[Row] = _rows()
