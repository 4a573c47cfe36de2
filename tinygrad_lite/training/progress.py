"""`progress`: a line that shows how far a loop is, its numbers, its rate and the time that is left."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from ..engine.errors import InputError

__all__ = ["progress"]


class progress:
    """Walk through items and show how far it is: rate, time left, and the numbers that are set; in notebooks, too.

    Parameters
    ----------
    items : iterable
    title : str
    total : int, optional
        How many items there are, where they do not say so.
    backend : {"tqdm", "rich"}, optional
        The package that draws the line. Default: the first of the two that is installed.
    **options
        For ``tqdm.auto.tqdm`` or ``rich.progress.Progress``, such as ``disable=True``.

    Raises
    ------
    ImportError
        If the package is not installed; both come with the extra ``progress``.

    Examples
    --------
    >>> from tinygrad_lite import training
    >>> line = training.progress(range(3), "training", disable=True)
    >>> for step in line:
    ...     line.set(loss=1 / (step + 1))
    >>> line.shown
    'loss 0.3333'
    """

    def __init__(
        self,
        items: Iterable[Any],
        title: str = "",
        *,
        total: int | None = None,
        backend: str | None = None,
        **options: Any,
    ) -> None:
        if backend not in (None, *_LINES):
            raise InputError(f"progress: backend must be 'tqdm', 'rich' or None, got {backend!r}")
        self._items, self.shown = items, ""
        length = len(items) if total is None and isinstance(items, Sized) else total
        self._line = _line(backend)(title, length, options)

    def __iter__(self) -> Iterator[Any]:
        with self._line as line:
            for item in self._items:
                yield item
                line.advance()

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[arg-type]  # TypeError where they have no length, as everywhere

    def set(self, **numbers: Any) -> None:
        """Show numbers behind the line.

        Parameters
        ----------
        **numbers
            A name and a number, or a Tensor of one; what is no number is shown as text.

        Examples
        --------
        >>> from tinygrad_lite import training
        >>> line = training.progress([], disable=True)
        >>> line.set(loss=tg.tensor(0.25), lr=1e-05, phase="warmup")
        >>> line.shown
        'loss 0.25, lr 1e-05, phase warmup'
        """
        self.shown = ", ".join(f"{name} {_text(value)}" for name, value in numbers.items())
        self._line.show(self.shown)


def _text(value: Any) -> str:
    value = value.item() if hasattr(value, "item") else value
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value)


class _Tqdm:
    """A line of tqdm's."""

    def __init__(self, title: str, total: int | None, options: dict[str, Any]) -> None:
        self._tqdm = importlib.import_module("tqdm.auto").tqdm
        self._options = {"desc": title or None, "total": total, **options}
        self._bar: Any = None

    def __enter__(self) -> _Tqdm:
        self._bar = self._tqdm(**self._options)
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def advance(self) -> None:
        self._bar.update()

    def show(self, text: str) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)


class _Rich:
    """A line of rich's."""

    def __init__(self, title: str, total: int | None, options: dict[str, Any]) -> None:
        rich = importlib.import_module("rich.progress")
        columns = (*rich.Progress.get_default_columns(), rich.TextColumn("{task.fields[numbers]}"))
        self._bars = rich.Progress(*columns, **options)
        self._task = self._bars.add_task(title, total=total, numbers="")

    def __enter__(self) -> _Rich:
        self._bars.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._bars.__exit__(*error)

    def advance(self) -> None:
        self._bars.advance(self._task)

    def show(self, text: str) -> None:
        speed = self._bars.tasks[0].speed
        self._bars.update(self._task, numbers=text if speed is None else f"{speed:.1f}/s, {text}")


_LINES: dict[str, Any] = {"tqdm": _Tqdm, "rich": _Rich}


def _line(backend: str | None) -> Any:
    for name in _LINES if backend is None else (backend,):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        return _LINES[name]
    raise ImportError(
        f"progress: needs {backend or 'tqdm or rich'}: pip install {backend or 'tqdm'}, or tinygrad_lite[progress]"
    )
