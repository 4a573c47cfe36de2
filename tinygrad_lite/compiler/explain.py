"""What `Compiled.explain` tells."""

from __future__ import annotations

from collections import Counter
from typing import Any


class Explanation:
    """What was recorded; print it.

    Parameters
    ----------
    name : str
    programs : list of dict
        For each program: its ``hits``; how often each operation was recorded, ``calls``; how many ``steps`` of
        compiled code there are, and how many of them are ``products``; which operations are called from ``python``,
        how often and why.
    refusals : list of str
        Why calls run eagerly.
    recordings : int
    reasons : list of str
        What made recordings necessary again.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> double = tg.compile(lambda x: x * 2)
    >>> for _ in range(3):
    ...     _ = double(tg.ones(2))
    >>> double.explain().programs[0]["hits"]
    1
    """

    def __init__(
        self, name: str, programs: list[dict[str, Any]], refusals: list[str], recordings: int, reasons: list[str]
    ) -> None:
        self.name, self.programs, self.refusals = name, programs, refusals
        self.recordings, self.reasons = recordings, reasons

    def __str__(self) -> str:
        hits = sum(p["hits"] for p in self.programs)
        lines = [f"{self.name}: {len(self.programs)} programs, replayed {hits} times; {self.recordings} recordings"]
        for p in self.programs:
            lines.append(f"  {p['arguments']}: {p['recorded']} calls recorded, {p['lines']} replayed, {p['hits']} hits")
            lines.append("    " + ", ".join(f"{n} {name}" for name, n in p["calls"].most_common(12)))
            if p["steps"]:
                count = f"{p['steps']} steps of compiled code, {p['products']} of them products, in {p['walks']} walks"
                lines += [f"    {count}", f"    {p['bytes']} bytes of memory, {p['plain_bytes']} without reuse"]
                lines += [f"    called from Python: {n} {name}{why}" for name, (n, why) in p["python"].items()]
            lines.append(f"    guards: {p['guards']} objects of Python, {p['tensors']} tensors")
        lines += [f"  recorded again: {why}" for why in self.reasons[-4:]]
        lines += [f"  runs eagerly: {why}" for why in self.refusals]
        return "\n".join(lines)

    __repr__ = __str__


def report(
    name: str, programs: dict[Any, list[Any]], refused: dict[Any, str], recordings: int, reasons: list[str]
) -> Explanation:
    """The explanation of a compiled function."""
    found = []
    for key, each in programs.items():
        for p in each:
            calls, native = Counter(p.names), p.run.facts
            found.append({
                "arguments": _arguments(key), "hits": p.hits, "recorded": len(p.names), "lines": p.run.lines,
                "calls": calls, "guards": len(p.state.tokens), "tensors": len(p.state.tensors),
                "text": p.run.text, **native,
            })  # fmt: skip
    return Explanation(name, found, list(dict.fromkeys(refused.values())), recordings, list(reasons))


def _arguments(key: Any) -> str:
    parts = [f"{p[1]} {p[3]}" for p in key if isinstance(p, tuple) and len(p) > 4 and isinstance(p[0], type)]
    return ", ".join(parts) or "no tensors"
