"""`training.Checkpoint`: a run goes on to the last bit, whatever ended it, and no file is lost, stray or mistaken."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, training
from tinygrad_lite.training import checkpoint_files, termination
from tinygrad_lite.utils.data import DataLoader, TensorDataset


def made(folder, *, width: int = 4, lr: float = 0.1, **options):
    """A small run: its model, and its checkpoint."""
    model = nn.Linear(width, 1)
    options.setdefault("on_sigterm", False)
    return model, training.Checkpoint(folder, model=model, optimizer=optim.Adam(model.parameters(), lr=lr), **options)


def files(folder) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes that were forked")
def test_killed_at_random_moments():
    done = subprocess.run(
        [sys.executable, "-m", "tests.kill", "--kills=4", "--steps=60"],
        cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("4 kills")


def test_epochs_go_on_where_they_were(tmp_path):
    """Whatever step a run is left after, its epochs see the batches that they would have seen."""
    x = tg.arange(10)

    def run(folder, last=10**6, save_at_end=False):
        tg.manual_seed(0)
        loader = DataLoader(TensorDataset(x), batch_size=3, shuffle=True)
        checkpoint = training.Checkpoint(folder, loader=loader, every=1, keep=None, on_sigterm=False)
        checkpoint.resume()
        seen, ends = [], []
        for epoch in checkpoint.epochs(3):
            for (batch,) in loader:
                if checkpoint.step == last:
                    return seen, ends
                seen.append((epoch, checkpoint.step, batch.tolist()))
                checkpoint.after_step()
            ends.append(epoch)
            if save_at_end:
                checkpoint.save()
            checkpoint.wait()
        return seen, ends

    whole, _ = run(tmp_path / "whole")
    assert [len(batch) for _, _, batch in whole] == [3, 3, 3, 1] * 3
    for last in range(1, 12):
        folder = tmp_path / str(last)
        first, _ = run(folder, last)
        rest, ends = run(folder)
        assert first + rest == whole, last
        assert ends == list(range((last - 1) // 4 if last % 4 == 0 else last // 4, 3)), "an epoch's end is not left out"
    assert run(tmp_path / "ends", save_at_end=True)[1] == [0, 1, 2]
    assert run(tmp_path / "ends") == ([], [])


def test_all_generators_go_on(tmp_path):
    _, checkpoint = made(tmp_path)
    checkpoint.save()
    drawn = tg.rand(2).tolist(), np.random.rand(2).tolist(), random.random()  # noqa: NPY002
    made(tmp_path)[1].resume()
    assert (tg.rand(2).tolist(), np.random.rand(2).tolist(), random.random()) == drawn  # noqa: NPY002


def test_the_copy_is_of_the_moment(tmp_path):
    model, checkpoint = made(tmp_path)
    before = model.weight.tolist()
    checkpoint.save()
    with tg.no_grad():
        model.weight.fill_(7)
    checkpoint.wait()
    assert checkpoint.resume() == 0
    assert model.weight.tolist() == before


def test_newest_and_best_are_kept(tmp_path):
    _, checkpoint = made(tmp_path, keep=2, best="max", every=1)
    for score in (0.5, 0.9, None, 0.9, float("nan"), 0.3):
        checkpoint.after_step(score)
        checkpoint.save()  # once more, which takes no score away
    checkpoint.wait()
    assert files(tmp_path) == [f"step-{n:010}.safetensors" for n in (2, 5, 6)]
    (tmp_path / f".step-0000000006.safetensors.{'0' * 16}.tinygrad_lite.tmp").touch()  # of one that was killed
    again = made(tmp_path, keep=2, best="max", every=1)[1]
    assert again.resume() == 6
    assert again.resume(best=True) == 2
    again.save()
    assert again.resume(best=True) == 2
    again.after_step(0.1)
    again.wait()
    assert files(tmp_path) == [f"step-{n:010}.safetensors" for n in (2, 3)], "later steps are no more"
    with pytest.raises(ValueError, match="best must be given"):
        made(tmp_path)[1].resume(best=True)


def damaged(content: bytes) -> list[bytes]:
    """What can become of a file: cut short, empty, a bit of a number or of the head turned."""
    flipped = []
    for place in (content.index(b"Linear") + 1, len(content) - 3):
        copy = bytearray(content)
        copy[place] ^= 1
        flipped.append(bytes(copy))
    return [content[:-1], content[: len(content) // 2], b"", *flipped]


def test_damaged_files_are_passed_over(tmp_path):
    model, checkpoint = made(tmp_path, every=1)
    for _ in range(2):
        checkpoint.after_step()
    checkpoint.wait()
    older, newer = (tmp_path / name for name in files(tmp_path))
    whole = newer.read_bytes()
    for content in damaged(whole):
        newer.write_bytes(content)
        with pytest.warns(UserWarning, match="step-0000000002.safetensors is passed over"):
            assert made(tmp_path)[1].resume() == 1
    newer.write_bytes(whole)
    assert made(tmp_path)[1].resume() == 2
    for path in (older, newer):
        path.write_bytes(whole[:-1])
    with pytest.warns(UserWarning, match="passed over"), pytest.raises(ValueError, match="none of the 2 files"):
        made(tmp_path)[1].resume()
    assert len(files(tmp_path)) == 2


def test_lazy_layers_get_their_sizes(tmp_path):
    model = nn.Sequential(nn.LazyLinear(3))
    model(tg.ones(1, 2))
    training.Checkpoint(tmp_path, model=model).save()
    fresh = nn.Sequential(nn.LazyLinear(3))
    training.Checkpoint(tmp_path, model=fresh).resume()
    assert fresh[0].weight.tolist() == model[0].weight.tolist()


def test_of_another_program(tmp_path):
    _, checkpoint = made(tmp_path)
    checkpoint.save()
    checkpoint.wait()
    model, other = made(tmp_path, width=5)
    before = model.weight.tolist()
    with pytest.raises(ValueError, match=r"model's weight is float32 \(1, 5\) here and float32 \(1, 4\) there"):
        other.resume()
    assert model.weight.tolist() == before
    sgd = training.Checkpoint(tmp_path, model=nn.Linear(4, 1), optimizer=optim.SGD(lr=0.1), rng=False)
    with pytest.raises(ValueError, match="optimizer is SGD here and Adam there; rng is missing here"):
        sgd.resume()
    with pytest.raises(ValueError, match=r"files of an earlier run; call resume\(\)"):
        made(tmp_path)[1].save()
    tg.save({"w": tg.ones(1)}, tmp_path / "step-0000000009.safetensors")
    with pytest.raises(ValueError, match="was not written by Checkpoint"):
        made(tmp_path)[1].resume()


def test_what_does_not_load_changes_nothing(tmp_path):
    class Refusing:
        state_dict = staticmethod(dict)

        def __init__(self, refuses):
            self.refuses = refuses

        def load_state_dict(self, state_dict):
            if self.refuses:
                self.refuses = False
                raise ValueError("not mine")

    made(tmp_path, other=Refusing(False))[1].save()
    model, checkpoint = made(tmp_path, other=Refusing(True))
    before = model.weight.tolist()
    with pytest.raises(ValueError, match="not mine"):
        checkpoint.resume()
    assert model.weight.tolist() == before


def test_due_by_time_and_in_time(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    _, checkpoint = made(tmp_path, every_seconds=10, time_limit=100, keep=None)

    def train():
        for _ in range(50):
            now[0] += 4
            checkpoint.after_step()
            checkpoint.wait()  # so that saving takes no time by this clock

    with pytest.raises(SystemExit) as caught:
        train()
    assert caught.value.code == 75
    assert checkpoint.step == 23  # at 92 s: with twice the longest step that is 100
    assert checkpoint_files.steps(tmp_path) == [3, 6, 9, 12, 15, 18, 21, 23]


def test_sigterm(tmp_path, monkeypatch):
    """The step is done, everything is saved, and then the process ends as it would have."""
    ended = []
    own = signal.signal(signal.SIGTERM, lambda *_: ended.append(checkpoint_files.steps(tmp_path)))
    monkeypatch.setattr(termination, "_before", [])
    try:
        _, checkpoint = made(tmp_path, on_sigterm=True)
        checkpoint.after_step()
        signal.raise_signal(signal.SIGTERM)
        assert ended == []
        assert checkpoint_files.steps(tmp_path) == []
        with pytest.raises(SystemExit, match="143"):  # as the handler does not end the process
            checkpoint.after_step()
        assert ended == [[2]]
    finally:
        signal.signal(signal.SIGTERM, own)


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    _, checkpoint = made(tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        checkpoint.save()

    class Odd:
        load_state_dict = staticmethod(lambda state: None)
        state_dict = staticmethod(lambda: {"f": print})

    checkpoint = training.Checkpoint(tmp_path, odd=Odd())
    checkpoint.save()
    with pytest.raises(TypeError, match="odd"):
        checkpoint.wait()
    assert files(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"keep": 0}, "keep must be an integer of at least 1"),
        ({"every": 1.5}, "every must be an integer"),
        ({"every_seconds": 0}, "every_seconds must be a number of seconds above 0"),
        ({"best": "loss"}, "best must be 'min', 'max' or None"),
        ({"model": 3}, "model must have state_dict"),
    ],
)
def test_options_are_checked(tmp_path, options, says):
    with pytest.raises((ValueError, TypeError), match=says):
        training.Checkpoint(tmp_path, **options)


def test_an_interrupt_while_parts_are_loaded_changes_nothing(tmp_path):
    class Stopped:
        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            if not self.told:
                self.told = True
                raise KeyboardInterrupt

    first, second = nn.Linear(2, 1), nn.Linear(2, 1)
    one = Stopped()
    training.Checkpoint(tmp_path, model=first, other=one).save()
    one.told, before = False, second.weight.tolist()
    with pytest.raises(KeyboardInterrupt):
        training.Checkpoint(tmp_path, model=second, other=one).resume()
    assert second.weight.tolist() == before != first.weight.tolist()
