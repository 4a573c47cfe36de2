"""`tinygrad_lite.hub`: files from the net, which is the program's own business here."""

from __future__ import annotations

import importlib
import os
import re
import urllib.request
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlparse as urlparse

from ..io.replacing import replacing
from ..io.serialization import load as load_file

__all__ = ["download_url_to_file", "get_dir", "load", "load_state_dict_from_url", "set_dir"]

_dir: list[str] = []
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # of a file's name, between "-" and "."


def get_dir() -> str:
    """The folder where downloads are kept: by default ``$TORCH_HOME/hub``, or ``~/.cache/torch/hub``."""
    home = os.environ.get("TORCH_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch")
    return _dir[-1] if _dir else os.path.join(os.path.expanduser(home), "hub")


def _get_torch_home() -> str:
    """The folder above `get_dir`, which other libraries ask for by this name."""
    return os.path.dirname(get_dir())


def set_dir(d: str) -> None:
    """Set the folder where downloads are kept."""
    _dir[:] = [os.path.expanduser(d)]


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Fetch a file; it is there as a whole or not at all.

    Parameters
    ----------
    url : str
    dst : str
        Where it is written.
    hash_prefix : str, optional
        What its SHA-256 must begin with.
    progress : bool
        Accepted and ignored.

    Raises
    ------
    RuntimeError
        For another hash.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from tinygrad_lite import hub
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = pathlib.Path(folder, "a.txt")
    ...     _ = source.write_text("weights")
    ...     hub.download_url_to_file(source.as_uri(), f"{folder}/b.txt")
    ...     pathlib.Path(folder, "b.txt").read_text()
    'weights'
    """
    import hashlib

    with urllib.request.urlopen(url) as answer:
        content = answer.read()
    found = hashlib.sha256(content).hexdigest()
    if hash_prefix and not found.startswith(hash_prefix):
        raise RuntimeError(f"download_url_to_file: the hash must begin with {hash_prefix!r}, got {found!r}")
    Path(dst).parent.mkdir(parents=True, exist_ok=True)
    with replacing(dst) as file:
        file.write(content)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Fetch a file of weights unless it is in the folder already, and `load` it.

    Parameters
    ----------
    url : str
    model_dir : str, optional
        By default "checkpoints" in `get_dir`.
    map_location : optional
        As for `load`.
    progress : bool
        Accepted and ignored.
    check_hash : bool
        Whether the name ends with "-" and the beginning of the file's SHA-256, which is then checked.
    file_name : str, optional
    weights_only : bool
        As for `load`.

    Returns
    -------
    object

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import tinygrad_lite as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save({"w": tg.ones(2)}, f"{folder}/m.pt")
    ...     tg.hub.load_state_dict_from_url(pathlib.Path(folder, "m.pt").as_uri(), f"{folder}/cache")
    {'w': tensor([1., 1.])}
    """
    name = file_name or os.path.basename(url.partition("?")[0])
    path = os.path.join(model_dir or os.path.join(get_dir(), "checkpoints"), name)
    if not os.path.exists(path):
        prefix = Path(name).stem.rpartition("-")[2] if check_hash else None
        download_url_to_file(url, path, prefix)
    return load_file(path, map_location=map_location, weights_only=weights_only)


def load(repo_or_dir: str, model: str, *args: Any, **options: Any) -> NoReturn:
    """An error: a repository's program would be fetched and executed, which is left to its user."""
    raise RuntimeError(
        f"hub.load: {repo_or_dir!r} holds a program that would be executed; fetch it and import it yourself"
    )


class _Silent:
    """A bar that shows nothing, in the place of tqdm's where that is not installed."""

    def __init__(self, iterable: Any = (), *args: Any, **options: Any) -> None:
        self._iterable, self.n = iterable, 0

    def __iter__(self) -> Any:
        return iter(self._iterable)

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, n: int = 1) -> None:
        """So much more is done."""
        self.n += n

    def close(self) -> None:
        """All is done."""


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return _Silent
