"""`TorchVersion`: the text of a version, compared as PyTorch's is."""

from __future__ import annotations

import re
from typing import Any


def _release(version: Any) -> tuple[int, ...]:
    """The numbers of a release: of a text, or of the parts that scripts write as a tuple."""
    if isinstance(version, str):
        return tuple(int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3])
    return tuple(int(part) for part in version)


class TorchVersion(str):
    """A version that is a text and is compared by its numbers, with texts and with tuples.

    Parameters
    ----------
    text : str
        Such as "2.13.0+local".

    Examples
    --------
    >>> from tinygrad_lite.torch_imports.torch_version import TorchVersion
    >>> version = TorchVersion("2.13.0+tinygrad_lite.0.1.0")
    >>> version >= "2.9", version < (3, 0), version.split("+")[0]
    (True, True, '2.13.0')
    """

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _release(self) < _release(other)

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __gt__(self, other: Any) -> bool:
        ours, theirs = _release(self), _release(other)
        return ours[: len(theirs)] != theirs and ours > theirs

    def __ge__(self, other: Any) -> bool:
        return not self < other
