"""Whole modules and other objects in PyTorch's files: saved and loaded here, and from one library to the other."""

from __future__ import annotations

import argparse
import copy
import io
import pickle
import warnings

import numpy as np
import pytest
from layers_table import LAYERS

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def through(value, save=tg.save, load=tg.load, **options):
    with io.BytesIO() as file:
        save(value, file, **options)
        file.seek(0)
        return load(file, weights_only=False)


class Net(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.width = width
        self.first = nn.Linear(2, width)
        self.tied = self.first.weight
        self.register_buffer("kept", tg.arange(2))
        self.register_buffer("dropped", tg.ones(1), persistent=False)
        self.activation = F.gelu

    def forward(self, x):
        return self.activation(self.first(x))


class Plus:
    """A hook that pickle finds."""

    def __call__(self, module, args, output):
        return output + 1


def test_a_module_comes_back_as_it_was(tmp_path):
    net = Net(4)
    net.eval().first.weight.requires_grad_(False)
    net.register_forward_hook(Plus())
    for name in ("net.pt", "net.pth", "net", "net.ckpt"):
        tg.save(net, tmp_path / name)
        found = tg.load(tmp_path / name, weights_only=False)
        assert type(found) is Net
        assert (found.width, found.training, found.activation) == (4, False, F.gelu)
        assert list(found.state_dict()) == list(net.state_dict())
        assert [name for name, _ in found.named_buffers()] == ["kept", "dropped"]
        assert found.tied is found.first.weight
        assert type(found.tied) is nn.Parameter
        assert not found.tied.requires_grad
        assert found.first.bias.requires_grad
        x = tg.ones(3, 2)
        assert found(x).tolist() == net(x).tolist()
        found.register_forward_hook(Plus())
        assert found(x).tolist() == (net(x) + 1).tolist()


def test_it_is_asked_for(tmp_path):
    tg.save(nn.Linear(1, 1), tmp_path / "net.pt")
    for options in ({}, {"weights_only": True}):
        with pytest.raises(ValueError, match="asks for torch.nn.Linear, which is refused: .* with weights_only=False"):
            tg.load(tmp_path / "net.pt", **options)
    with pytest.raises(TypeError, match="save: cannot store the Linear at the top; save its state_dict"):
        tg.save(nn.Linear(1, 1), tmp_path / "net.safetensors")
    with pytest.raises((pickle.PicklingError, AttributeError), match="save: .*lambda"):
        tg.save({"f": lambda x: x}, tmp_path / "net.pt")
    with pytest.raises(TypeError, match="save: got an unexpected keyword argument 'protocol'"):
        tg.save(1, tmp_path / "net.pt", protocol=2)
    tg.save(1, tmp_path / "one.pt", pickle_module=pickle, pickle_protocol=4, _use_new_zipfile_serialization=False)
    assert tg.load(tmp_path / "one.pt", "cpu", pickle) == 1


def test_optimizers_and_schedulers(tmp_path):
    net = Net()
    optimizer = optim.AdamW(net.parameters(), lr=0.1)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2, 0.5)

    def step(net, optimizer, scheduler):
        optimizer.zero_grad()
        (net(tg.ones(1, 2)) ** 2).sum().backward()
        optimizer.step()
        scheduler.step()
        return net.first.weight.tolist(), scheduler.get_last_lr()

    step(net, optimizer, scheduler)
    found = through({"all": (net, optimizer, scheduler)}, format="torch")["all"]
    for _ in range(3):
        assert step(*found) == step(net, optimizer, scheduler)


def test_safe_globals(tmp_path):
    given = {"args": argparse.Namespace(lr=0.1, betas=(1, 2)), "w": tg.ones(2)}
    tg.save(given, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="asks for argparse.Namespace, which is refused"):
        tg.load(tmp_path / "a.pt")
    with tg.serialization.safe_globals([argparse.Namespace]):
        found = tg.load(tmp_path / "a.pt", weights_only=True)
        assert found["args"] == given["args"]
        assert found["w"].tolist() == [1, 1]
        tg.save({"net": Net()}, tmp_path / "b.pt")
        with pytest.raises(ValueError, match="Net, which is refused: it is not among the safe globals"):
            tg.load(tmp_path / "b.pt")
    with tg.serialization.safe_globals([(argparse.Namespace, "old.Options"), Net]):
        assert tg.serialization.get_safe_globals() == [(argparse.Namespace, "old.Options"), Net]
        with pytest.raises(ValueError, match="asks for argparse.Namespace"):
            tg.load(tmp_path / "a.pt")


def test_arrays_and_numbers_of_numpys_stay_so(tmp_path):
    given = {"a": np.arange(6.0).reshape(2, 3).T, "big": np.arange(3, dtype=">i4"), "n": np.float32(2), "t": tg.ones(2),
             "d": np.dtype("f4"), "text": np.array(["a", "bc"]), "word": np.str_("w")}  # fmt: skip
    tg.save(given, tmp_path / "a.pt")
    with pytest.raises(ValueError, match="big-endian"):
        tg.load(tmp_path / "a.pt")
    given["big"] = given["big"].astype("<i4")
    tg.save(given, tmp_path / "a.pt")
    for options in ({}, {"weights_only": False}):
        found = tg.load(tmp_path / "a.pt", **options)
        assert {name: type(value) for name, value in found.items()} == {n: type(v) for n, v in given.items()}
        for name in ("a", "big", "text"):
            assert np.array_equal(found[name], given[name])
            assert found[name].dtype == given[name].dtype
        assert (found["n"], found["d"], found["word"]) == (2, np.dtype("f4"), "w")


@pytest.mark.parametrize("mmap", [False, True])
def test_tensors_that_share_memory_share_it_again(tmp_path, mmap):
    whole = tg.arange(24.0).reshape(4, 6)
    alone = tg.arange(100.0)
    given = {"row": whole[1], "column": whole[:, 2], "whole": whole, "turned": whole.T, "flipped": whole.flip(0),
             "one": alone[10], "other": alone[20:22], "wide": tg.ones(1, 1).expand(3, 4), "none": whole[:0],
             "numpys": tg.from_numpy(np.arange(4.0)[::-1].copy()), "bits": whole.view(tg.int32)[0]}  # fmt: skip
    tg.save(given, tmp_path / "a.pt")
    assert (tmp_path / "a.pt").stat().st_size < 4000  # of what nobody asked for nothing is saved
    found = tg.load(tmp_path / "a.pt", mmap=mmap)
    for name, value in given.items():
        assert (found[name].tolist(), found[name].shape) == (value.tolist(), value.shape)
        assert name == "none" or found[name].stride() == value.stride()
    found["whole"][1, 2] = -1.0
    assert (found["row"][2].item(), found["column"][1].item(), found["turned"][2, 1].item()) == (-1, -1, -1)
    assert found["flipped"].tolist() == given["flipped"].tolist()


def test_gradients_attributes_and_subclasses_of_tensors(tmp_path):
    w = nn.Parameter(tg.ones(2))
    w.is_special = True
    leaf, result = tg.ones(1, requires_grad=True), w * 2
    leaf.tag = "input"
    found = through({"w": w, "leaf": leaf, "result": result, "frozen": w.detach()}, format="torch")
    assert (type(found["w"]), found["w"].is_special, found["w"].requires_grad) == (nn.Parameter, True, True)
    assert (found["leaf"].tag, found["leaf"].requires_grad) == ("input", True)
    assert (found["result"].is_leaf, found["result"].requires_grad) == (True, True)
    assert not found["frozen"].requires_grad
    assert tg.load(io.BytesIO(_bytes({"w": w})))["w"].is_special


def _bytes(value):
    with io.BytesIO() as file:
        tg.save(value, file, format="torch")
        return file.getvalue()


def test_dtypes_devices_and_sizes():
    given = {"d": tg.float16, "b": tg.bfloat16, "s": tg.ones(2, 3).shape, "on": tg.device("cpu")}
    for options in ({}, {"weights_only": False}):
        found = tg.load(io.BytesIO(_bytes(given)), **options)
        assert (found["d"], found["b"], found["s"]) == (tg.float16, tg.bfloat16, (2, 3))
        assert str(found["on"]) == "cpu"


# --- from one library to the other ------------------------------------------------------------------------------------


def same(ours, theirs):
    for a, b in zip(ours if isinstance(ours, tuple) else [ours], theirs if isinstance(theirs, tuple) else [theirs]):
        if isinstance(a, tuple):
            same(a, b)
        else:
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


def draws(row):
    rng = np.random.default_rng(0)
    return [given.draw(rng) for given in row.inputs or ()]


CALLED = [row for row in LAYERS if row.in_torch and row.inputs is not None]


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_every_layer_of_pytorchs_is_read(new, torch):
    for row in CALLED:
        theirs = row.build(torch.nn, lambda values: torch.tensor(np.asarray(values))).double().eval()
        ours = through(theirs, torch.save, tg.load, _use_new_zipfile_serialization=new)
        assert type(ours).__name__ == type(theirs).__name__
        assert repr(ours) == repr(row.build(nn, lambda values: tg.tensor(np.asarray(values))).eval())
        if not row.random:
            arrays = draws(row)
            same(ours(*map(tg.tensor, arrays)), theirs(*map(torch.tensor, arrays)))
        again = copy.deepcopy(ours).train()
        assert list(again.state_dict()) == list(theirs.state_dict())


def test_every_layer_is_read_by_pytorch(torch):
    for row in CALLED:
        ours = row.build(nn, lambda values: tg.tensor(np.asarray(values))).double().eval()
        theirs = through(ours, tg.save, torch.load, format="torch")
        assert isinstance(theirs, torch.nn.Module)
        if not row.random:
            arrays = draws(row)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of PyTorch's
                same(ours(*map(tg.tensor, arrays)), theirs(*map(torch.tensor, arrays)))
        assert list(theirs.state_dict()) == list(ours.state_dict())
        assert theirs.train().training
