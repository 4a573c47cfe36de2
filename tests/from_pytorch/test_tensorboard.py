"""`SummaryWriter`: its files read back by a decoder of the wire format written here, and by PyTorch's where it is."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite.utils.tensorboard import SummaryWriter
from tinygrad_lite.utils.tensorboard.event_file import crc32c


def fields(data: bytes) -> dict[int, list]:
    """The fields of a message: integers, bytes of 4 and 8, and bytes."""
    found: dict[int, list] = {}
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        size = {1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            value = varint()
        else:
            size = varint() if size is None else size
            value, at = data[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def events(folder: Path) -> list[dict[int, list]]:
    (path,) = folder.glob("events.out.tfevents.*")
    data, found = path.read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + size]
        for covered, crc in ((data[:8], data[8:12]), (body, data[12 + size : 16 + size])):
            sum_ = crc32c(covered)
            assert struct.unpack("<I", crc)[0] == ((sum_ >> 15 | sum_ << 17) + 0xA282EAD8) % 2**32
        found.append(fields(body))
        data = data[16 + size :]
    return found


def values(folder: Path) -> list[tuple[int, str, dict[int, list]]]:
    """Step, tag and fields of everything in a folder's file."""
    first, *rest = events(folder)
    assert first[3] == [b"brain.Event:2"]
    summaries = [(event.get(2, [0])[0], fields(fields(event[5][0])[1][0])) for event in rest]
    return [(step, value[1][0].decode(), value) for step, value in summaries]


def test_the_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, appendix B.4, and the catalogue of CRCs
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_scalars_and_texts(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", tg.tensor(0.5, requires_grad=True), 3)
        writer.add_scalar("loss", np.float32(1e30), 300)
        writer.add_text("args", "|a|\n|-|", 1)
        writer.add_scalars("both", {"a": 1, "b": 2.0}, 4)
        writer.add_hparams({"lr": 0.1}, {"best": 2.0})
        assert writer.get_logdir() == str(tmp_path)
        with pytest.raises(ValueError, match=r"add_scalar: scalar_value must be one number, got shape \(2,\)"):
            writer.add_scalar("loss", tg.ones(2))
    found = values(tmp_path)
    assert [(step, tag) for step, tag, _ in found] == [
        (3, "loss"), (300, "loss"), (1, "args/text_summary"), (0, "hparams/text_summary"), (0, "best"),
    ]  # fmt: skip
    assert [struct.unpack("<f", found[i][2][2][0])[0] for i in (0, 1, 4)] == [0.5, np.float32(1e30), 2.0]
    assert fields(found[2][2][8][0])[8] == [b"|a|\n|-|"]
    for name, value in (("a", 1.0), ("b", 2.0)):
        ((step, tag, fields_),) = values(tmp_path / f"both_{name}")
        assert (step, tag, struct.unpack("<f", fields_[2][0])[0]) == (4, "both", value)


def test_histograms_hold_every_value(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("w", tg.tensor([-1.0, 0.0, 0.0, 2.0]), 1)
        writer.add_histogram("w", np.arange(10), 2, bins=5)
        with pytest.raises(ValueError, match="add_histogram: values must be finite numbers"):
            writer.add_histogram("w", tg.tensor([float("nan")]))
    for (_, _, value), total, count in zip(values(tmp_path), (1.0, 45.0), (4, 10), strict=True):
        told = fields(value[5][0])
        limits, counts = (np.frombuffer(told[i][0], "<f8") for i in (6, 7))
        assert [struct.unpack("<d", told[i][0])[0] for i in (3, 4)] == [count, total]
        assert counts.sum() == count
        assert len(limits) == len(counts)
        assert (np.diff(limits) > 0).all()


def test_images_are_pngs(tmp_path):
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("a", picture, 1, dataformats="HWC")
        writer.add_image("a", tg.tensor([[0.0, 1.0]]), dataformats="HW")
        writer.add_images("a", tg.zeros(2, 1, 3, 4))
        with pytest.raises(ValueError, match="add_image: dataformats must name the dimensions"):
            writer.add_image("a", picture, dataformats="HW")
        with pytest.warns(UserWarning, match="are not written"):
            writer.add_graph(None)
    found = [fields(value[4][0]) for _, _, value in values(tmp_path)]
    assert [(f[1], f[2], f[3]) for f in found] == [([2], [3], [3]), ([1], [2], [1]), ([6], [4], [1])]
    png = found[0][4][0]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    (size,) = struct.unpack(">I", png[33:37])
    rows = np.frombuffer(zlib.decompress(png[41 : 41 + size]), np.uint8).reshape(2, 10)
    assert (rows[:, 0] == 0).all()
    np.testing.assert_array_equal(rows[:, 1:].reshape(2, 3, 3), picture)


def test_the_default_folder_is_named_by_time_and_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SummaryWriter(comment="_lr0.1").close()
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.endswith("_lr0.1")


def test_tensorboard_reads_it(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar("loss", 0.25, 7)
        writer.add_histogram("w", np.arange(5.0), 7)
    read = accumulators.EventAccumulator(str(tmp_path), {"histograms": 0})
    read.Reload()
    assert [(e.step, e.value) for e in read.Scalars("loss")] == [(7, 0.25)]
    assert read.Histograms("w")[0].histogram_value.num == 5
