"""Layers fused with the batch normalization after them: the same function, and PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.nn import utils

CASES = [
    ("Conv1d", (4, 6, 3), {"groups": 2}, "BatchNorm1d", {}, (2, 4, 9)),
    ("Conv2d", (3, 5, 3), {"bias": False, "stride": 2, "padding": 1}, "BatchNorm2d", {}, (2, 3, 8, 8)),
    ("Conv3d", (2, 3, 2), {}, "BatchNorm3d", {"affine": False}, (2, 2, 4, 4, 4)),
    ("ConvTranspose2d", (3, 4, 3), {"stride": 2}, "BatchNorm2d", {"eps": 0.1}, (2, 3, 5, 5)),
    ("Linear", (7, 4), {}, "BatchNorm1d", {}, (5, 7)),
    ("Linear", (7, 4), {"bias": False}, "BatchNorm1d", {"eps": 0.01}, (5, 7)),
]
cases = pytest.mark.parametrize(("layer", "args", "options", "norm", "how", "shape"), CASES)


def pair(m, layer, args, options, norm, how):
    """A layer and its normalization, all numbers of which are given."""
    rng = np.random.default_rng(0)
    made = getattr(m.nn, layer)(*args, **options), getattr(m.nn, norm)(args[1], **how)
    for module in made:
        state = {
            k: m.tensor(rng.uniform(0.5, 1.5, tuple(v.shape)).astype("f") if "num" not in k else np.asarray(3))
            for k, v in module.state_dict().items()
        }
        module.load_state_dict(state)
        module.eval()
    return made


def fused(m, layer, pair):
    if layer == "Linear":
        return m.nn.utils.fuse_linear_bn_eval(*pair)
    return m.nn.utils.fuse_conv_bn_eval(*pair, transpose="Transpose" in layer)


@cases
def test_the_fused_layer_is_the_same_function(layer, args, options, norm, how, shape):
    before = pair(tg, layer, args, options, norm, how)
    after = fused(tg, layer, before)
    assert type(after) is type(before[0])
    assert after is not before[0]
    x = tg.tensor(np.random.default_rng(1).standard_normal(shape).astype("f"))
    np.testing.assert_allclose(after(x).detach(), before[1](before[0](x)).detach(), rtol=1e-4, atol=1e-5)
    assert [p.requires_grad for p in after.parameters()] == [True, True]
    assert after.weight.dtype == after.bias.dtype == tg.float32


@cases
def test_pytorch_fuses_to_the_same_weights(layer, args, options, norm, how, shape):
    torch = pytest.importorskip("torch")
    ours, theirs = (fused(m, layer, pair(m, layer, args, options, norm, how)) for m in (tg, torch))
    for name in ("weight", "bias"):
        np.testing.assert_allclose(
            getattr(ours, name).detach(), getattr(theirs, name).detach().numpy(), rtol=1e-5, atol=1e-6
        )


def test_what_cannot_be_fused_is_refused():
    conv, bn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
    with pytest.raises(RuntimeError, match="evaluation mode"):
        utils.fuse_conv_bn_eval(conv, bn)
    with pytest.raises(RuntimeError, match="running statistics"):
        utils.fuse_conv_bn_eval(conv.eval(), nn.BatchNorm2d(2, track_running_stats=False).eval())
    with pytest.raises(ValueError, match=r"must have shape \(2,\).*got \(3,\)"):
        utils.fuse_conv_bn_eval(conv, nn.BatchNorm2d(3).eval())
    with pytest.raises(ValueError, match=r"must have shape \(4,\).*got \(2,\)"):
        utils.fuse_linear_bn_eval(nn.Linear(3, 4).eval(), nn.BatchNorm1d(2).eval())
