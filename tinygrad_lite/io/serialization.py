"""Saving nested state to one file, and loading it back: `save`, `load`, `read_metadata`.

In a safetensors file the tensors lie under their dotted paths; everything else (the tree, numbers, strings) is JSON in
the file's metadata, where other programs do not look: to them a state dict is an ordinary file of its tensors. Theirs
load here, and so do PyTorch's own files. Nothing is executed on loading, whoever wrote the file, unless
``weights_only=False`` allows it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import numpy as np

from ..ops.creation.creation import only_cpu
from ..rules import wrap
from . import safetensors_files, torch_files
from .pickled import UnpicklingError
from .pickled_objects import Trusted, by_name
from .replacing import replacing
from .saved_values import Array, Encoder, decode
from .torch_writing import zip_writer

__all__ = ["load", "read_metadata", "save"]

_TREE = "tinygrad_lite.tree"  # the metadata key of the JSON
_FORMATS = {".pt": "torch", ".pth": "torch", ".safetensors": "safetensors"}
_PYTORCHS = {"pickle_module", "pickle_protocol", "_use_new_zipfile_serialization"}
_INDEX = ".index.json"
safe_globals: list[Any] = []  # the classes whose objects files may hold though they are read as data


def save(
    obj: Any, f: Any, metadata: Mapping[str, str] | None = None, *, format: str | None = None, **pytorchs: Any
) -> None:
    """Write a state dict, any nesting of them, or a whole module to a file; a crash leaves what was there before.

    Parameters
    ----------
    obj : nested dict, list or tuple
        Of Tensors, arrays, numbers, strings, bytes, None, dtypes, ranges, paths; with ``Counter``, ``defaultdict``,
        sets, named tuples, and members of enumerations that are numbers or strings. Keys of dicts may be strings,
        numbers, tuples. Tensors are saved without their history. PyTorch's format takes all that Python can pickle:
        modules, optimizers, objects of any class.
    f : str, path or binary file
        A named pipe or a device is written to; a file is replaced when all is written, and keeps its permissions.
    metadata : dict of str to str, optional
        Stored beside, for `read_metadata` and for other programs. PyTorch's format has none.
    format : {"safetensors", "torch"}, optional
        Default: PyTorch's where the name ends with ``.pt`` or ``.pth``, and where `obj` holds what safetensors files
        cannot and the name does not end with ``.safetensors``; else safetensors. In PyTorch's format, which
        ``torch.load`` reads, tensors that share memory share it again when loaded, and those that require gradients
        still do; in the other they are saved twice, and do not.
    pickle_module, pickle_protocol, _use_new_zipfile_serialization : optional
        PyTorch's; accepted and ignored.

    Raises
    ------
    ValueError
        For another `format`.
    TypeError
        If something in `obj` cannot be stored; the message says where it is.
    pickle.PicklingError, AttributeError
        In PyTorch's format, for what Python cannot pickle: functions without a name, classes inside of functions.
    OSError
        If the file cannot be written.

    Notes
    -----
    A module is saved as its class's name and its attributes: `load` needs ``weights_only=False`` and the program that
    has the class, as in PyTorch. A state dict outlives both.

    Examples
    --------
    >>> import os, tempfile
    >>> import tinygrad_lite as tg
    >>> path = os.path.join(tempfile.mkdtemp(), "checkpoint.safetensors")
    >>> tg.save({"model": {"weight": tg.ones(2)}, "epoch": 3, "rng": tg.get_rng_state()}, path)
    >>> found = tg.load(path)
    >>> found["epoch"], found["model"]["weight"]
    (3, tensor([1., 1.]))
    """
    unknown = pytorchs.keys() - _PYTORCHS
    if unknown:
        raise TypeError(f"save: got an unexpected keyword argument {min(unknown)!r}")
    name = _name(f, "save", "write")
    if format not in (None, "safetensors", "torch"):
        raise ValueError(f"save: format must be 'safetensors' or 'torch', got {format!r}")
    chosen = format or _FORMATS.get(os.path.splitext(name.lower())[1])
    try:
        writer = _writer_of(chosen, obj, metadata)
    except RecursionError:
        raise ValueError("save: the object contains itself, or is nested too deeply") from None
    with _telling("save", name):
        if isinstance(f, io.TextIOBase):
            raise TypeError("save: the file must be opened in binary mode")
        if hasattr(f, "write"):
            writer(f)
        else:
            _write(name, writer)


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    encoding: str = "utf-8",
) -> Any:
    """Read what `save` wrote, any safetensors file (a dict of Tensors by name), or what ``torch.save`` wrote.

    Parameters
    ----------
    f : str, path or binary file
        The content says which format it is. A name that ends with ``.index.json`` is the list of the files that hold
        a model's tensors, beside it.
    map_location : "cpu", dict or callable, optional
        Where tensors are to be: on the CPU, where they come in any case.
    pickle_module, encoding : optional
        Accepted and ignored.
    weights_only : bool, optional
        True, the default: nothing is executed, and only tensors, NumPy's arrays and plain containers are read, and
        objects of the classes that `serialization.add_safe_globals` was given. False: PyTorch's files may hold objects
        of any class, such as whole modules; what they ask for is imported and called, **so that a file can do whatever
        its writer wanted**. PyTorch's own classes become this library's of the same name.
    mmap : bool, optional
        The tensors of a file are read when they are used; what is written to them does not reach it.

    Returns
    -------
    object
        Of the same structure, with the same keys, types and dtypes. bfloat16, which NumPy does not know, becomes
        float32, with a warning. Tensors on one storage of PyTorch's share their memory.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, or no such file at all, or asks for more than tensors and plain containers.
    OSError
        If there is none.

    Notes
    -----
    Sparse and quantized tensors are not read.

    Examples
    --------
    >>> import os, tempfile
    >>> import tinygrad_lite as tg
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.pt")
    >>> tg.save({"weight": tg.ones(2)}, path)
    >>> tg.load(path)
    {'weight': tensor([1., 1.])}
    """
    if map_location is not None and not isinstance(map_location, Mapping) and not callable(map_location):
        only_cpu(map_location, "load")
    for name, value in (("weights_only", weights_only), ("mmap", mmap)):
        if value not in (None, True, False):
            raise TypeError(f"load: {name} must be a bool, got {value!r}")
    name = _name(f, "load", "read")
    if name.lower().endswith(_INDEX) and not hasattr(f, "read"):
        return _load_sharded(name, bool(mmap))
    with _opened(f, "load") as file:
        trusted = by_name(safe_globals) if weights_only in (None, True) else True
        return _load(file, name, name if mmap and not hasattr(f, "read") else "", trusted or False)


def read_metadata(f: Any) -> dict[str, str]:
    """Read the strings stored beside the tensors.

    Parameters
    ----------
    f : str, path or binary file
        In the safetensors format.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> import os, tempfile
    >>> import tinygrad_lite as tg
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> tg.save({"weight": tg.ones(2)}, path, metadata={"licence": "MIT"})
    >>> tg.read_metadata(path)
    {'licence': 'MIT'}
    """
    name = _name(f, "read_metadata", "read")
    with _opened(f, "read_metadata") as file:
        try:
            notes = safetensors_files.read_notes(file)
        except ValueError as error:
            raise _no_file("read_metadata", name, error) from None
    notes.pop(_TREE, None)
    return notes


# --- which file -------------------------------------------------------------------------------------------------------


def _name(f: Any, who: str, method: str) -> str:
    """The name of a file; empty where one is open that has none."""
    if hasattr(f, method):
        named = getattr(f, "name", "")
        return named if isinstance(named, str) else ""
    try:
        return os.fsdecode(f)
    except TypeError:
        raise TypeError(f"{who}: expected a path or a binary file, got {type(f).__name__}") from None


@contextlib.contextmanager
def _telling(who: str, name: str) -> Iterator[None]:
    """Errors of the system say who wanted what."""
    try:
        yield
    except OSError as error:
        kind = type(OSError(error.errno, "")) if error.errno else type(error)
        told = kind(f"{who}: {name or 'the file'}: {error.strerror or error}")
        told.errno = error.errno
        raise told from error


# --- writing ----------------------------------------------------------------------------------------------------------


def _writer_of(chosen: str | None, obj: Any, metadata: Any) -> Callable[[IO[bytes]], None]:
    if chosen != "torch":
        try:
            return _writer(obj, metadata)
        except TypeError:
            if chosen or metadata:
                raise
    if metadata:
        raise ValueError("save: metadata: PyTorch's format has none; save as safetensors")
    try:
        return zip_writer(obj)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise type(error)(f"save: {error}") from None


def _writer(obj: Any, metadata: Any) -> Callable[[IO[bytes]], None]:
    encoder = Encoder()
    tree = encoder.encode(obj, ())
    notes = dict(metadata or {})
    if not all(isinstance(text, str) for pair in notes.items() for text in pair) or _TREE in notes:
        raise TypeError(f"save: metadata must map strings to strings (and not {_TREE!r}), got {notes!r}")
    notes[_TREE] = json.dumps(tree, allow_nan=False, separators=(",", ":"))
    return lambda file: safetensors_files.write(file, encoder.arrays, notes)


def _write(name: str, writer: Callable[[IO[bytes]], None]) -> None:
    path = os.path.realpath(name)
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except FileNotFoundError:
        kind = stat.S_IFREG
    if kind == stat.S_IFREG:
        with replacing(path) as file:
            writer(file)
    elif kind in (stat.S_IFIFO, stat.S_IFCHR):
        with open(path, "wb") as file:
            writer(file)
    else:
        raise OSError("it is a folder, a socket or a disk, which is not written to")


# --- reading ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(f: Any, who: str) -> Iterator[IO[bytes]]:
    """A file that can be read from any place; what comes through a pipe, or from the middle of a file, is in memory."""
    if hasattr(f, "read"):
        content = f.read()
        if not isinstance(content, (bytes, bytearray)):
            raise TypeError(f"{who}: the file must be opened in binary mode, got {type(content).__name__} from it")
        yield io.BytesIO(content)
        return
    with contextlib.ExitStack() as stack:
        with _telling(who, os.fsdecode(f)):
            if not os.path.exists(f):
                raise FileNotFoundError("there is no file of this name")
            file = stack.enter_context(open(f, "rb"))
        yield file if file.seekable() else io.BytesIO(file.read())


def _load(file: IO[bytes], name: str, mapped: str, trusted: Trusted) -> Any:
    memory = np.asarray(np.memmap(mapped, np.uint8, "c")) if mapped and os.path.getsize(mapped) else None
    head = file.read(4)
    try:
        if head == b"PK\x03\x04":
            value, narrow = torch_files.read_zip(file, memory, trusted)
        elif torch_files.is_legacy(file):
            value, narrow = torch_files.read_legacy(file, trusted)
        else:
            return _load_safetensors(file, name, memory)
    except (ValueError, RecursionError) as error:
        raise UnpicklingError(f"load: {name or 'the file'} cannot be read: {error}") from None
    if narrow:
        _tell_of_bfloat16(name)
    return value


def _load_safetensors(file: IO[bytes], name: str, memory: Array | None) -> Any:
    try:
        found, notes = safetensors_files.read(file, memory)
    except ValueError as error:
        raise _no_file("load", name, error) from None
    if any(kind == safetensors_files.BFLOAT16 for kind, _ in found.values()):
        _tell_of_bfloat16(name)
    arrays = {
        key: torch_files.widened(array) if kind == safetensors_files.BFLOAT16 else array
        for key, (kind, array) in found.items()
    }
    if _TREE not in notes:
        return {key: wrap(array) for key, array in arrays.items()}
    try:
        return decode(json.loads(notes[_TREE]), arrays)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"load: {name}: its tree is damaged ({type(error).__name__}: {error})") from None


def _no_file(who: str, name: str, error: Exception) -> ValueError:
    return ValueError(f"{who}: {name or 'the file'} is no whole safetensors file, and none of PyTorch's ({error})")


def _tell_of_bfloat16(name: str) -> None:
    warnings.warn(f"load: {name or 'the file'}: bfloat16 becomes float32", UserWarning, stacklevel=5)


def _load_sharded(name: str, mmap: bool) -> dict[str, Any]:
    """The tensors of all files that a list names, which stand beside it."""
    with _opened(name, "load") as file:
        try:
            places = json.load(file)["weight_map"]
            files = dict.fromkeys(places.values())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"load: {name} is no list of files ({type(error).__name__}: {error})") from None
    for each in files:
        if not isinstance(each, str) or os.path.basename(each) != each or each in ("", ".", "..") or "\\" in each:
            raise ValueError(f"load: {name} names {each!r}, which is no file beside it")
    found = {each: load(os.path.join(os.path.dirname(name), each), mmap=mmap) for each in files}
    missing = [key for key, each in places.items() if key not in found[each]]
    if missing:
        raise ValueError(f"load: {name} names tensors that its files do not hold: {', '.join(missing)}")
    return {key: found[each][key] for key, each in places.items()}
