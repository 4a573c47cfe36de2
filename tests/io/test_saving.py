"""`tg.save`, `tg.load`, `convert`: exact round trips, PyTorch both ways, broken files, an enemy's files."""

from __future__ import annotations

import contextlib
import enum
import importlib
import io
import json
import os
import stat
import subprocess
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.io.replacing import replacing
from tinygrad_lite.io.torch_checkpoints import convert


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.safetensors"


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def same(a, b):
    """Equal in structure, types, dtypes and bits."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        assert [type(key) for key in a] == [type(key) for key in b]
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, (tg.Tensor, np.ndarray, np.generic)):
        x, y = np.asarray(getattr(a, "_data", a)), np.asarray(getattr(b, "_data", b))
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        assert x.tobytes() == y.tobytes()
    else:
        assert a == b or (a != a and b != b)


def written(content, path):
    """A file of a header and data, as an enemy would write it."""
    header = json.dumps(content).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def with_tree(tree, path):
    return written({"__metadata__": {"tinygrad_lite.tree": tree if isinstance(tree, str) else json.dumps(tree)}}, path)


# Round trips


class Point(NamedTuple):
    x: int
    y: list


class Level(enum.IntEnum):
    LOW, HIGH = range(2)


class Colour(enum.Enum):
    RED = 1


VALUES = [
    None, True, False, 0, -1, 2**200, 0.1, -0.0, 1e308, float("inf"), float("-inf"), float("nan"), "", "é\n\ud800",
    1 - 2j,
    b"\x00\xff",
    [], (), {}, OrderedDict(b=1, a=2), [1, [2, (3, {"x": None})]],
    {1: "a", "1": "b", (1, 2): 3, None: 4, 2.5: 5},
    np.float32(0.1), np.int64(3), np.dtype(np.float32), tg.float32, {"a.b": 1, "a": {"b": 2}},
    Counter("abca"), defaultdict(list, a=[1]), defaultdict(None, {1: 2}), {1, 2}, frozenset("ab"), deque([1, 2]),
    Point(1, [2.5]), Level.HIGH, np.str_("text"), Path("a/b"), PureWindowsPath("c:/d"), range(1, 9, 2), bytearray(b"a"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=[f"{i}" for i in range(len(VALUES))])
def test_values(value, path):
    tg.save({"value": value}, path)
    same(tg.load(path), {"value": value})
    tg.save(value, path)
    same(tg.load(path), value)


@pytest.mark.parametrize("dtype", "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 ? c8 c16 >f8 >i4".split())
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (3, 0, 2)], ids=str)
def test_arrays(dtype, shape, path):
    array = np.asarray(np.arange(np.prod(shape)).reshape(shape) * (1 - 2j if dtype[0] == "c" else 1)).astype(dtype)
    tg.save([array, array.T, array[..., ::-1] if shape else array], path)
    found = tg.load(path)
    plain = array.astype(array.dtype.newbyteorder("="))
    same(found, [plain, plain.T, plain[..., ::-1] if shape else plain])
    assert all(part.flags.writeable for part in found)


def test_tensors_and_arrays_stay_what_they_are(path):
    given = {"tensor": tg.tensor([1.0, 2.0]), "array": np.ones(2, np.float32), "view": tg.arange(6.0).reshape(2, 3).T}
    tg.save(given, path)
    same(tg.load(path), given)


def test_names_that_look_alike(path):
    given = {"a.b": tg.zeros(1), "a": {"b": tg.ones(1), "b#2": tg.ones(2)}, "__metadata__": tg.ones(3), "": tg.ones(4)}
    tg.save(given, path)
    same(tg.load(path), given)


def test_order_of_a_state_dict_is_kept(path):
    state = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).state_dict()
    tg.save(state, path)
    same(tg.load(path), state)


def test_metadata(path):
    tg.save(tg.ones(2), path, metadata={"licence": "MIT"})
    assert tg.read_metadata(path) == {"licence": "MIT"}
    same(tg.load(path), tg.ones(2))
    with pytest.raises(TypeError, match="metadata must map strings to strings"):
        tg.save(tg.ones(2), path, metadata={"epoch": 3})


# Training that goes on as if nothing had happened


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
def test_resumed_training_is_exact(name, path):
    def parts():
        tg.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1))
        options = {"momentum": 0.9} if name == "SGD" else {}
        decayed, free = [model[0].weight, model[3].weight], [p for p in model.parameters() if p.ndim == 1]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": free, "lr": 0.05}]
        optimizer = getattr(optim, name)(groups, lr=0.01, **options)
        return model, optimizer, optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)

    def train(model, optimizer, scheduler, steps):
        losses = []
        for _ in range(steps):
            x = tg.randn(16, 4)
            loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        return losses

    model, optimizer, scheduler = parts()
    train(model, optimizer, scheduler, 5)
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "rng": tg.get_rng_state(),
        "step": 5,
    }
    tg.save(state, path)
    expected = train(model, optimizer, scheduler, 5)
    found = tg.load(path)
    model, optimizer, scheduler = parts()
    model.load_state_dict(found["model"])
    optimizer.load_state_dict(found["optimizer"])
    scheduler.load_state_dict(found["scheduler"])
    tg.set_rng_state(found["rng"])
    assert train(model, optimizer, scheduler, 5) == expected


# What cannot be saved


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, object()]}, "cannot store the object at a.1"),
        ({"model": nn.Linear(1, 1)}, "cannot store the Linear at model; save its state_dict"),
        ({"f": slice(3)}, "cannot store the slice at f"),
        (defaultdict(lambda: 3), "cannot store the defaultdict at the top"),
        ({"c": Colour.RED}, "cannot store the Colour at c"),
        ({"f": print}, "cannot store the builtin_function_or_method at f"),
        ({"w": np.array(["a"])}, "cannot store the dtype <U1 at w"),
        ({"w": np.array([object()])}, "cannot store the dtype object at w"),
        ({"w": np.zeros(2, "M8[s]")}, "cannot store the dtype datetime64.s. at w"),
    ],
    ids=range(9),
)
def test_what_cannot_be_stored_is_refused_and_the_old_file_stays(value, message, path):
    tg.save({"old": 1}, path)
    with pytest.raises(TypeError, match=message):
        tg.save(value, path)
    assert tg.load(path) == {"old": 1}
    assert os.listdir(path.parent) == [path.name]


def test_cycles_are_refused(path):
    cycle = {}
    cycle["self"] = cycle
    with pytest.raises(ValueError, match="contains itself"):
        tg.save(cycle, path)
    assert not path.exists()


def test_lazy_modules_are_refused(path):
    with pytest.raises(RuntimeError, match="its shape is not known yet"):
        tg.save(nn.LazyLinear(2).state_dict(), path)


# A crash in the middle


def test_a_failing_disk_leaves_the_old_file(path, monkeypatch):
    tg.save({"old": tg.ones(3)}, path)
    before = path.read_bytes()
    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:

            def fail(*args):
                raise OSError("No space left on device")

            patch.setattr(os, name, fail)
            with pytest.raises(OSError, match="No space left"):
                tg.save({"new": tg.ones(300)}, path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]


def test_a_killed_process_leaves_the_old_file(path):
    tg.save({"old": tg.ones(3)}, path)
    script = (
        "import os, sys, tinygrad_lite as tg\n"
        "os.replace = lambda *_: os._exit(9)\n"  # everything is written, and the name not yet changed
        "tg.save({'new': tg.ones(1000)}, sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == 9
    same(tg.load(path), {"old": tg.ones(3)})


def test_links_and_permissions_are_kept(path, tmp_path):
    target = tmp_path / "target.safetensors"
    tg.save(1, target)
    target.chmod(0o640)
    path.symlink_to(target)
    tg.save(2, path)
    assert path.is_symlink()
    assert tg.load(target) == 2
    assert target.stat().st_mode & 0o777 == 0o640


# Files that are broken, or written by an enemy


def test_every_truncation_is_refused(path):
    tg.save({"model": {"w": tg.ones(3)}, "step": 3}, path)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="no whole safetensors file"):
            tg.load(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(ValueError, match="no whole safetensors file"):
        tg.load(path)


def test_every_flipped_byte_of_the_header_is_harmless(path):
    tg.save({"model": {"w": tg.ones(3)}, "step": 3, "betas": (0.9, 0.999)}, path)
    whole = bytearray(path.read_bytes())
    size = 8 + int.from_bytes(whole[:8], "little")
    for position in range(size):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 7
        path.write_bytes(broken)
        with contextlib.suppress(ValueError):  # anything else would be a crash
            tg.load(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x04K\x01.", b"PK\x03\x04", b"\xff" * 16, b"\x00" * 64],
    ids=["empty", "pickle", "zip", "huge", "zeros"],
)
def test_other_files_are_refused(content, path):
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match="the zip file is damaged" if content[:1] == b"P" else "no whole safetensors file"
    ):
        tg.load(path)


def test_a_missing_file_is_named(path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        tg.load(path)


@pytest.mark.parametrize(
    "tree",
    [
        "", "{", "[" * 5000 + "]" * 5000, '{"tensor": "missing"}', '{"code": "print(1)"}', '{"tensor": {}}', "{}",
        '{"dict": [[1]]}', '{"dict": [[[], 1]]}', '{"dict": 3}', '{"tuple": 3}', '{"bytes": "xyz"}', '{"float": "a"}',
        '{"complex": [1]}', '{"dtype": "nonsense"}', '{"a": 1, "b": 2}', "9" * 5000,
    ],
    ids=range(17),
)  # fmt: skip
def test_damaged_trees_are_refused(tree, path):
    with pytest.raises(ValueError, match="its tree is damaged"):
        tg.load(with_tree(tree, path))


def test_nothing_is_executed(path, tmp_path):
    mark = tmp_path / "executed"
    code = f"__import__('os').mkdir({str(mark)!r})"
    for tree in ({"object": code}, {"dtype": code}, {"float": code}, {"dict": [[code, code]]}):
        try:
            tg.load(with_tree(tree, path))
        except ValueError:
            continue
    assert not mark.exists()


# Exchange with PyTorch


def test_pytorch_reads_ours(path, torch):
    load_file = pytest.importorskip("safetensors.torch").load_file

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    tg.save(model.state_dict(), path)
    other = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    assert str(other.load_state_dict(load_file(path))) == "<All keys matched successfully>"
    for name, value in model.state_dict().items():
        assert (other.state_dict()[name].numpy() == value.numpy()).all()


def test_we_read_pytorchs(path, torch):
    save_file = pytest.importorskip("safetensors.torch").save_file

    state = torch.nn.Linear(3, 2).state_dict()
    half = torch.tensor([1.5, -2.0, 3e38, float("inf")]).to(torch.bfloat16)
    save_file({**state, "half": half, "other": torch.arange(3)}, path)
    with pytest.warns(UserWarning, match="bfloat16 becomes float32"):
        found = tg.load(path)
    assert (found["half"].numpy() == half.float().numpy()).all()
    assert found["half"].dtype == np.float32
    assert found.pop("other").tolist() == [0, 1, 2]
    del found["half"]
    model = nn.Linear(3, 2)
    model.load_state_dict(found)
    assert (model.weight.detach().numpy() == state["weight"].numpy()).all()


def test_a_dtype_that_numpy_lacks_is_refused(path, torch):
    save_file = pytest.importorskip("safetensors.torch").save_file

    save_file({"w": torch.zeros(2, dtype=torch.float8_e4m3fn)}, path)
    with pytest.raises(ValueError, match="w has dtype F8_E4M3, which is not supported"):
        tg.load(path)


def test_convert_both_ways(path, tmp_path, torch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1)).to(torch.bfloat16)
    model[1].float()
    optimizer = torch.optim.Adam(model[1].parameters(), betas=(0.8, 0.9))
    model[1](torch.ones(1, 4)).sum().backward()
    optimizer.step()
    given = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "z": torch.tensor([1 + 2j])}
    torch.save(given, tmp_path / "model.pt")
    with pytest.warns(UserWarning, match="bfloat16 becomes float32"):
        convert(tmp_path / "model.pt", path)
    found = tg.load(path)
    assert found["epoch"] == 3
    assert found["optimizer"]["param_groups"][0]["betas"] == (0.8, 0.9)
    assert (found["model"]["0.weight"].numpy() == model[0].weight.detach().float().numpy()).all()
    ours = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    assert str(ours.load_state_dict(found["model"])) == "<All keys matched successfully>"
    convert(path, tmp_path / "back.pt")
    back = torch.load(tmp_path / "back.pt", weights_only=True)
    optimizer.load_state_dict(back["optimizer"])
    assert torch.equal(back["z"], given["z"])
    assert list(back["model"]) == list(given["model"])


def test_convert_on_the_command_line(path, tmp_path, torch, capsys):
    main = importlib.import_module("tinygrad_lite.__main__").main
    torch.save(torch.nn.Linear(2, 1).state_dict(), tmp_path / "model.pt")
    assert main(["convert", str(tmp_path / "model.pt"), str(path)]) == 0
    assert "checkpoint.safetensors" in capsys.readouterr().out
    nn.Linear(2, 1).load_state_dict(tg.load(path))
    assert main(["convert", str(tmp_path / "missing.safetensors"), str(tmp_path / "back.pt")]) == 1
    assert "there is no file" in capsys.readouterr().err


def test_convert_refuses(path, tmp_path):
    with pytest.raises(ValueError, match="one of the names must end with .safetensors"):
        convert("a.pt", "b.pt")
    bad = tmp_path / "model.pt"
    bad.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no whole safetensors file, and none of PyTorch's"):
        convert(bad, path)
    assert not path.exists()


def test_converted_there_and_back_without_pytorch(path, tmp_path):
    given = {"w": tg.arange(6.0).reshape(2, 3), "z": tg.tensor([1 + 2j]), "groups": [{"lr": 0.1, "params": [0, 1]}]}
    tg.save(given, path)
    convert(path, tmp_path / "model.bin")
    convert(tmp_path / "model.bin", path)
    same(tg.load(path), given)


# Files that are none on a disk


@pytest.mark.parametrize("name", ["buffer.safetensors", "buffer.pt", None])
def test_open_files(name, tmp_path):
    given = {"w": tg.ones(2), "n": 3}
    with io.BytesIO() if name is None else open(tmp_path / name, "w+b") as file:
        tg.save(given, file)
        file.seek(0)
        assert (file.read(2) == b"PK") == (name == "buffer.pt")
        file.seek(0)
        same(tg.load(file, map_location="cpu", weights_only=True), given)
    with io.BytesIO() as file:
        tg.save(given, file, format="torch")
        file.seek(0)
        same(tg.load(file), given)


def test_files_of_text_are_refused(tmp_path):
    with open(tmp_path / "a.txt", "w+", encoding="utf-8") as file:
        with pytest.raises(TypeError, match="save: the file must be opened in binary mode"):
            tg.save(1, file)
        with pytest.raises(TypeError, match="load: the file must be opened in binary mode"):
            tg.load(file)
    with pytest.raises(TypeError, match="load: expected a path or a binary file, got list"):
        tg.load([1])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["pipe", "pipe.pt"])
def test_a_named_pipe_is_written_to_and_read_from(name, tmp_path):
    pipe = tmp_path / name
    os.mkfifo(pipe)
    writer = threading.Thread(target=tg.save, args=({"w": tg.ones(3)}, pipe))
    writer.start()
    same(tg.load(pipe), {"w": tg.ones(3)})
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_full_device_says_so_and_stays_one(tmp_path):
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    link = tmp_path / "device"
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="save: .*device: No space left on device") as caught:
        tg.save({"w": tg.ones(3)}, link)
    assert caught.value.errno == 28
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_folders_and_missing_folders_are_named(tmp_path):
    with pytest.raises(OSError, match="save: .*: it is a folder"):
        tg.save(1, tmp_path)
    with pytest.raises(FileNotFoundError, match="save: .*missing.*: No such file or directory"):
        tg.save(1, tmp_path / "missing" / "file")
    with pytest.raises(FileNotFoundError, match="load: .*file: there is no file of this name"):
        tg.load(tmp_path / "missing" / "file")


# What is left behind


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_new_files_have_the_permissions_that_the_mask_leaves(name, tmp_path):
    before = os.umask(0o027)
    try:
        tg.save(1, tmp_path / name)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="it needs locks on files")
def test_what_killed_saves_leave_the_next_one_removes(path):
    """And only that: not what a save in progress writes, nor what looks like it."""
    script = "import os, sys, tinygrad_lite as tg; os.replace = lambda *_: os._exit(9); tg.save(1, sys.argv[1])"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 9
    (left,) = os.listdir(path.parent)
    assert left.endswith(".tinygrad_lite.tmp")
    (path.parent / ".notes.tmp").write_text("mine")
    with replacing(str(path.parent / "other")) as file:
        (busy,) = set(os.listdir(path.parent)) - {left, ".notes.tmp"}
        tg.save(2, path)
        assert set(os.listdir(path.parent)) == {path.name, ".notes.tmp", busy}
        file.write(b"whole")
    assert set(os.listdir(path.parent)) == {path.name, ".notes.tmp", "other"}
    assert (path.parent / "other").read_bytes() == b"whole"


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_an_interrupt_leaves_the_old_file(name, tmp_path, monkeypatch):
    path = tmp_path / name
    tg.save({"old": 1}, path)

    def interrupted(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tg.save({"new": tg.ones(3)}, path)
    assert tg.load(path) == {"old": 1}
    assert os.listdir(tmp_path) == [name]


# Kinds that only a running program knows


def test_classes_that_are_not_loaded_come_back_as_what_they_are_like(path):
    tree = {"tuple": [{"namedtuple": ["nowhere", "Pair", ["a", "b"], [1, 2]]}, {"enum": ["nowhere", "E", "X", 7]}]}
    pair, number = tg.load(with_tree(tree, path))
    assert (pair, type(pair).__name__, pair.b, number) == ((1, 2), "Pair", 2, 7)


def test_only_named_tuples_and_enumerations_are_taken_from_modules(path):
    for kind, name in (("namedtuple", "system"), ("namedtuple", "path.join"), ("enum", "environ")):
        content = ["os", name, ["a"], [1]] if kind == "namedtuple" else ["os", name, "HOME", 7]
        found = tg.load(with_tree({kind: content}, path))
        assert found == ((1,) if kind == "namedtuple" else 7)


# Models in several files


def test_sharded_models(tmp_path):
    for i, name in enumerate(("a", "b")):
        tg.save({name: tg.full((2,), float(i))}, tmp_path / f"model-{i}.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    places = {"b": "model-1.safetensors", "a": "model-0.safetensors"}
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    same(tg.load(index), {"b": tg.ones(2), "a": tg.zeros(2)})
    for bad, message in (
        ({**places, "c": "model-0.safetensors"}, "names tensors that its files do not hold: c"),
        ({"a": "../model-0.safetensors"}, "names '../model-0.safetensors', which is no file beside it"),
        ({"a": str(tmp_path / "model-0.safetensors")}, "which is no file beside it"),
        ([], "is no list of files"),
    ):
        index.write_text(json.dumps({"weight_map": bad}))
        with pytest.raises(ValueError, match=message):
            tg.load(index)


def test_mapped_files_are_read_when_they_are_used(path, tmp_path):
    for each in (path, tmp_path / "a.pt"):
        tg.save({"w": tg.arange(4.0), "none": tg.ones(0)}, each)
        found = tg.load(each, mmap=True)
        found["w"].add_(1)
        assert found["w"].tolist() == [1, 2, 3, 4]
        assert tg.load(each)["w"].tolist() == [0, 1, 2, 3]


def test_arguments_of_load_are_checked(path):
    tg.save(1, path)
    assert tg.load(path, lambda storage, location: storage, weights_only=False) == 1
    with pytest.raises(RuntimeError, match="load: everything lives on the CPU"):
        tg.load(path, map_location="cuda:0")
    with pytest.raises(TypeError, match="load: mmap must be a bool"):
        tg.load(path, mmap="yes")
    with pytest.raises(ValueError, match="save: format must be 'safetensors' or 'torch', got 'zip'"):
        tg.save(1, path, format="zip")
