"""Names within PyTorch's layers and distributions that published subclasses call, override or look into."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import nn


def _filled(m: Any, model: Any) -> Any:
    for p in model.parameters():
        p.data.copy_(m.sin(m.arange(p.numel()) * 1.3).reshape(p.shape) * 0.5)
    return model


def _x(m: Any, *shape: int) -> Any:
    n = 1
    for size in shape:
        n *= size
    return m.cos(m.arange(n) * 0.7).reshape(shape)


def _standardized_conv(m: Any) -> Any:
    class Standardized(m.nn.Conv2d):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return self._conv_forward(x, self.weight - self.weight.mean(), None)

    class Doubled(m.nn.Conv1d):  # type: ignore[misc, name-defined]
        def _conv_forward(self, input: Any, weight: Any, bias: Any) -> Any:
            return 2 * super()._conv_forward(input, weight, bias)

    one = _filled(m, Standardized(2, 3, 3, padding=1, padding_mode="circular"))
    two = _filled(m, Doubled(2, 3, 2, padding=1))
    up = m.nn.ConvTranspose1d(2, 3, 3, stride=2)
    extra = up._output_padding(_x(m, 1, 2, 4), [10], up.stride, up.padding, up.kernel_size, 1, up.dilation)
    return [one(_x(m, 1, 2, 4, 4)), two(_x(m, 1, 2, 4)), one._reversed_padding_repeated_twice, list(extra)]


def _looking_layer(m: Any) -> Any:
    seen = []

    class Looking(m.nn.TransformerEncoderLayer):  # type: ignore[misc, name-defined]
        def _sa_block(self, x: Any, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False) -> Any:
            found, weights = self.self_attn(x, x, x, attn_mask=attn_mask, need_weights=True)
            seen.append(weights)
            return self.dropout1(found)

        def _ff_block(self, x: Any) -> Any:
            return super()._ff_block(x) * 3

    class Remembering(m.nn.TransformerDecoderLayer):  # type: ignore[misc, name-defined]
        def _mha_block(self, x: Any, mem: Any, *rest: Any) -> Any:
            return super()._mha_block(x, mem, *rest) * 2

    layer = _filled(m, Looking(4, 2, 8, dropout=0.0)).train()
    second = _filled(m, Remembering(4, 2, 8, dropout=0.0, norm_first=True)).train()
    return [layer(_x(m, 3, 2, 4)), seen, second(_x(m, 3, 2, 4), _x(m, 5, 2, 4))]


def _batch_norm_of_any_rank(m: Any) -> Any:
    class Anything(m.nn.BatchNorm1d.__mro__[1]):  # type: ignore[misc]
        def _check_input_dim(self, input: Any) -> None:
            pass

    return [Anything(3)(_x(m, 4, 3)), Anything(3)(_x(m, 2, 3, 2, 2, 2))]


def _tables_of_hooks(m: Any) -> Any:
    model, came = m.nn.Linear(1, 1), []

    class Marked:
        def __call__(self, module: Any, args: Any) -> None:
            came.append("pre")

    handle = model.register_forward_hook(lambda *_: came.append("hook"))
    model.register_forward_pre_hook(Marked())
    model(m.ones(1, 1))
    kinds = [type(hook).__name__ for hook in model._forward_pre_hooks.values()]
    for key, hook in model._forward_pre_hooks.items():
        if isinstance(hook, Marked):
            del model._forward_pre_hooks[key]
            break
    counted = [len(model._forward_hooks), len(model._forward_pre_hooks), handle.id in model._forward_hooks]
    model(m.ones(1, 1))
    model._forward_hooks = OrderedDict()
    model(m.ones(1, 1))
    handle.remove()
    return [came, kinds, counted, len(model._backward_hooks)]


def _members_by_a_function(m: Any) -> Any:
    model = m.nn.Sequential(m.nn.Linear(1, 1), m.nn.BatchNorm1d(1))
    model.register_buffer("once", m.zeros(1), persistent=False)
    found = model._named_members(lambda module: module._parameters.items(), prefix="x", recurse=True)
    own = model._named_members(lambda module: module._buffers.items(), recurse=False)
    return [[name for name, _ in found], [name for name, _ in own], sorted(model._non_persistent_buffers_set)]


def _weights_of_a_layer(m: Any) -> Any:
    layer = m.nn.LSTM(2, 3, bidirectional=True, proj_size=2)
    return [layer._flat_weights_names, [list(w.shape) for w in layer._flat_weights], layer._all_weights]


def _sizes(m: Any) -> Any:
    shape = m.zeros(2, 3, 4).shape
    made = [shape[1:], shape[::2], (1, *shape), (1,) + shape, shape + (1,), shape * 2, 2 * shape]
    kinds = [isinstance(s, m.Size) for s in made]
    return [made, kinds, shape[1:].numel(), shape[-1], m.broadcast_shapes((2, 1), (3,)).numel()]


def _shapes_of_distributions(m: Any) -> Any:
    d = m.distributions
    normal = d.MultivariateNormal(m.zeros(2, 3), m.eye(3))
    return [
        normal.batch_shape.numel(), normal.event_shape.numel(), normal.expand((4, 2)).batch_shape.numel(),
        normal._extended_shape((5,)).numel(), d.HalfCauchy(2.0).base_dist.scale, d.HalfNormal(2.0).base_dist.scale,
    ]  # fmt: skip


def _constraints(m: Any) -> Any:
    c = m.distributions.constraints
    kinds = [type(x) is getattr(c, name) for x, name in ((c.real, "_Real"), (c.positive, "_GreaterThan"))]

    class Softplus(type(c.positive)):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(lower_bound=0.0)

    uncertain = c.dependent(is_discrete=True, event_dim=1)
    marks = [c.is_dependent(c.dependent), c.is_dependent(uncertain), uncertain.event_dim, c.is_dependent(c.real)]
    return [kinds, Softplus().check(m.tensor([-1.0, 1.0])), marks, c._LowerCholesky is type(c.lower_cholesky)]


def _divergences_of_transformed_ones(m: Any) -> Any:
    d, one = m.distributions, m.tensor([0.5, 2.0], dtype=m.float64).requires_grad_()
    pairs = [
        (d.HalfCauchy(one), d.HalfCauchy(3 * one.flip(0))),
        (d.InverseGamma(one, 2 * one), d.InverseGamma(3.0, one)),
    ]
    found = [d.kl_divergence(p, q) for p, q in pairs]
    return [*found, m.autograd.grad(sum(f.sum() for f in found), one)[0]]


PROGRAMS: dict[str, Any] = {
    "divergences of transformed distributions": _divergences_of_transformed_ones,
    "convolutions with another weight": _standardized_conv,
    "attention that is looked at": _looking_layer,
    "batch normalization of any rank": _batch_norm_of_any_rank,
    "tables of hooks": _tables_of_hooks,
    "members by a function": _members_by_a_function,
    "weights of a recurrent layer": _weights_of_a_layer,
    "parts of sizes": _sizes,
    "shapes of distributions": _shapes_of_distributions,
    "constraints and their classes": _constraints,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_in_pytorch(name):
    agree(PROGRAMS[name], rtol=1e-5)


def test_bounds_by_name():
    with pytest.raises(TypeError, match="_GreaterThan: takes lower_bound"):
        tg.distributions.constraints.greater_than(1.0, lower_bound=2.0)
    with pytest.raises(TypeError, match="_Interval: takes lower_bound and upper_bound"):
        tg.distributions.constraints.interval(1.0)


def test_a_formula_for_a_base_that_is_no_distribution():
    class Mixed:
        pass

    class Own(Mixed, tg.distributions.Normal):
        pass

    @tg.distributions.register_kl(Mixed, Mixed)
    def _seven(p: Any, q: Any) -> Any:
        return tg.tensor(7.0)

    assert tg.distributions.kl_divergence(Own(0.0, 1.0), Own(0.0, 1.0)).item() == 7.0


def test_hooks_that_are_set_are_called():
    model = nn.Linear(1, 1)
    model._forward_hooks[3] = lambda module, args, out: out * 0 + 5
    assert model(tg.ones(1, 1)).item() == 5
    del model._forward_hooks[3]
    assert list(model._forward_hooks) == []
