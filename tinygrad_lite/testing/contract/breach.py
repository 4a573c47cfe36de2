"""`Breach`, `ContractReport` and `ContractError`: what is said of a module that breaks the contract of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = ["Breach", "ContractError", "ContractReport"]


@dataclass(frozen=True)
class Breach:
    """One point of the contract that a module breaks.

    Parameters
    ----------
    kind : str
        One of those listed at `check_module`.
    text : str
        A sentence that says what was seen.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> print(tg.testing.Breach("batch leakage", "row 0 of the output depends on row 1 of input 0"))
    batch leakage: row 0 of the output depends on row 1 of input 0
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class ContractReport:
    """What `check_module` saw; true if the contract is kept.

    Parameters
    ----------
    name : str
        Of the module's class.
    breaches : iterable of Breach
    checked : iterable of str
        The points that were looked at.

    Attributes
    ----------
    breaches : tuple of Breach
    checked : tuple of str

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> report = tg.testing.check_module(tg.nn.Linear(3, 2), tg.randn(4, 3))
    >>> bool(report), len(report.breaches), "batch leakage" in report.checked
    (True, 0, True)
    """

    def __init__(self, name: str, breaches: Iterable[Breach], checked: Iterable[str]) -> None:
        self.name, self.breaches, self.checked = name, tuple(breaches), tuple(checked)

    def __bool__(self) -> bool:
        return not self.breaches

    def __iter__(self) -> Iterator[Breach]:
        return iter(self.breaches)

    def __len__(self) -> int:
        return len(self.breaches)

    def __str__(self) -> str:
        if not self.breaches:
            return f"{self.name} keeps the contract of a layer ({', '.join(self.checked)})"
        return "\n".join([f"{self.name} breaks the contract of a layer:", *(f"  {b}" for b in self.breaches)])

    __repr__ = __str__


class ContractError(AssertionError):
    """A module breaks the contract of a layer.

    Parameters
    ----------
    message : str
    breaches : sequence of Breach, optional
        All of them.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> issubclass(tg.testing.ContractError, AssertionError)
    True
    """

    def __init__(self, message: str = "", breaches: Sequence[Breach] = ()) -> None:
        super().__init__(message)
        self.breaches = tuple(breaches)
