"""In-place forms that change a tensor's shape: `t_`, `transpose_`, `squeeze_`, `unsqueeze_`; and those of igamma."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg

TURNS = {
    "t_": ((2, 3), ()), "transpose_": ((2, 3, 4), (0, -1)), "swapaxes_": ((2, 3), (0, 1)),
    "swapdims_": ((2, 3), (1, 0)), "squeeze_": ((2, 1, 3, 1), ()), "unsqueeze_": ((2, 3), (1,)),
}  # fmt: skip


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("name", TURNS)
def test_the_tensor_itself_changes_its_shape(name, oracle):
    shape, args = TURNS[name]
    x = tg.tensor(values(*shape))
    address = x.data_ptr()
    expected = getattr(oracle.tensor(values(*shape)), name)(*args)
    assert getattr(x, name)(*args) is x
    np.testing.assert_array_equal(x.numpy(), expected.numpy())
    assert x.data_ptr() == address
    assert x.is_leaf


@pytest.mark.parametrize("name", TURNS)
def test_gradients_as_pytorch(name, oracle):
    shape, args = TURNS[name]
    grads = []
    for m in (tg, oracle):
        leaf = m.tensor(values(*shape), requires_grad=True)
        x = leaf * leaf
        before = x[1:]
        getattr(x, name)(*args)
        x.mul_(m.tensor(values(*x.shape)))
        (x.exp().sum() + (before**2).sum()).backward()
        grads.append(leaf.grad.numpy())
    np.testing.assert_allclose(*grads, rtol=1e-12)


def test_views_from_before_see_what_is_written_after():
    """The views' base is no longer of the shape that they were taken from."""
    w = tg.tensor(values(3, 2), requires_grad=True)
    x = tg.tensor(values(2, 3))
    row, corner = x[0], x[:, 1:][1]
    x.t_()
    x.mul_(w)
    assert row.requires_grad
    assert corner.requires_grad
    (row.sum() + (corner**2).sum()).backward()
    a = values(2, 3)
    expected = np.zeros((3, 2))
    expected[:, 0] = a[0]
    expected[1:, 1] = 2 * (a[1] * w.detach().numpy()[:, 1] * a[1])[1:]
    np.testing.assert_allclose(w.grad.numpy(), expected)
    x.unsqueeze_(0).squeeze_().t_()
    row.add_(1.0)
    assert x.shape == (2, 3)
    np.testing.assert_array_equal(x.detach().numpy()[0], row.detach().numpy())


def test_a_view_turned_is_a_view_still():
    leaf = tg.tensor(values(2, 3), requires_grad=True)
    x = leaf * 1.0
    part = x[:, 1:]
    part.t_()
    part.mul_(2.0)
    x.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), [[1.0, 2.0, 2.0]] * 2)


def test_also_without_grad_and_with_its_gradient_retained():
    leaf = tg.tensor(values(2, 3), requires_grad=True)
    x = leaf * 3.0
    x.retain_grad()
    with tg.no_grad():
        x.t_()
    (x * tg.tensor(values(3, 2))).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), values(3, 2))
    np.testing.assert_allclose(leaf.grad.numpy(), 3 * values(3, 2).T)


def test_a_leaf_that_requires_grad_is_refused():
    leaf = tg.tensor(values(2, 3), requires_grad=True)
    with pytest.raises(RuntimeError, match=r"t_: a leaf Tensor that requires grad must not be changed in place"):
        leaf.t_()
    assert leaf.shape == (2, 3)
    turned = tg.tensor(values(2, 3)).t_().requires_grad_()
    (turned * turned).sum().backward()
    np.testing.assert_array_equal(turned.grad.numpy(), 2 * values(2, 3).T)


@pytest.mark.parametrize("name", ["igamma_", "igammac_"])
def test_incomplete_gamma_in_place(name, oracle):
    a, x = np.array([0.5, 2.0]), np.array([1.0, 3.0])
    ours, theirs = tg.tensor(a), oracle.tensor(a)
    assert getattr(ours, name)(tg.tensor(x)) is ours
    np.testing.assert_allclose(ours.numpy(), getattr(theirs, name)(oracle.tensor(x)).numpy(), rtol=1e-12)
    with pytest.raises(NotImplementedError, match=f"{name[:-1]}: no gradient is known with respect to 'a'"):
        getattr(tg.tensor(a, requires_grad=True) * 1.0, name)(tg.tensor(1.0))
