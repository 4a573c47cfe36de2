"""PyTorch's names, also those within, mean what they mean there: values, dtypes and gradients of small programs."""

from typing import Any

import pytest
from oracle import agree


def _within(m: Any) -> Any:
    """Where the names that PyTorch keeps for itself are."""
    return m.ops.aten if m.__name__ == "torch" else m


def _x(m: Any, *shape: int, grad: bool = True) -> Any:
    size = 1
    for n in shape:
        size *= n
    values = m.sin(m.arange(size, dtype=m.float64) * 2.7).reshape(shape)
    return values.requires_grad_() if grad else values


def _slopes(m: Any, out: Any, *leaves: Any) -> list[Any]:
    """The results, and the gradients of a sum of them with different weights."""
    outs = [o for o in (out if isinstance(out, (tuple, list)) else [out]) if o.requires_grad]
    loss = sum((o * m.cos(m.arange(o.numel(), dtype=o.dtype)).reshape(o.shape)).sum() for o in outs)
    found = m.autograd.grad(loss, leaves, allow_unused=True)
    return [out, [o.requires_grad for o in (out if isinstance(out, tuple) else [out])], *found]


def _native(name: str, *rest: Any) -> Any:
    def program(m: Any) -> Any:
        x, w = _x(m, 4, 3, 2), _x(m, 3)
        return _slopes(m, getattr(m, name)(x, w, w, *rest), x, w)

    return program


def _layer(m: Any) -> Any:
    x, w = _x(m, 4, 3), _x(m, 3)
    return _slopes(m, m.native_layer_norm(x, [3], w, w, -0.1), x, w)


def _max_pool_backward(m: Any) -> Any:
    x, g = _x(m, 2, 3, 4, 4), _x(m, 2, 3, 2, 2)
    _, index = m.nn.functional.max_pool2d(x, 2, return_indices=True)
    back = _within(m).max_pool2d_with_indices_backward
    return _slopes(m, back(g, x, [2, 2], [2, 2], [0, 0], [1, 1], False, index), x, g)


def _safe_softmax(m: Any) -> Any:
    x = m.tensor([[1.0, -m.inf, 2.0], [-m.inf] * 3], dtype=m.float64).requires_grad_()
    return _slopes(m, _within(m)._safe_softmax(x, 1), x)


def _linear_ce(m: Any) -> Any:
    x, w, b = _x(m, 3, 4), _x(m, 5, 2, 4), _x(m, 5, 2)
    target = m.tensor([[0, 4], [1, -100], [2, 3]])
    loss = m.nn.functional.linear_cross_entropy(x, w, target, linear_bias=b, label_smoothing=0.1, reduction="sum")
    return _slopes(m, loss, x, w, b)


def _linear_ce_of_one(m: Any) -> Any:
    x, w = _x(m, 4), _x(m, 5, 4)
    return _slopes(m, m.nn.functional.linear_cross_entropy(x, w, m.tensor(3), ignore_index=2), x, w)


def _masked_index(m: Any) -> Any:
    x, index = _x(m, 3, 2), [m.tensor([[0], [7]]), m.tensor([[1, -9]])]
    mask = m.tensor([[True, False], [False, False]])
    return _slopes(m, m._unsafe_masked_index(x, mask, index, 0.5), x)


def _masked_index_put(m: Any) -> Any:
    x, values, index = _x(m, 3), _x(m, 4), [m.tensor([0, 0, 2, 8])]
    return _slopes(m, m._unsafe_masked_index_put_accumulate(x, m.tensor([1, 1, 1, 0]) > 0, index, values), x, values)


def _segments(m: Any) -> Any:
    x = _x(m, 6, 2)
    return _slopes(m, m.segment_reduce(x, "mean", lengths=m.tensor([2, 0, 3]), unsafe=True, initial=1.0), x)


def _antialiased(m: Any) -> Any:
    x = _x(m, 1, 2, 5, 6)
    return _slopes(m, _within(m)._upsample_bilinear2d_aa(x, [3, 3], False, None, None), x)


def _integer_pools(m: Any) -> Any:
    x, pools = m.arange(-20, 44).reshape(1, 1, 8, 8), m.nn.functional
    return [
        pools.avg_pool1d(x[0], 3, 2, 1), pools.avg_pool2d(x, (3, 2), 2, 1, True, False),
        pools.avg_pool2d(x, 3, divisor_override=-2), pools.avg_pool3d(x[None], (1, 3, 3), 2, (0, 1, 1)),
    ]  # fmt: skip


PROGRAMS: dict[str, Any] = {
    "native_batch_norm": _native("native_batch_norm", None, None, True, 0.1, 1e-3),
    "_native_batch_norm_legit": _native("_native_batch_norm_legit", True, 0.1, 1e-3),
    "native_layer_norm": _layer,
    "native_channel_shuffle": lambda m: m.native_channel_shuffle(_x(m, 1, 4, 2), 2),
    "native_dropout": lambda m: m.native_dropout(_x(m, 3), 0.5, False),
    "max_pool2d_with_indices_backward": _max_pool_backward,
    "_softmax_backward_data": lambda m: m._softmax_backward_data(_x(m, 2, 3), _x(m, 2, 3), 1, m.float64),
    "_safe_softmax": _safe_softmax,
    "_chunk_cat": lambda m: m._chunk_cat([_x(m, 5, 2), _x(m, 3)[:, None].expand(3, 2)], 0, 2),
    "_upsample_bilinear2d_aa": _antialiased,
    "_unsafe_masked_index": _masked_index,
    "_unsafe_masked_index_put_accumulate": _masked_index_put,
    "linear_cross_entropy": _linear_ce,
    "linear_cross_entropy of one sample": _linear_ce_of_one,
    "segment_reduce, unsafe": _segments,
    "slice": lambda m: _within(m).slice(_x(m, 4, 5), 1, 1, -1, 2),
    "zero_": lambda m: m.zero_(_x(m, 3, grad=False)),
    "clamp_": lambda m: m.clamp_(_x(m, 3, grad=False), min=0.0),
    "heaviside of integers": lambda m: m.heaviside(m.tensor([-1, 0, 2]), m.tensor([5])),
    "sign, square of booleans": lambda m: [m.sign(m.tensor([True, False])), m.square(m.tensor([True, False]))],
    "integers to negative powers": lambda m: m.tensor([-2, -1, 0, 1, 2, 3])[:, None] ** m.tensor([-3, -2, 0, 2]),
    "digamma at 0": lambda m: [m.digamma(m.tensor([0, 0])), m.digamma(m.tensor([0.0, -0.0]))],
    "averages of integers": _integer_pools,
    "addmv of integers": lambda m: m.addmv(m.tensor([5]), m.tensor([[2, 3]]), m.tensor([1, 2]), beta=0.6, alpha=2.5),
    "addr of booleans": lambda m: m.addr(m.tensor([[True]]), m.tensor([False]), m.tensor([True]), beta=3, alpha=2),
    "arange of integers": lambda m: [m.arange(0.0, -8.1, -4, dtype=m.int64), m.arange(-0.9, 2.1, 2.0, dtype=m.int32)],
    "arange by a cut step": lambda m: m.arange(0, 3, 0.5, dtype=m.int64),
    "linspace of integers": lambda m: [m.linspace(4.3, -3, 5, dtype=m.int64), m.logspace(1, 2.9, 2, dtype=m.int64)],
    "logspace of integers": lambda m: m.logspace(0, 2, 4, dtype=m.int64),
    "layer_norm below 0": lambda m: m.nn.functional.layer_norm(_x(m, 2, 3), [3], eps=-0.2),
    "batch_norm of nothing": lambda m: m.nn.functional.batch_norm(m.zeros(0), m.zeros(0), m.ones(0)),
    "masked logsumexp of integers": lambda m: m.masked.logsumexp(m.tensor([1, 2, 3]), 0, mask=m.tensor([1, 1, 0]) > 0),
}


@pytest.mark.each("name", PROGRAMS)
def test_names_mean_what_they_mean_in_pytorch(name):
    agree(PROGRAMS[name])


SHUFFLES: dict[str, Any] = {  # whose result has memory of its own, though nothing moves
    "pixel_shuffle": lambda m, x: m.pixel_shuffle(x, 1),
    "pixel_unshuffle": lambda m, x: m.pixel_unshuffle(x, 1),
    "channel_shuffle by one group": lambda m, x: m.channel_shuffle(x, 1),
    "channel_shuffle by all": lambda m, x: m.channel_shuffle(x, 4),
    "adaptive_avg_pool2d": lambda m, x: m.nn.functional.adaptive_avg_pool2d(x, (None, None)),
    "interpolate": lambda m, x: m.nn.functional.interpolate(x, size=(2, 2), mode="area"),
    "gather by bytes": lambda m, x: m.gather(x.reshape(-1), 0, m.zeros(2, 0, dtype=m.uint8)),
    "gather": lambda m, x: m.gather(x[:0], 1, m.zeros(0, 4, 2, 2, dtype=m.int64)),
}


@pytest.mark.parametrize("name", SHUFFLES)
def test_results_that_are_copies_in_pytorch_are_copies(name):
    def program(m: Any) -> Any:
        x = m.arange(16.0).reshape(1, 4, 2, 2).requires_grad_()
        out = SHUFFLES[name](m, x)
        out.zero_()  # writes to nothing else
        return [out, x]

    agree(program)


@pytest.mark.parametrize("equation", ["ai,i->a", "i,ai->a", "ii,ij->j", "...i,i->...", "ij,jk,k->i"])
def test_einsum_of_sizes_that_broadcast(equation):
    """A size of 1 meets another: each operand's gradient has the operand's shape."""

    def program(m: Any) -> Any:
        sizes = {"ai": (3, 1), "ii": (1, 1), "...i": (2, 1), "jk": (1, 3), "ij": (3, 4)}
        terms = equation.split("->")[0].split(",")
        leaves = [_x(m, *sizes.get(term, (3,))) for term in terms]
        return _slopes(m, m.einsum(equation, *leaves), *leaves)

    agree(program)


def test_hash_tensor():
    torch = pytest.importorskip("torch")
    import tinygrad_lite as tg

    for values, dim in (([[1.5, -2.0], [3.0, 0.0]], 1), ([[1, 2], [-3, 3]], None), ([[True, False]], (0, 1))):
        theirs = torch.hash_tensor(torch.tensor(values), **({} if dim is None else {"dim": dim}))
        assert tg.hash_tensor(tg.tensor(values), dim).tolist() == theirs.tolist()
    assert tg.hash_tensor(tg.tensor([3, 3])).dtype == tg.uint64
    with pytest.raises(ValueError, match="mode"):
        tg.hash_tensor(tg.ones(2), mode=1)
    with pytest.raises(RuntimeError, match="real"):
        tg.hash_tensor(tg.ones(2) + 1j)
