"""Devices: the CPU's object, names of others, and what needs a GPU and says so."""

from __future__ import annotations

import copy
import pickle

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


def test_a_device_is_an_object_that_equals_its_text():
    cpu, gpu = tg.device("cpu"), tg.device("cuda:1")
    assert (cpu.type, cpu.index, gpu.type, gpu.index) == ("cpu", None, "cuda", 1)
    assert cpu == "cpu"
    assert cpu != gpu
    assert gpu == "cuda:1"
    assert tg.device("cuda", 1) == tg.device(1) == gpu
    assert tg.device(gpu) == gpu
    assert {cpu: 1}["cpu"] == 1
    assert (str(gpu), repr(gpu), repr(cpu)) == ("cuda:1", "device(type='cuda', index=1)", "device(type='cpu')")
    assert pickle.loads(pickle.dumps(gpu)) == copy.deepcopy(gpu) == gpu
    assert (tg.ones(2).device, tg.ones(2).device.type, tg.ones(2).get_device()) == (cpu, "cpu", -1)
    for wrong in ("gpu", "cuda:x", None, "float32"):
        with pytest.raises(RuntimeError, match="device: expected one of cpu, cuda"):
            tg.device(wrong)
    with pytest.raises(AttributeError, match="device: type cannot be set"):
        cpu.type = "cuda"


def test_the_cpu_is_accepted_everywhere():
    x = tg.ones(2, device=tg.device("cpu"))
    for moved in (
        x.to(tg.device("cpu")),
        x.to("cpu"),
        x.to(x.device, tg.float64),
        x.to("cpu", non_blocking=True),
        x.cpu(),
    ):
        assert moved.tolist() == [1, 1]
    assert x.to(x.device, tg.float64).dtype is tg.float64
    model = nn.Linear(2, 1).to(x.device)
    assert model.to(tg.device("cpu"), tg.float64, non_blocking=True).weight.dtype is tg.float64
    assert model.half().weight.dtype is tg.float16
    assert model.type(tg.float32).weight.dtype is tg.float32
    assert model._get_name() == "Linear"
    assert not x.is_cuda


@pytest.mark.parametrize(
    "call",
    [
        lambda: tg.ones(2).to("cuda"), lambda: tg.ones(2).to(tg.device("cuda:0")), lambda: tg.zeros(2, device="cuda"),
        lambda: tg.tensor(1.0, device=tg.device("mps")), lambda: nn.Linear(1, 1).to(tg.device("cuda")),
        lambda: nn.Linear(1, 1, device="cuda"), lambda: tg.ones(1).cuda(), lambda: nn.Linear(1, 1).cuda(),
        lambda: tg.cuda.synchronize(), lambda: tg.cuda.current_device(), lambda: tg.cuda.get_device_name(0),
        lambda: tg.cuda.set_device(0),
    ],
)  # fmt: skip
def test_what_needs_a_gpu_says_so(call):
    with pytest.raises((RuntimeError, ValueError), match="CPU|cpu"):
        call()


def test_what_can_do_nothing_without_a_gpu_does_nothing():
    tg.manual_seed(3)
    before = tg.rand(2).tolist()
    tg.manual_seed(3)
    tg.cuda.manual_seed(5)
    tg.cuda.manual_seed_all(5)
    tg.cuda.empty_cache()
    tg.cuda.reset_peak_memory_stats()
    assert tg.rand(2).tolist() == before
    assert (tg.cuda.is_available(), tg.cuda.is_initialized(), tg.cuda.device_count()) == (False, False, 0)
    assert tg.cuda.memory_allocated() == tg.cuda.max_memory_allocated() == tg.cuda.memory_reserved() == 0


@pytest.mark.parametrize("values", [[[0.0, 2.0, 0.0], [3.0, 0.0, 4.0]], [0.0, 1.0, 2.0], [[0.0, 0.0]]])
def test_the_parts_of_a_sparse_form_are_pytorchs(values):
    torch = pytest.importorskip("torch")
    x = tg.tensor(values, requires_grad=True)
    with pytest.warns(UserWarning, match="stored densely"):
        ours = x.to_sparse().coalesce()
    theirs = torch.tensor(values).to_sparse().coalesce()
    assert ours._indices().shape == tuple(theirs._indices().shape)
    assert ours._indices().tolist() == theirs._indices().tolist()
    assert ours._values().tolist() == theirs._values().tolist()
    assert ours._nnz() == theirs._nnz()
    ours._values().sum().backward()
    assert x.grad.tolist() == (torch.tensor(values) != 0).float().tolist()
