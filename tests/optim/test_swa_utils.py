"""Averages of weights: against their definitions, and against PyTorch's models, schedules and state dicts."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.optim import lr_scheduler, swa_utils
from tinygrad_lite.optim.kernels import weight_average as average


@pytest.fixture
def torch():
    found = pytest.importorskip("torch", reason="compares with PyTorch: pip install 'tinygrad_lite[oracle]'")
    pytest.importorskip("torch.optim.swa_utils")
    return found


def model_of(library, dtype="float64"):
    layers = library.nn if library is not tg else nn
    model = layers.Sequential(layers.Linear(3, 4), layers.BatchNorm1d(4), layers.ReLU(), layers.Linear(4, 1))
    return model.to(getattr(library, dtype))


def utilities(library):
    return swa_utils if library is tg else library.optim.swa_utils


def fill(model, seed: int) -> None:
    """Give a model's parameters and buffers values."""
    rng = np.random.default_rng(seed)
    for tensor in (*model.parameters(), *model.buffers()):
        value = rng.uniform(0.5, 2.0, tuple(tensor.shape)) if tensor.ndim else 10 * (seed + 1)
        array = tensor.detach().numpy()
        array[...] = value


def arrays(state_dict) -> dict[str, np.ndarray]:
    return {key: np.asarray(value.detach()) for key, value in state_dict.items()}


def assert_close(ours, theirs, rtol=1e-12) -> None:
    ours, theirs = arrays(ours), arrays(theirs)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert ours[key].dtype == value.dtype, key
        np.testing.assert_allclose(ours[key], value, rtol=rtol, err_msg=key)


AVERAGES = {
    "default": lambda u: {},
    "swa": lambda u: {"avg_fn": u.get_swa_avg_fn()},
    "multi swa": lambda u: {"multi_avg_fn": u.get_swa_multi_avg_fn()},
    "ema": lambda u: {"avg_fn": u.get_ema_avg_fn(0.9)},
    "multi ema": lambda u: {"multi_avg_fn": u.get_ema_multi_avg_fn(0.9)},
    "own": lambda u: {"avg_fn": lambda averaged, current, n: averaged + (current - averaged) / (n + 2)},
}


# By definition


@pytest.mark.parametrize("name", ["default", "swa", "multi swa"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_plain_average(name, dtype):
    model = model_of(tg, dtype)
    averaged = swa_utils.AveragedModel(model, **AVERAGES[name](swa_utils))
    seen = []
    for seed in range(5):
        fill(model, seed)
        averaged.update_parameters(model)
        seen.append([p.detach().numpy().copy() for p in model.parameters()])
    for p, *values in zip(averaged.module.parameters(), *seen):
        assert p.dtype == np.dtype(dtype)
        rtol = 1e-6 if dtype == "float32" else 1e-14
        np.testing.assert_allclose(p.detach().numpy(), np.mean(values, axis=0), rtol=rtol)
    assert averaged.n_averaged.item() == 5
    for a, b in zip(averaged.module.buffers(), model.buffers()):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("name", ["ema", "multi ema"])
def test_the_exponential_average(name):
    model = model_of(tg)
    averaged = swa_utils.AveragedModel(model, **AVERAGES[name](swa_utils))
    expected = None
    for seed in range(5):
        fill(model, seed)
        averaged.update_parameters(model)
        values = [p.detach().numpy().copy() for p in model.parameters()]
        expected = values if expected is None else [0.9 * a + 0.1 * b for a, b in zip(expected, values)]
    for p, e in zip(averaged.module.parameters(), expected):
        np.testing.assert_allclose(p.detach().numpy(), e, rtol=1e-13)


def test_counts_are_averaged_to_counts():
    model = model_of(tg)
    averaged = swa_utils.AveragedModel(model, use_buffers=True)
    for seed in (0, 3, 3):  # counts of 10, 40, 40
        fill(model, seed)
        averaged.update_parameters(model)
    assert averaged.module[1].num_batches_tracked.dtype == np.int64
    assert averaged.module[1].num_batches_tracked.item() == 30  # (10 + 40) // 2 = 25, then 25 + 15 / 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_loop_agrees_with_its_twin(dtype):
    found = []
    for which in ("plain", "compiled"):
        a, b = np.linspace(-1, 2, 100, dtype=dtype), np.linspace(3, 1, 100, dtype=dtype)
        getattr(average.approach, which)(a, b, dtype(0.3))
        found.append(a)
    np.testing.assert_allclose(*found, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_the_model_itself_is_left_alone():
    model = model_of(tg)
    averaged = swa_utils.AveragedModel(model)
    before = {key: value.copy() for key, value in arrays(model.state_dict()).items()}
    fill(averaged.module, 7)
    assert all(np.array_equal(before[key], value) for key, value in arrays(model.state_dict()).items())
    x = tg.tensor(np.ones((2, 3)))
    averaged.eval()
    assert averaged(x).tolist() == averaged.module(x).tolist()


@pytest.mark.parametrize("name", AVERAGES)
def test_writes_are_announced(name):
    model = nn.Linear(2, 1)
    averaged = swa_utils.AveragedModel(model, **AVERAGES[name](swa_utils))
    averaged.update_parameters(model)
    fill(model, 1)
    waiting = averaged(tg.tensor([[1.0, 2.0]], requires_grad=True)).sum()
    averaged.update_parameters(model)
    with pytest.raises(RuntimeError, match="overwritten"):
        waiting.backward()


def test_transposed_parameters():
    """Arrays of other memory order go another way to the same average."""
    model = nn.Linear(3, 2)
    averaged = swa_utils.AveragedModel(model)
    averaged.update_parameters(model)
    start = model.weight.detach().numpy().copy()
    model.weight.data = np.asfortranarray(start + 2)
    averaged.update_parameters(model)
    np.testing.assert_allclose(averaged.module.weight.detach().numpy(), start + 1, rtol=1e-6)


def test_batch_statistics_are_the_averages_over_batches():
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((6, 3)) for _ in range(4)]
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout(0.5)).to(tg.float64)
    fill(model, 1)
    model.eval()
    model[0].train()
    swa_utils.update_bn(([tg.tensor(b), None] for b in batches), model)
    norm = model[0]
    means = [b.mean(axis=0) for b in batches]
    np.testing.assert_allclose(norm.running_mean.numpy(), np.mean(means, axis=0), rtol=1e-12)
    variances = [b.var(axis=0, ddof=1) for b in batches]
    np.testing.assert_allclose(norm.running_var.numpy(), np.mean(variances, axis=0), rtol=1e-12)
    assert (norm.momentum, norm.num_batches_tracked.item()) == (0.3, 4)
    assert [m.training for m in model.modules()] == [False, True, False]


def test_update_bn_puts_everything_back_when_the_data_fail():
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3)).eval()

    def loader():
        yield tg.tensor(np.ones((2, 3), np.float32))
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  # it is this one
        swa_utils.update_bn(loader(), model)
    assert model[0].momentum == 0.3
    assert not any(m.training for m in model.modules())
    swa_utils.update_bn(iter(()), nn.Linear(1, 1))  # nothing to compute


def test_bad_arguments_are_refused():
    model, u = nn.Linear(2, 1), swa_utils
    with pytest.raises(ValueError, match="AveragedModel: either avg_fn or multi_avg_fn can be given, got both"):
        u.AveragedModel(model, avg_fn=u.get_swa_avg_fn(), multi_avg_fn=u.get_swa_multi_avg_fn())
    for make in (u.get_ema_avg_fn, u.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=rf"{make.__name__}: decay must be in \[0, 1\], got 1.5"):
            make(1.5)
    averaged = u.AveragedModel(model)
    for other in (nn.Linear(3, 1), nn.Linear(2, 1, bias=False), nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1))):
        with pytest.raises(ValueError, match="AveragedModel.update_parameters: the model's parameters or buffers"):
            averaged.update_parameters(other)
    assert averaged.n_averaged.item() == 0
    sgd = optim.SGD(lr=0.1)
    with pytest.raises(ValueError, match="SWALR: anneal_strategy must be 'cos' or 'linear', got 'exp'"):
        u.SWALR(sgd, 0.05, anneal_strategy="exp")
    for epochs in (-1, 2.5):
        with pytest.raises(ValueError, match=f"SWALR: anneal_epochs must be an integer of at least 0, got {epochs}"):
            u.SWALR(sgd, 0.05, anneal_epochs=epochs)
    with pytest.raises(ValueError, match="SWALR: swa_lr must have one value for each of 1 groups, got 2"):
        u.SWALR(sgd, [0.1, 0.2])
    with pytest.raises(ValueError, match="SWALR: swa_lr must be at least 0, got -0.1"):
        u.SWALR(sgd, -0.1)
    with pytest.raises(TypeError, match="SWALR: optimizer must be an Optimizer, got Linear"):
        u.SWALR(model, 0.1)


def test_only_who_asks_for_it_loads_modules():
    code = (
        "import sys; from tinygrad_lite import optim\n"
        "assert 'tinygrad_lite.nn' not in sys.modules\n"
        "assert optim.swa_utils.AveragedModel and 'tinygrad_lite.nn' in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# PyTorch's


@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("name", AVERAGES)
def test_the_averages_are_pytorchs(name, use_buffers, torch):
    if use_buffers and name.startswith("multi"):
        name = name.removeprefix("multi ")  # PyTorch's do not take integers
    found = []
    for library in (tg, torch):
        model, u = model_of(library), utilities(library)
        averaged = u.AveragedModel(model, use_buffers=use_buffers, **AVERAGES[name](u))
        for seed in range(4):
            fill(model, seed)
            averaged.update_parameters(model)
        found.append(averaged.state_dict())
    assert found[0].keys() == {"n_averaged", *("module." + key for key in model.state_dict())}
    if name == "ema":  # 10 * 0.9 + 20 * 0.1 is a little less than 11 there
        for state in found:
            state.pop("module.1.num_batches_tracked")
    assert_close(*found, rtol=1e-7 if name == "multi swa" else 1e-12)  # whose weight is a float32 there


def test_an_averaged_model_goes_there_and_back(torch):
    model, other = model_of(tg), model_of(torch)
    ours, theirs = swa_utils.AveragedModel(model), torch.optim.swa_utils.AveragedModel(other)
    for seed in range(2):
        fill(other, seed)
        theirs.update_parameters(other)
    ours.load_state_dict(theirs.state_dict())
    for seed in range(2, 4):
        for a, m in ((ours, model), (theirs, other)):
            fill(m, seed)
            a.update_parameters(m)
    assert_close(ours.state_dict(), theirs.state_dict())
    back = torch.optim.swa_utils.AveragedModel(other)
    back.load_state_dict({key: torch.tensor(value) for key, value in arrays(ours.state_dict()).items()})
    for a, m in ((ours, model), (back, other)):
        fill(m, 9)
        a.update_parameters(m)
    assert_close(ours.state_dict(), back.state_dict())
    assert ours.n_averaged.item() == 5


def test_batch_statistics_are_pytorchs(torch):
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((n, 3)) for n in (6, 6, 2)]
    found = []
    for library in (tg, torch):
        model = model_of(library)
        fill(model, 0)
        utilities(library).update_bn([library.tensor(b) for b in batches], model)
        found.append(model.state_dict())
    assert_close(*found)


def optimizers(torch, lrs=(0.5, 0.02)):
    found = []
    for library in (optim, torch.optim):
        tensor = tg.tensor if library is optim else torch.tensor
        groups = [{"params": [tensor([1.0], requires_grad=True)], "lr": lr} for lr in lrs]
        found.append(library.SGD(groups, lr=0.1))
    return found


def rates(optimizer, schedule, steps: int) -> list[list[float]]:
    found = []
    for _ in range(steps):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 4, 10])
@pytest.mark.parametrize("swa_lr", [0.1, [0.1, 0.3]])
def test_swalr_is_pytorchs(strategy, epochs, swa_lr, torch):
    found = []
    for optimizer, u in zip(optimizers(torch), (swa_utils, torch.optim.swa_utils)):
        schedule = u.SWALR(optimizer, swa_lr, anneal_epochs=epochs, anneal_strategy=strategy)
        found.append(rates(optimizer, schedule, 14))
        assert schedule.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    np.testing.assert_array_equal(*found)


def test_swalr_after_another_schedule(torch):
    found = []
    for optimizer, u, s in zip(
        optimizers(torch), (swa_utils, torch.optim.swa_utils), (lr_scheduler, torch.optim.lr_scheduler)
    ):
        before = s.ExponentialLR(optimizer, 0.9)
        later = u.SWALR(optimizer, 0.1, anneal_epochs=4)
        found.append([*rates(optimizer, before, 5), *rates(optimizer, later, 8)])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_swalr_goes_there_and_back(strategy, torch):
    (a, b), (_, d) = optimizers(torch), optimizers(torch)
    theirs = torch.optim.swa_utils.SWALR(b, 0.1, anneal_epochs=8, anneal_strategy=strategy)
    rates(b, theirs, 3)
    ours = swa_utils.SWALR(a, 0.7)
    ours.load_state_dict(theirs.state_dict())
    a.load_state_dict(b.state_dict())
    np.testing.assert_array_equal(rates(a, ours, 3), rates(b, theirs, 3))
    back = torch.optim.swa_utils.SWALR(d, 0.7)
    back.load_state_dict(ours.state_dict())
    d.load_state_dict(a.state_dict())
    np.testing.assert_array_equal(rates(a, ours, 4), rates(d, back, 4))
    assert ours.state_dict().keys() <= theirs.state_dict().keys() | {"_is_initial"}


def test_swa_in_a_whole_run():
    """The average of a noisy run is nearer to the minimum than the run's own end."""
    rng = np.random.default_rng(0)
    model = nn.Linear(5, 1, bias=False).to(tg.float64)
    target = rng.standard_normal(5)
    sgd = optim.SGD(model.parameters(), lr=0.02)
    averaged, schedule = swa_utils.AveragedModel(model), swa_utils.SWALR(sgd, swa_lr=0.1, anneal_epochs=5)
    ends = []
    for step in range(400):
        x = rng.standard_normal((4, 5))
        y = x @ target + rng.standard_normal(4)
        sgd.zero_grad()
        nn.functional.mse_loss(model(tg.tensor(x))[:, 0], tg.tensor(y)).backward()
        sgd.step()
        if step >= 100:
            averaged.update_parameters(model)
            schedule.step()
            ends.append(np.linalg.norm(model.weight.detach().numpy() - target))
    assert sgd.lr == 0.1
    assert np.linalg.norm(averaged.module.weight.detach().numpy() - target) < np.mean(ends) / 3


def test_copies_of_an_averaged_model():
    averaged = swa_utils.AveragedModel(nn.Linear(2, 1), multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    averaged.update_parameters(nn.Linear(2, 1))
    copied = copy.deepcopy(averaged)
    other = nn.Linear(2, 1)
    averaged.update_parameters(other)
    copied.update_parameters(other)
    assert_close(copied.state_dict(), averaged.state_dict(), rtol=0)
