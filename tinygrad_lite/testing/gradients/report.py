"""`Finding`, `Report` and `GradcheckError`: what a gradient check has to say, as data, as a table, and as an error."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

__all__ = ["Finding", "GradcheckError", "Report"]

RIGHT = "right"
WRONG = "wrong"
KINK = "kink"
JUMP = "jump"
VACUOUS = "vacuous"
LOST = "step lost in rounding"
NOT_DETERMINISTIC = "not deterministic"
NOT_FINITE = "not finite forward"
NAN_BACKWARD = "NaN only in the backward"
INFINITE = "infinite gradient"

_HEAD = ("mode", "name", "verdict", "entry", "output", "expected", "got", "ulps", "digits", "note")


@dataclass(frozen=True)
class Finding:
    """What a check found out about one input or parameter.

    Parameters
    ----------
    name : str
        ``"input 0"``, or a parameter's name.
    verdict : str
        "right", "wrong", "kink", "jump", "vacuous", "step lost in rounding", "not deterministic", "not finite forward",
        "NaN only in the backward" or "infinite gradient".
    index : tuple of int or None
        The worst entry.
    output, output_index : int, tuple of int or None
        The result that the worst entry was compared for.
    expected, got : float or None
        The derivative as measured and as computed.
    ulps : float or None
        How far they are apart, in units of the last place of `expected`.
    precision : float or None
        How large the relative error of the whole gradient can be at most, by the remainders that were seen;
        infinite where they say nothing.
    entries, of : int
        How many entries of the input are concerned, of how many.
    line : str
        ``file:line`` where a NaN came from.
    note : str
        A sentence more.
    mode : str
        "train" or "eval" for modules.
    passed : bool
        Whether the verdict is accepted.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.Finding("input 0", "wrong", (1,), expected=3.0, got=2.0, entries=1, of=4)
    Finding(name='input 0', verdict='wrong', index=(1,), ...
    >>> print(tg.testing.Finding("input 0", "wrong", (1,), expected=3.0, got=2.0, entries=1, of=4))
    input 0 at index (1,): expected 3 (numerical), got 2 (analytical); 1 of 4 entries differ
    """

    name: str
    verdict: str
    index: tuple[int, ...] | None = None
    output: int | None = None
    output_index: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None
    ulps: float | None = None
    precision: float | None = None
    entries: int = 0
    of: int = 0
    line: str = ""
    note: str = ""
    mode: str = ""
    passed: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is said of the function, not of the input."""
        return self.verdict == NOT_FINITE or (self.verdict == NOT_DETERMINISTIC and "calls" in self.note)

    def __str__(self) -> str:
        if self.whole:
            return f"{self.verdict}{f' at {self.line}' if self.line else ''}{self._note()}"
        text = self.name
        if self.index is not None:
            text += f" at index {self.index}"
        if self.output is not None:
            text += f", output {self.output} at index {self.output_index}"
        if self.expected is not None and self.verdict != KINK:
            what = f"expected {self.expected:.8g} (numerical), got {self.got:.8g} (analytical)"
            if self.ulps is not None:
                what += f", {self.ulps:.3g} ulps apart"
            if self.index is None:
                return f"{text} along a random direction: {what}{self._note()}"
            return f"{text}: {what}; {self.entries} of {self.of} entries differ{self._note()}"
        return f"{text}: {self.verdict}{f' at {self.line}' if self.line else ''}{self._note()}"

    def _note(self) -> str:
        return f": {self.note}" if self.note else ""

    def row(self) -> tuple[str, ...]:
        """The cells of the table."""

        def number(value: float | None, form: str = ".8g") -> str:
            return "" if value is None else format(value, form)

        digits = f"{self.precision:.0e}" if self.precision and math.isfinite(self.precision) else ""
        place = "" if self.output is None else f"{self.output} {self.output_index}"
        note = " ".join(filter(None, (self.line, self.note)))
        entry = "" if self.index is None else str(self.index)
        numbers = (number(self.expected), number(self.got), number(self.ulps, ".3g"), digits)
        return (self.mode, self.name, self.verdict, entry, place, *numbers, note)


class Report:
    """The findings of a check, one for each input and parameter; true if all of them passed.

    Parameters
    ----------
    findings : iterable of Finding

    Attributes
    ----------
    findings : tuple of Finding

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)
    >>> report = tg.gradcheck(lambda x: x.exp() * x, x, report=True)
    >>> bool(report), report.findings[0].verdict
    (True, 'right')
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)

    def __bool__(self) -> bool:
        return all(f.passed for f in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that did not pass."""
        return tuple(f for f in self.findings if not f.passed)

    def _table(self) -> list[tuple[str, ...]]:
        rows = [_HEAD, *(f.row() for f in self.findings)]
        used = [i for i in range(len(_HEAD)) if any(row[i] for row in rows[1:])]
        return [tuple(row[i] for i in used) for row in rows]

    def __str__(self) -> str:
        rows = self._table()
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows)

    __repr__ = __str__

    def to_html(self) -> str:
        """The table as HTML, failures in red."""
        head, *rows = self._table()
        lines = ["<table>", "<tr>" + "".join(f"<th>{html.escape(c)}</th>" for c in head) + "</tr>"]
        for finding, row in zip(self.findings, rows):
            style = "" if finding.passed else ' style="color: #b00020"'
            lines.append(f"<tr{style}>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>")
        return "\n".join([*lines, "</table>"])

    _repr_html_ = to_html

    def titled(self, mode: str) -> Report:
        """The same findings, of a module in this mode."""
        return Report(replace(f, mode=mode) for f in self.findings)


class GradcheckError(RuntimeError):
    """A gradient check failed, or would have shown nothing.

    Parameters
    ----------
    message : str
    report : Report, optional
        The findings; empty where the check could not begin.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.zeros(2, dtype=tg.float64, requires_grad=True)
    >>> try:
    ...     tg.gradcheck(lambda x: x.sqrt() * 0, x)
    ... except tg.GradcheckError as error:
    ...     print(error.findings[0].verdict, error.findings[0].index)
    NaN only in the backward (0,)
    """

    def __init__(self, message: str = "", report: Any = None) -> None:
        super().__init__(message)
        self.report: Report = Report(()) if report is None else report

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Those of the report that did not pass."""
        return self.report.failures
