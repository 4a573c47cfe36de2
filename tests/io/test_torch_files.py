"""PyTorch's files without PyTorch: written byte by byte here, by PyTorch where it is installed, and by enemies."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict, deque

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


# --- files, byte by byte ----------------------------------------------------------------------------------------------


def text(content):
    return b"X" + struct.pack("<I", len(content)) + content.encode()


def integers(*values):
    return b"(" + b"".join(b"J" + struct.pack("<i", value) for value in values) + b"t"


def tensor(key, count, shape, stride, offset=0, kind="FloatStorage", location="cpu", view=b"", grad=b"\x89"):
    """The pickle of one tensor, as torch.save writes it."""
    storage = text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text(location)
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"J" + struct.pack("<i", count) + view + b"tQ"
        b"J" + struct.pack("<i", offset) + integers(*shape) + integers(*stride) + grad
        + b"ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def dictionary(**entries):
    return b"}(" + b"".join(text(name) + value for name, value in entries.items()) + b"u"


def zipped(body, *storages, how=zipfile.ZIP_STORED, prefix="model", extra=()):
    """A file of torch.save: the body of its pickle, and storages as arrays."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as archive:
        archive.writestr(f"{prefix}/data.pkl", b"\x80\x02" + body + b".")
        for name, content in extra:
            archive.writestr(f"{prefix}/{name}", content)
        for key, array in enumerate(storages):
            archive.writestr(f"{prefix}/data/{key}", array.tobytes())
        archive.writestr(f"{prefix}/version", b"3\n")
    return target.getvalue()


def legacy(body, *storages):
    head = b"".join(
        pickle.dumps(value, 2) for value in (MAGIC, PROTOCOL, {"little_endian": True, "protocol_version": 1001})
    )
    keys = pickle.dumps([str(key) for key in range(len(storages))], 2)
    data = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in storages)
    return head + b"\x80\x02" + body + b"." + keys + data


def loaded(content, **options):
    return tg.load(io.BytesIO(content), **options)


SIX = np.arange(6, dtype="<f4")
FORMATS = {
    "zip": zipped,
    "legacy": lambda body, *storages: legacy(body.replace(b"tQJ", b"NtQJ"), *storages),  # with its view: None
}


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_tensors_share_their_storage(written):
    parts = {
        "whole": tensor("0", 6, (2, 3), (3, 1)),
        "tied": tensor("0", 6, (3, 2), (1, 3)),
        "row": tensor("0", 6, (3,), (1,), offset=3),
        "scalar": tensor("0", 6, (), (), offset=5),
        "empty": tensor("1", 0, (0, 2), (2, 1), kind="LongStorage"),
        "trained": tensor("0", 6, (2,), (1,), grad=b"\x88", location="cuda:0"),
    }
    found = loaded(written(dictionary(**parts), SIX, np.zeros(0, "<i8")))
    assert list(found) == list(parts)
    assert found["whole"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["tied"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["row"].tolist() == [3, 4, 5]
    assert (found["scalar"].shape, found["scalar"].item()) == ((), 5)
    assert (found["empty"].shape, found["empty"].dtype) == ((0, 2), tg.int64)
    assert found["trained"].requires_grad
    assert not found["whole"].requires_grad
    found["whole"][1, 2] = 9.0
    assert (found["tied"][2, 1].item(), found["row"][2].item(), found["scalar"].item()) == (9, 9, 9)


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("Double", "f8"), ("Half", "f2"), ("Int", "i4"), ("Short", "i2"), ("Char", "i1"), ("Byte", "u1"), ("Bool", "?"),
     ("ComplexFloat", "c8"), ("ComplexDouble", "c16")],
)  # fmt: skip
def test_dtypes(written, kind, dtype):
    given = np.array([1, 0, 1], dtype)
    found = loaded(written(tensor("0", 3, (3,), (1,), kind=f"{kind}Storage"), given)).numpy()
    assert (found.dtype, found.tolist()) == (given.dtype, given.tolist())


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
def test_bfloat16_becomes_float32_and_says_so(written):
    half = (np.array([1.5, -2.0, 0.0, np.inf], "<f4").view("<u4") >> 16).astype("<u2")
    body = dictionary(
        a=tensor("0", 4, (4,), (1,), kind="BFloat16Storage"), b=tensor("0", 4, (1,), (1,), kind="BFloat16Storage")
    )
    with pytest.warns(UserWarning, match="load: the file: bfloat16 becomes float32") as record:
        found = loaded(written(body, half))
    assert len(record) == 1
    assert found["a"].dtype == tg.float32
    assert found["a"].tolist() == [1.5, -2.0, 0.0, np.inf]
    found["a"][0] = 7.0
    assert found["b"].item() == 7.0


def test_plain_containers_are_what_they_were(tmp_path):
    """As Python's own pickle writes them, in every protocol."""
    given = {
        "a": [1, 2.5, None, True, "é", b"\xff", (1,), (1, 2, 3, 4), 2**70, -1, 300, 70000],
        "o": OrderedDict(b=1, a=2), "c": Counter("aab"), "s": {1, 2}, "f": frozenset("a"), "z": 1 - 2j,
        "d": deque([1, 2]), "ba": bytearray(b"ab"), 7: {}, "array": np.arange(6.0).reshape(2, 3).T, "n": np.float32(2),
        "word": np.str_("w"), "r": range(1, 9, 2),
    }  # fmt: skip
    shared = given["shared"] = [1]
    given["again"] = shared
    for protocol in range(2, 6):
        content = zipped(pickle.dumps(given, protocol)[2:-1] if protocol == 2 else pickle.dumps(given, protocol)[:-1])
        found = loaded(content)
        assert list(found) == list(given)
        for key, value in given.items():
            assert type(found[key]) is type(value)
            assert np.array_equal(found[key], value) if key == "array" else found[key] == value
        assert found["again"] is found["shared"]


def test_names_of_pytorchs_that_are_values():
    body = (
        b"(ctorch\nfloat16\nctorch\nSize\n(" + integers(2, 3) + b"tRctorch\ndevice\n(" + text("cuda") + b"K\x01tR"
        b"ctorch.serialization\n_get_layout\n(" + text("torch.strided") + b"tRt"
    )  # fmt: skip
    assert loaded(zipped(body)) == (np.dtype("f2"), (2, 3), "cuda:1", "torch.strided")


# --- an enemy's -------------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return eval, ("1 + 1",)


REFUSED = {
    "a call": (pickle.dumps(Evil(), 2)[2:-1], "asks for __builtin__.eval, which is refused"),
    "a name": (b"cos\nsystem\n", "asks for os.system, which is refused"),
    "a name in two parts": (text("os") + text("system") + b"\x93", "asks for os.system, which is refused"),
    "a nested file": (b"ctorch.storage\n_load_from_bytes\n(" + text("x") + b"tR", "_load_from_bytes, which is refused"),
    "an instance": (b"(ios\nsystem\n", "INST, which data do not need"),
    "an object": (b"(cbuiltins\nset\no", "OBJ, which data do not need"),
    "an extension": (b"\x82\x01", "EXT1, which data do not need"),
    "a type by itself": (b"ctorch\nFloatStorage\n", "it holds torch.FloatStorage, which is refused"),
    "a type called": (b"ctorch\nTensor\n)R", "it calls torch.Tensor, which is refused"),
    "attributes": (b"]}b", "sets attributes of a list, which is refused"),
    "a large buffer": (b"cbuiltins\nbytearray\n(J\xff\xff\xff\x7ftR", "a int stands where it cannot"),
    "beyond its storage": (tensor("0", 6, (7,), (1,)), "goes beyond its storage of 6 elements"),
    "beyond, by its stride": (tensor("0", 6, (2, 2), (5, 1)), "goes beyond its storage"),
    "beyond, by its offset": (tensor("0", 6, (2,), (1,), offset=5), "goes beyond its storage"),
    "a negative offset": (tensor("0", 6, (2,), (1,), offset=-1), "a damaged shape"),
    "a negative stride": (tensor("0", 6, (2,), (-1,), offset=1), "a damaged shape"),
    "a negative size": (tensor("0", 6, (-2,), (1,)), "a damaged shape"),
    "a longer storage": (tensor("0", 7, (2,), (1,)), "a storage has 24 bytes instead of 28"),
    "another storage": (tensor("../../etc/passwd", 6, (2,), (1,)), "model/data/../../etc/passwd is missing"),
    "two dtypes": (
        dictionary(a=tensor("0", 6, (1,), (1,)), b=tensor("0", 6, (1,), (1,), kind="IntStorage")), "two dtypes",
    ),
    "no storage": (b"ctorch._utils\n_rebuild_tensor_v2\n(NK\x00))\x89NtR", "a tensor has no storage"),
    "sparse": (b"ctorch._utils\n_rebuild_sparse_tensor\n", "torch._utils._rebuild_sparse_tensor, which is refused"),
    "float8": (b"ctorch\nfloat8_e4m3fn\n", "torch.float8_e4m3fn, which is refused"),
    "an empty stack": (b"0", "the pickle is damaged"),
    "no mark": (b"t", "the pickle is damaged"),
    "an unknown memo": (b"h\x07", "the pickle is damaged"),
    "a list as a key": (b"}]K\x01s", "the pickle is damaged"),
    "objects": (b"cnumpy\ndtype\n(" + text("O8") + b"tR", "arrays of dtype object are not read"),
    "a long string": (b"X\xff\xff\xff\x7fabc", "expected 2147483647 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_by_name(name, tmp_path):
    body, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"load: the file cannot be read: .*{message}"):
        loaded(zipped(body, SIX))
    (tmp_path / "a.pt").write_bytes(legacy(body, SIX))
    with pytest.raises(ValueError, match="load: .*a.pt cannot be read"):
        tg.load(tmp_path / "a.pt")


def test_zip_bombs_and_other_archives_are_refused():
    body = dictionary(w=tensor("0", 10**6, (10**6,), (1,)))
    with pytest.raises(ValueError, match="is missing, compressed or encrypted"):
        loaded(zipped(body, np.zeros(10**6, "<f4"), how=zipfile.ZIP_DEFLATED))
    with pytest.raises(ValueError, match="TorchScript"):
        loaded(zipped(body, extra=[("constants.pkl", b"")]))
    with pytest.raises(ValueError, match="TorchScript archive, or another zip file"):
        loaded(zipped(body, prefix="a/b").replace(b"data.pkl", b"data.txt"))
    with pytest.raises(ValueError, match="big-endian"):
        loaded(zipped(body, extra=[("byteorder", b"big")]))


def test_entries_that_claim_more_than_the_file_are_refused():
    body = dictionary(a=tensor("0", 99, (99,), (1,)), b=tensor("1", 99, (99,), (1,)))
    content = zipped(body, np.ones(99, "<f4"), np.ones(99, "<f4"))
    assert loaded(content)["b"].tolist() == [1] * 99
    with pytest.raises(ValueError, match="its entries are larger than the file"):
        loaded(content.replace(struct.pack("<I", 396), struct.pack("<I", len(content) - 100)))


@pytest.mark.parametrize("written", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("mmap", [False, True])
def test_damaged_files_never_do_worse_than_an_error(written, mmap, tmp_path):
    whole = written(dictionary(w=tensor("0", 6, (2, 3), (3, 1)), n=b"K\x07"), SIX)
    path = tmp_path / "a.pt"
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="load: "):
            tg.load(path, mmap=mmap)
    for position in range(0, len(whole), 3):
        broken = bytearray(whole)
        broken[position] ^= 1 << position % 8
        path.write_bytes(broken)
        try:
            found = tg.load(path, mmap=mmap)
        except ValueError:
            continue
        assert isinstance(found, (dict, int, str, list, tuple, type(None), float, bytes, bool, tg.Tensor))


def test_a_deep_pickle_does_not_exhaust_the_stack():
    found = loaded(zipped(b"]" * 5000 + b"a" * 4999))
    for _ in range(4999):
        (found,) = found
    assert found == []


# --- PyTorch's own ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_what_pytorch_saves(new, tmp_path, torch):
    path = tmp_path / "a.pt"
    w = torch.arange(12.0).reshape(3, 4)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    optimizer = torch.optim.AdamW(model.parameters(), amsgrad=True)
    model(w).sum().backward()
    optimizer.step()
    given = {
        "w": w, "tied": w.t(), "part": w[1:, ::2],
        "conj": torch.tensor([1 + 2j]).conj(), "neg": torch.tensor([1j]).conj().imag,
        "parameter": torch.nn.Parameter(torch.ones(2)), "wide": torch.tensor([7], dtype=torch.uint16),
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "size": w.shape, "epoch": 3,
        "array": np.arange(3), "best": np.float64(0.5),
    }  # fmt: skip
    torch.save(given, path, _use_new_zipfile_serialization=new)
    found = tg.load(path)
    for name in ("w", "tied", "part", "conj", "neg", "wide"):
        assert found[name].tolist() == given[name].tolist()
        assert str(found[name].dtype) == str(given[name].dtype).removeprefix("torch.")
    assert np.shares_memory(found["w"].numpy(), found["tied"].numpy())
    assert np.shares_memory(found["w"].numpy(), found["part"].numpy())
    assert found["parameter"].requires_grad
    assert (found["size"], found["epoch"], found["best"], found["array"].tolist()) == ((3, 4), 3, 0.5, [0, 1, 2])
    ours = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    assert str(ours.load_state_dict(found["model"])) == "<All keys matched successfully>"
    step = optim.AdamW(ours.parameters(), amsgrad=True)
    step.load_state_dict(found["optimizer"])
    assert np.array_equal(step.state[ours[0].weight]["exp_avg"], optimizer.state[model[0].weight]["exp_avg"].numpy())


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_pytorch_goes_on_with_what_we_save(name, tmp_path, torch):
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    ours, theirs = nn.Linear(3, 2), torch.nn.Linear(3, 2)
    first = getattr(optim, name)(ours.parameters(), lr=0.1, **options)
    second = getattr(torch.optim, name)(theirs.parameters(), lr=0.5, **options)

    def step(model, optimizer, ones):
        optimizer.zero_grad()
        (model(ones(4, 3)) ** 2).sum().backward()
        optimizer.step()

    step(ours, first, tg.ones)
    state = {"model": ours.state_dict(), "optimizer": first.state_dict(), "tied": [ours.weight, ours.weight]}
    tg.save(state, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert found["tied"][0].data_ptr() == found["tied"][1].data_ptr()
    theirs.load_state_dict(found["model"])
    second.load_state_dict(found["optimizer"])
    for _ in range(2):
        step(ours, first, tg.ones)
        step(theirs, second, torch.ones)
    np.testing.assert_allclose(ours.weight.detach().numpy(), theirs.weight.detach().numpy(), rtol=1e-5)


def test_what_pytorch_reads_of_ours(tmp_path, torch):
    given = {
        "a": [None, True, 1, -(2**70), 0.5, float("inf"), "é", b"\xff\0", (), (1, (2,)), [], {1: "x"}],
        "o": OrderedDict(b=1, a=2), "c": Counter("aab"), "s": {1, 2}, "z": 1 - 2j,
    }  # fmt: skip
    tensors = {
        "t": tg.arange(6).reshape(2, 3).T,
        "h": tg.ones(2, dtype=tg.float16),
        "z": tg.tensor([1 + 2j]),
        "0": tg.ones(()),
    }
    tg.save({**given, "tensors": tensors, "d": tg.float32}, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True)
    assert {key: found[key] for key in given} == given
    for name, value in tensors.items():
        assert found["tensors"][name].tolist() == value.tolist()
        assert str(found["tensors"][name].dtype) == f"torch.{value.dtype}"
    assert found["d"] is torch.float32
    tg.save({"n": np.float32(2), "array": np.ones(2), "r": range(3)}, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=False)
    assert (found["n"], found["array"].tolist(), found["r"]) == (2.0, [1, 1], range(3))
