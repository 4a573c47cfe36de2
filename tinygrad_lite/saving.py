"""Saving nested state to one safetensors file, and loading it back: `save`, `load`, `read_metadata`.

The tensors lie in the file under their dotted paths; everything else (the tree, numbers, strings) is JSON in the file's
metadata, where other programs do not look: to them a state dict is an ordinary file of its tensors. Theirs load here.
Nothing is executed on loading, whoever wrote the file.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .rules import unwrap, wrap

__all__ = ["load", "read_metadata", "save"]

_TREE = "tinygrad_lite.tree"  # the metadata key of the JSON
_KINDS = {"f": (4, 8, 2), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,), "c": (8, 16)}  # bytes of an element
_DTYPES = {"F64", "F32", "F16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}

Array = np.ndarray[Any, Any]


def save(obj: Any, path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dict, or any nesting of them, to a file; a crash leaves what was there before.

    Parameters
    ----------
    obj : nested dict, list or tuple
        Of Tensors, arrays, numbers, strings, bytes, None. Keys of dicts may be strings, numbers, tuples. Tensors are
        saved without their history; two that share memory are saved twice.
    path : str or path
    metadata : dict of str to str, optional
        Stored beside, for `read_metadata` and for other programs.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    TypeError
        If something in `obj` cannot be stored; the message says where it is.

    Notes
    -----
    Deviates from PyTorch, which pickles: a file here holds no code. Save ``module.state_dict()``, not the module.

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
    engine = _safetensors("save")
    writer = _Writer()
    try:
        tree = writer.encode(obj, ())
    except RecursionError:
        raise ValueError("save: the object contains itself, or is nested too deeply") from None
    notes = dict(metadata or {})
    if not all(isinstance(text, str) for pair in notes.items() for text in pair) or _TREE in notes:
        raise TypeError(f"save: metadata must map strings to strings (and not {_TREE!r}), got {notes!r}")
    notes[_TREE] = json.dumps(tree, allow_nan=False, separators=(",", ":"))
    with _replacing(os.path.realpath(os.fspath(path))) as temporary:
        engine.numpy.save_file(writer.arrays, temporary, notes)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what `save` wrote, or any safetensors file: then a dict of Tensors by name.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    object
        Of the same structure, with the same keys, types and dtypes. bfloat16, which NumPy does not know, becomes
        float32.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    ValueError
        If the file is truncated, damaged, or no such file at all.

    Examples
    --------
    >>> import os, tempfile
    >>> import tinygrad_lite as tg
    >>> path = os.path.join(tempfile.mkdtemp(), "weights.safetensors")
    >>> tg.save({"weight": tg.ones(2)}, path)
    >>> tg.load(path)
    {'weight': tensor([1., 1.])}
    """
    with _opened(path, "load") as file:
        arrays = {name: _read(file, name, os.fspath(path)) for name in file.keys()}  # noqa: SIM118  no mapping
        tree = (file.metadata() or {}).get(_TREE)
    if tree is None:
        return {name: wrap(array) for name, array in arrays.items()}
    try:
        return _decode(json.loads(tree), arrays)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"load: {os.fspath(path)}: its tree is damaged ({type(error).__name__}: {error})") from None


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the strings stored beside the tensors, without reading these.

    Parameters
    ----------
    path : str or path

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
    with _opened(path, "read_metadata") as file:
        notes = dict(file.metadata() or {})
    notes.pop(_TREE, None)
    return notes


# --- the file -------------------------------------------------------------------------------------


def _safetensors(who: str) -> Any:
    try:
        importlib.import_module("safetensors.numpy")
    except ImportError:
        raise ImportError(f"{who}: needs safetensors; pip install 'tinygrad_lite[safetensors]'") from None
    return importlib.import_module("safetensors")


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[str]:
    """Give a name to write to, beside the file; put it in the file's place when everything is on the disk."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        if os.path.exists(path):
            os.chmod(temporary, os.stat(path).st_mode & 0o777)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


@contextlib.contextmanager
def _opened(path: Any, who: str) -> Iterator[Any]:
    engine = _safetensors(who)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{who}: there is no file {os.fspath(path)!r}")
    try:
        file = engine.safe_open(os.fspath(path), framework="numpy")
    except engine.SafetensorError as error:
        raise ValueError(f"{who}: {os.fspath(path)} is no whole safetensors file ({error})") from None
    with file:
        yield file


def _read(file: Any, name: str, path: str) -> Array:
    kind = file.get_slice(name).get_dtype()
    if kind == "BF16":
        return _bfloat16(path, name)
    if kind not in _DTYPES:
        raise ValueError(f"load: {path}: {name} has dtype {kind}, which is not supported")
    array: Array = file.get_tensor(name)
    return array if array.flags.writeable else array.copy()


def _bfloat16(path: str, name: str) -> Array:
    """Its 16 bits are the upper half of a float32."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(size))[name]
        start, stop = entry["data_offsets"]
        file.seek(8 + size + start)
        half = np.frombuffer(file.read(stop - start), "<u2")
    return (half.astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(entry["shape"])


# --- the tree -------------------------------------------------------------------------------------
# Numbers, strings and None are JSON's own, lists are lists; every object {kind: content} stands for something else.


def _is_tensor(value: Any) -> bool:
    return not isinstance(value, np.ndarray) and isinstance(unwrap(value), np.ndarray)


class _Writer:
    """Turns a nested object into JSON's types and a flat dict of arrays."""

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}

    def encode(self, value: Any, path: tuple[Any, ...]) -> Any:
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if type(value) in (list, tuple):
            content = [self.encode(item, (*path, i)) for i, item in enumerate(value)]
            return content if isinstance(value, list) else {"tuple": content}
        if type(value) in (dict, OrderedDict):
            pairs = [[self.encode(key, (*path, "key")), self.encode(v, (*path, key))] for key, v in value.items()]
            return {type(value).__name__: pairs}
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if type(value) is bytes:
            return {"bytes": value.hex()}
        if type(value) is complex:
            return {"complex": [self.encode(part, path) for part in (value.real, value.imag)]}
        return self._array(value, path)

    def _array(self, value: Any, path: tuple[Any, ...]) -> Any:
        array = unwrap(value)
        if _is_tensor(value):
            kind, _ = "tensor", value.shape  # asked of the Tensor: a lazy module's parameter says that it has none yet
        elif isinstance(value, np.ndarray) and type(value) is np.ndarray:
            kind = "array"
        elif isinstance(value, np.generic):
            kind, array = "scalar", np.asarray(value)
        else:
            hint = "; save its state_dict()" if hasattr(value, "state_dict") else ""
            raise TypeError(f"save: cannot store the {type(value).__name__} at {_dotted(path) or 'the top'}{hint}")
        if array.dtype.itemsize not in _KINDS.get(array.dtype.kind, ()):
            raise TypeError(f"save: cannot store the dtype {array.dtype} at {_dotted(path) or 'the top'}")
        if array.dtype.kind == "c":  # as pairs of real numbers
            kind, array = f"complex {kind}", np.stack([array.real, array.imag], -1)
        return {kind: self._add(array, path)}

    def _add(self, array: Array, path: tuple[Any, ...]) -> str:
        plain = array.dtype.newbyteorder("<")
        if array.dtype != plain or not array.flags.c_contiguous:
            array = array.astype(plain, order="C")
        name = first = _dotted(path) or "value"
        count = 1
        while name in self.arrays or name == "__metadata__":  # a key with a dot may look like a path
            count += 1
            name = f"{first}#{count}"
        self.arrays[name] = array
        return name


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _decode(node: Any, arrays: dict[str, Array]) -> Any:
    if isinstance(node, list):
        return [_decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tuple":
        return tuple([_decode(item, arrays) for item in content])
    if kind in ("dict", "OrderedDict"):
        pairs = [(_decode(key, arrays), _decode(value, arrays)) for key, value in content]
        return OrderedDict(pairs) if kind == "OrderedDict" else dict(pairs)
    if kind == "float":
        return float(content)
    if kind == "bytes":
        return bytes.fromhex(content)
    if kind == "complex":
        real, imag = [_decode(part, arrays) for part in content]
        return complex(real, imag)
    if kind == "dtype":
        return np.dtype(str(content))
    return _decode_array(kind, arrays[content])


def _decode_array(kind: str, array: Array) -> Any:
    whole, kind = kind.startswith("complex "), kind.removeprefix("complex ")
    if whole:
        array = array.view(np.complex64 if array.dtype == np.float32 else np.complex128)[..., 0]
    if kind == "tensor":
        return wrap(array)
    if kind == "array":
        return array
    if kind == "scalar":
        return array[()]
    raise ValueError(f"unknown kind {kind!r}")
