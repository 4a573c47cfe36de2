"""Gradient clipping and parameters as a vector, against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import utils

SHAPES = [(3, 4), (5,), (), (0, 2), (2, 2, 2)]
norms = pytest.mark.parametrize("norm_type", [1, 2.0, 3.5, math.inf, -math.inf, 0.5, 0])


def gradients(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]


def parameters(lib, tensor, grads):
    made = []
    for grad in grads:
        parameter = lib.Parameter(tensor(np.zeros_like(grad)))
        parameter.grad = tensor(grad)
        made.append(parameter)
    made.append(lib.Parameter(tensor(np.zeros(2))))  # without a gradient
    return made


def both(dtype=np.float64):
    torch = pytest.importorskip("torch")
    return (
        parameters(nn, lambda a: tg.tensor(np.asarray(a)), gradients(dtype)),
        parameters(torch.nn, lambda a: torch.tensor(np.asarray(a)), gradients(dtype)),
        torch.nn.utils,
    )


def agree(ours, theirs, rtol):
    for a, b in zip(ours, theirs, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol)


# Clipping by the norm


@norms
@pytest.mark.parametrize("max_norm", [0.5, 1000.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clip_grad_norm_is_pytorchs(norm_type, max_norm, dtype):
    ours, theirs, torch_utils = both(dtype)
    if abs(norm_type) == math.inf or norm_type == 0:  # PyTorch refuses an empty gradient there
        del ours[3], theirs[3]
    rtol = 1e-5 if dtype == np.float32 else 1e-11
    before = [p.grad for p in ours]
    total = utils.clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch_utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert total.shape == ()
    assert total.dtype == dtype
    np.testing.assert_allclose(total.item(), expected.item(), rtol=rtol)
    agree(ours, theirs, rtol)
    assert [p.grad for p in ours] == before  # in place


def test_clip_grad_norm_by_the_formula():
    weight = nn.Parameter(tg.zeros(2))
    weight.grad = tg.tensor([3.0, 4.0])
    assert utils.clip_grad_norm_(weight, 2.0).item() == 5.0
    np.testing.assert_allclose(weight.grad.numpy(), [1.2, 1.6], rtol=1e-6)
    assert np.linalg.norm(weight.grad.numpy()) <= 2.0
    before = weight.grad.numpy().copy()
    assert utils.clip_grad_norm_(iter([weight]), 10.0).item() == pytest.approx(2.0, rel=1e-6)
    assert (weight.grad.numpy() == before).all()  # small ones stay as they are


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_norm_that_is_not_finite(bad):
    ours, theirs, torch_utils = both()
    ours[0].grad[0, 0] = bad
    theirs[0].grad[0, 0] = bad
    with pytest.raises(RuntimeError, match=r"total norm of order 2.0 .* non-finite \((inf|nan)\)"):
        utils.clip_grad_norm_(ours, 1.0, error_if_nonfinite=True)
    agree(ours, theirs, 1e-15)  # nothing was touched
    total = utils.clip_grad_norm_(ours, 1.0)
    expected = torch_utils.clip_grad_norm_(theirs, 1.0)
    assert repr(total.item()) == repr(expected.item())
    agree(ours, theirs, 1e-12)


def test_nothing_to_clip():
    assert utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert utils.clip_grad_norm_([nn.Parameter(tg.zeros(2))], 1.0).item() == 0.0
    assert utils.get_total_norm([]).dtype == np.float32
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((p for p in ()), 1.0)


def test_complex_gradients_have_a_real_norm():
    p = nn.Parameter(tg.tensor([1 + 0j, 0j]))
    p.grad = tg.tensor([3 + 0j, 4j])
    total = utils.clip_grad_norm_(p, 1.0)
    assert (total.item(), total.dtype) == (5.0, tg.float32)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8j], rtol=1e-6)


def test_norm_and_scaling_in_two_steps():
    ours, theirs, torch_utils = both()
    total = utils.get_total_norm([p.grad for p in ours if p.grad is not None], 3)
    expected = torch_utils.get_total_norm([p.grad for p in theirs if p.grad is not None], 3)
    np.testing.assert_allclose(total.item(), expected.item(), rtol=1e-12)
    utils.clip_grads_with_norm_(ours, 0.1, total)
    torch_utils.clip_grads_with_norm_(theirs, 0.1, expected)
    agree(ours, theirs, 1e-12)


def test_mixed_dtypes():
    a, b = nn.Parameter(tg.zeros(1)), nn.Parameter(tg.zeros(1, dtype=tg.float64))
    a.grad, b.grad = tg.tensor([3.0]), tg.tensor([4.0], dtype=tg.float64)
    assert utils.clip_grad_norm_([a, b], 1.0).dtype == np.float64
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose([a.grad.item(), b.grad.item()], [0.6, 0.8], rtol=1e-6)


# Clipping by value


@pytest.mark.parametrize("clip_value", [0.3, 2])
def test_clip_grad_value_is_pytorchs(clip_value):
    ours, theirs, torch_utils = both()
    utils.clip_grad_value_(ours, clip_value)
    torch_utils.clip_grad_value_(theirs, clip_value)
    agree(ours, theirs, 0)
    single = nn.Parameter(tg.zeros(2))
    single.grad = tg.tensor([-5.0, 0.1])
    utils.clip_grad_value_(single, 1.0)
    np.testing.assert_allclose(single.grad.numpy(), [-1.0, 0.1])


# As a vector


def test_parameters_to_vector_and_back():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    vector = utils.parameters_to_vector(model.parameters())
    assert vector.shape == (26,)
    np.testing.assert_array_equal(vector.numpy(force=True)[:12].reshape(4, 3), model[0].weight.numpy(force=True))
    (vector * vector).sum().backward()  # differentiable
    np.testing.assert_array_equal(model[1].bias.grad.numpy(), 2 * model[1].bias.numpy(force=True))
    held = list(model.parameters())
    new = tg.arange(26, dtype=tg.float64)
    utils.vector_to_parameters(new, model.parameters())
    assert list(map(id, model.parameters())) == list(map(id, held))
    assert model[0].weight.dtype == np.float32
    assert (utils.parameters_to_vector(model.parameters()).numpy(force=True) == np.arange(26)).all()
    single = nn.Parameter(tg.zeros(2, 2))
    shared = tg.arange(4, dtype=tg.float32)
    utils.vector_to_parameters(shared, [single])
    assert np.shares_memory(single._data, shared._data)


def test_vectors_that_do_not_fit_are_refused():
    layer = nn.Linear(2, 2)
    for size in (5, 7):
        with pytest.raises(ValueError, match=rf"vec must have the shape \(6,\), got \({size},\)"):
            utils.vector_to_parameters(tg.zeros(size), layer.parameters())
    with pytest.raises(TypeError, match="vec must be a Tensor, shape .*, got list"):
        utils.vector_to_parameters([0.0] * 6, layer.parameters())


# --- pruning --------------------------------------------------------------------------------------------------------


def test_pruning_as_pytorch():
    theirs = pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")
    other = pytest.importorskip("torch.nn.utils.prune", reason="PyTorch, the oracle, is an optional extra")
    a, b = nn.Linear(6, 4, dtype=tg.float64), theirs.nn.Linear(6, 4, dtype=theirs.float64)
    b.load_state_dict({name: theirs.from_numpy(value.numpy().copy()) for name, value in a.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((3, 6))

    def same():
        for name in ("weight", "bias"):
            np.testing.assert_allclose(getattr(a, name).detach().numpy(), getattr(b, name).detach().numpy())
        assert list(a.state_dict()) == list(b.state_dict())
        np.testing.assert_allclose(a(tg.tensor(x)).detach().numpy(), b(theirs.tensor(x)).detach().numpy())

    for m, layer in ((utils.prune, a), (other, b)):
        m.l1_unstructured(layer, "weight", 0.3)
        m.ln_structured(layer, "weight", amount=1, n=2, dim=0)
        m.l1_unstructured(layer, "weight", amount=2)
        m.identity(layer, "bias")
    same()
    a(tg.tensor(x)).sum().backward()
    b(theirs.tensor(x)).sum().backward()
    np.testing.assert_allclose(a.weight_orig.grad.numpy(), b.weight_orig.grad.numpy())
    for m, layer in ((utils.prune, a), (other, b)):
        m.remove(layer, "weight")
    same()
    for m, layer in ((utils.prune, a), (other, b)):
        m.global_unstructured([(layer, "weight"), (layer, "bias")], m.L1Unstructured, amount=0.6)
    same()


def test_pruning_by_chance_and_by_masks():
    layer = utils.prune.random_unstructured(nn.Linear(5, 4), "weight", amount=7)
    assert (int((layer.weight == 0).sum()), utils.prune.is_pruned(layer)) == (7, True)
    utils.prune.random_structured(layer, "weight", amount=2, dim=1)
    assert int((layer.weight == 0).all(dim=0).sum()) >= 2
    utils.prune.custom_from_mask(layer, "bias", tg.tensor([1, 0, 1, 0]))
    assert layer.bias[1::2].tolist() == [0, 0]
    layer.weight_orig.data.fill_(2.0)
    assert set(layer(tg.eye(5)).sub(layer.bias).round().unique().tolist()) == {0.0, 2.0}
    assert utils.prune.L1Unstructured(2).prune(tg.tensor([3.0, -1.0, 2.0])).tolist() == [3, 0, 0]
    utils.prune.remove(layer, "weight")
    utils.prune.remove(layer, "bias")
    assert not utils.prune.is_pruned(layer)
    assert sorted(name for name, _ in layer.named_parameters()) == ["bias", "weight"]


def test_pruning_of_transposed_tensors():
    x, mask = tg.tensor([[6.0, 1.0, 5.0], [2.0, 4.0, 3.0]]).t(), tg.ones(2, 3).t()
    assert utils.prune.L1Unstructured(3).prune(x, default_mask=mask).tolist() == [[6, 0], [0, 4], [5, 0]]
    assert mask.tolist() == [[1, 1]] * 3
    layer = nn.Linear(2, 3)
    layer.weight = nn.Parameter(x)
    utils.prune.l1_unstructured(layer, "weight", amount=3)
    assert layer.weight.tolist() == [[6, 0], [0, 4], [5, 0]]


def test_pruning_refuses():
    layer = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="prune.remove: 'weight' of this Linear is not pruned"):
        utils.prune.remove(layer, "weight")
    for amount in (-1, 1.5, 5, True, "a"):
        with pytest.raises((TypeError, ValueError), match="prune: amount"):
            utils.prune.l1_unstructured(layer, "weight", amount)
    with pytest.raises(ValueError, match="at least two dimensions"):
        utils.prune.ln_structured(layer, "bias", 1, 2, 0)
    with pytest.raises(ValueError, match="importance_scores must have shape"):
        utils.prune.l1_unstructured(layer, "bias", 1, tg.ones(3))
    with pytest.raises(ValueError, match="pruning_method must be unstructured, got LnStructured"):
        utils.prune.global_unstructured([(layer, "weight")], utils.prune.LnStructured, amount=1)
    assert not utils.prune.is_pruned(layer)
