"""`indented`, `bracketed`: how the text of a module is made of those of its children."""

from __future__ import annotations


def indented(text: str, by: int = 2) -> str:
    """Indent all lines but the first by some spaces."""
    return text.replace("\n", "\n" + " " * by)


def bracketed(name: str, lines: list[str], children: list[str]) -> str:
    """``name(...)`` around a single line, or around indented lines."""
    if not children and len(lines) <= 1:
        return f"{name}({''.join(lines)})"
    return "\n  ".join([f"{name}(", *lines, *children]) + "\n)"
