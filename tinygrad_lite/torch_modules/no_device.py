"""What the modules of devices that are not here share: they say so in one sentence."""

from __future__ import annotations

from typing import Any, NoReturn


def refuse(who: str, needs: str) -> NoReturn:
    """An error that says what a call would need."""
    raise RuntimeError(f"{who}: needs {needs}, and tinygrad_lite computes on the CPU only")


class Idle:
    """A ``with`` block that does nothing: of streams and devices that are not here.

    Parameters
    ----------
    *args, **options
        Accepted and ignored.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> with tg.cuda.device(0):
    ...     pass
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        pass
