"""Tensors as text, the way PyTorch prints them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import bool_, complex64, complex128, float64, get_default_dtype, int64

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**_PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is None stays as it is.

    Parameters
    ----------
    precision : int, optional
        Digits after the point, 4 at first.
    threshold : int or inf, optional
        Elements above which a tensor is summarized, 1000 at first.
    edgeitems : int, optional
        Items that a summary shows at each edge, 3 at first.
    linewidth : int, optional
        Characters per line, 80 at first.
    profile : "default", "short" or "full", optional
        All of these at once.
    sci_mode : bool, optional
        Scientific notation always or never. None lets the values decide, again.

    Raises
    ------
    ValueError
        For a number that is not positive (`precision` may be 0), or an unknown profile.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.set_printoptions(precision=2)
    >>> tg.tensor([0.12345])
    tensor([0.12])
    >>> tg.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        _options.update(_PROFILES[profile])
    numbers = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    given = {name: value for name, value in numbers.items() if value is not None}
    for name, value in given.items():
        least = 0 if name == "precision" else 1
        if not value >= least:
            raise ValueError(f"set_printoptions: {name} must be at least {least}, got {value}")
    _options.update(given, sci_mode=sci_mode)


# --- one number -----------------------------------------------------------------------------------------------------

Style = tuple[Callable[[Any], str], int]  # a number's text, padded, and its usual width


def _float_style(shown: Any) -> Style:
    """One format for all that is shown: integers as ``3.``, else fixed digits, else scientific."""
    numbers = shown[np.isfinite(shown) & (shown != 0)].astype(np.float64)
    sizes = np.abs(numbers).tolist()
    digits, scientific = _options["precision"], _options["sci_mode"]
    whole = bool(np.all(numbers == np.ceil(numbers)))
    if not sizes:
        scientific = False
    elif scientific is None:
        high, low = max(sizes), min(sizes)
        scientific = high / low > 1e3 or high > 1e8 or (not whole and low < 1e-4)

    def text(value: float) -> str:
        if scientific:
            return f"{value:.{digits}e}"
        if whole:
            return f"{value:.0f}." if np.isfinite(value) else f"{value:.0f}"
        return f"{value:.{digits}f}"

    width = max((len(text(v)) for v in numbers.tolist()), default=1)
    return lambda value: text(value).rjust(width), width


def _style(array: Any) -> Style:
    shown = array[np.ix_(*map(_window, array.shape))] if array.size > _options["threshold"] else array
    kind = array.dtype.kind
    if kind == "f":
        return _float_style(shown)
    if kind == "c":
        real, real_width = _float_style(shown.real)
        imag, imag_width = _float_style(shown.imag)

        def both(value: complex) -> str:
            second = imag(value.imag).lstrip()
            return f"{real(value.real)}{'' if second[0] in '+-' else '+'}{second}j"

        return both, real_width + imag_width + 1
    width = max((len(str(v)) for v in shown.ravel().tolist()), default=1)
    return lambda value: str(value).rjust(width), width


def _window(n: int) -> Any:
    """The indices that a summary shows of `n`."""
    edge = _options["edgeitems"]
    return np.r_[:edge, n - edge : n] if n > 2 * edge else np.arange(n)


# --- all of them ----------------------------------------------------------------------------------------------------


def text(array: Any, indent: int) -> str:
    """The values in brackets, continuation lines indented."""
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    if array.size == 0:
        return "[]"
    return _nested(array, indent, *_style(array), array.size > _options["threshold"])


def _nested(array: Any, indent: int, one: Callable[[Any], str], width: int, summarize: bool) -> str:
    if array.ndim == 0:
        return one(array.item()).strip() if array.dtype.kind == "c" else one(array.item())
    edge = _options["edgeitems"]
    cut = summarize and len(array) > 2 * edge
    parts: list[str] = []
    for part in (array[:edge], array[-edge:]) if cut else (array,):
        if array.ndim == 1:
            parts += [one(v) for v in part.tolist()]
        else:
            parts += [_nested(row, indent + 1, one, width, summarize) for row in part]
    if cut:
        parts.insert(edge, " ..." if array.ndim == 1 else "...")
    gap = " " * (indent + 1)
    if array.ndim > 1:
        return f"[{(',' + chr(10) * (array.ndim - 1) + gap).join(parts)}]"
    per_line = max(1, (_options["linewidth"] - indent) // (width + 2))
    lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
    return f"[{f',{chr(10)}{gap}'.join(lines)}]"


def represent(tensor: Any, name: str = "tensor(") -> str:
    """``tensor([...], dtype=..., grad_fn=...)``."""
    array, default = tensor._data, get_default_dtype()
    notes = []
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={array.shape}")
    usual = (default,) if array.size == 0 else (default, complex128 if default == float64 else complex64, int64, bool_)
    if array.dtype not in usual:
        notes.append(f"dtype={array.dtype.name}")
    node = tensor.grad_fn
    if node is not None:
        notes.append(f"grad_fn={node!r}")
    elif tensor.requires_grad:
        notes.append("requires_grad=True")
    out = name + text(array, len(name))
    last_line = len(out) - out.rfind("\n") + 1
    for note in notes:
        if last_line + len(note) + 2 > _options["linewidth"]:
            out, last_line = f"{out},\n{' ' * len(name)}{note}", len(name) + len(note)
        else:
            out, last_line = f"{out}, {note}", last_line + len(note) + 2
    return f"{out})"


def size_text(number: int) -> str:
    """Bytes in the unit that fits."""
    size = float(number)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} B" if unit == "B" else f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} GB"
