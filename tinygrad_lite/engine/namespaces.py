"""`gather`: a namespace of PyTorch's, such as `special`, made of what the files of `ops` say about their functions.

A file says beside its functions where they are found: `__all__`, what is public; `METHODS`, what is a method, with an
underscore behind the name in place, too; `SPECIAL`, `LINALG` and `FUNCTIONAL`, what is in the namespaces of these
names. ``psi=digamma`` gives a function another name there.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any


def found_in(room: ModuleType, place: str) -> dict[str, Any]:
    """What a file says is found in a place: names there, and what they are.

    Parameters
    ----------
    room : module
    place : str
        Such as ``"SPECIAL"``.
    """
    said: str | list[str] = getattr(room, place)
    words = [word.partition("=") for word in (said.split() if isinstance(said, str) else said)]
    return {name: getattr(room, here or name) for name, _, here in words}


def gather(namespace: dict[str, Any], place: str, rooms: Iterable[ModuleType], own: Iterable[str] = ()) -> list[str]:
    """Put into a namespace what files say is found there, and take the files out, some of which have the same names.

    Parameters
    ----------
    namespace : dict
        Such as ``globals()``.
    place : str
        Such as ``"SPECIAL"``.
    rooms : iterable of module
    own : iterable of str
        What the namespace defines by itself.

    Returns
    -------
    list of str
        Its ``__all__``.
    """
    rooms = tuple(rooms)
    for name in [name for name, value in namespace.items() if type(value) is ModuleType and value in rooms]:
        del namespace[name]
    found = {name: value for room in rooms for name, value in found_in(room, place).items()}
    namespace.update(found)
    return sorted({*own, *found})
