"""Where results lie in memory: in PyTorch's order, on which `view`, `flatten` and `as_strided` depend."""

from __future__ import annotations

import inspect
import pickle
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from called import calls
from ops_cases import Oracle, Row, names
from ops_table import OPS
from oracle import agree

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

# What does not lie as PyTorch's does, and why. All of these but the last lie in C order instead.
COLUMNS = "LAPACK's columns, which PyTorch hands on"
PLAN = "whatever order the plan of MKL's transform left"
CHANNELS_LAST = "PyTorch sees a permuted image as one with channels last, and its loops keep that"
COPY = "a copy with something written into it, for which the loops here need C order"
AMBIGUOUS = "a temporary of several operands, in whose order PyTorch's iterator and NumPy's decide otherwise"
PACKED = "an expanded input: NumPy's loops pack it in another order"
EXCEPTIONS = {
    r"(triangular_solve|lu)$": COLUMNS,
    r"masked\.(normalize|logaddexp)$": AMBIGUOUS,
    r"(linalg\.)?(cholesky|eigh?|householder_product|inv|inverse|lstsq|lu_|matrix_power|orgqr|ormqr|qr|solve|svd|"
    r"tensorinv)": COLUMNS,
    r"fft\.|stft|istft": PLAN,
    r"(adaptive_)?(avg|max|lp)_pool|conv|interpolate|local_response_norm|dropout[123]d|feature_alpha": CHANNELS_LAST,
    r"index_fill|index_put|put|(diagonal|select|slice)_scatter|sort|msort|positive": COPY,
    r"addc(div|mul)|addr|alpha_dropout|gaussian_nll|gru_cell|igammac?|kron|special\.zeta|einsum \.\.\.ij|complex|rrelu|"
    r"view_as_real|mvlgamma|(2|1\.5) \*\*": AMBIGUOUS,
    r"nan_to_num|to$|getitem x\[:, \[1, 1\]": PACKED,
}  # fmt: skip


def permuted(a: Any) -> Any:
    return np.ascontiguousarray(a.T).T if a.ndim > 1 else a


def rolled(a: Any) -> Any:
    """The first dimension lies innermost."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0) if a.ndim > 2 else permuted(a)


def sliced(a: Any) -> Any:
    return np.repeat(a, 2, -1)[..., ::2] if a.ndim else a


def expanded(a: Any) -> Any:
    return np.broadcast_to(a[:1], a.shape) if a.ndim > 1 else a


def tensors(result: Any) -> list[Any]:
    parts = result if isinstance(result, (tuple, list)) else [result]
    return [t for r in parts for t in (tensors(r) if isinstance(r, (tuple, list)) else [r]) if hasattr(t, "stride")]


def steps(t: Any) -> list[int]:
    """The strides of the dimensions that have any."""
    return [s for s, n in zip(t.stride(), t.shape) if n > 1]


def excused(name: str) -> bool:
    return any(re.match(pattern, name) for pattern in EXCEPTIONS)


CHECKED = [pytest.param(r, id=n) for r, n in zip(OPS, names(OPS)) if r.in_torch and not excused(r.name)]


@pytest.mark.each("row", CHECKED)
def test_results_lie_as_in_pytorch(row: Row, oracle: Oracle) -> None:
    import torch

    arrays = row.draw()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for layout in (permuted, rolled, sliced, expanded):
            given = [layout(a) for a in arrays]
            try:
                theirs = tensors(row.call(oracle, *map(torch.from_numpy, given)))
            except RuntimeError:  # a singular matrix, once a row is repeated; a view that PyTorch refuses
                continue
            for ours, other in zip(tensors(row.call(tg, *map(tg.from_numpy, given))), theirs):
                if other.numel() > 1:
                    assert steps(ours) == steps(other), f"{layout.__name__}: {ours.stride()}, PyTorch {other.stride()}"


# --- known without PyTorch ------------------------------------------------------------------------------------------

INDEX = tg.tensor([0, 2, 1])
IN_C_ORDER: dict[str, Callable[[Any], Any]] = {
    "einsum": lambda x: tg.einsum("ij,jk->ik", x, x), "tensordot": lambda x: tg.tensordot(x, x, 1),
    "cat": lambda x: tg.cat([x, x]), "stack": lambda x: tg.stack([x, x], 1), "vstack": lambda x: tg.vstack([x, x]),
    "index_select": lambda x: x.index_select(1, INDEX), "getitem": lambda x: x[:, INDEX], "take": lambda x: x[INDEX],
    "cumsum": lambda x: x.cumsum(0), "cumprod": lambda x: x.cumprod(1), "logcumsumexp": lambda x: x.logcumsumexp(0),
    "softmax": lambda x: x.softmax(1), "log_softmax": lambda x: x.log_softmax(0), "roll": lambda x: x.roll(1, 0),
    "masked_fill": lambda x: x.masked_fill(x > 0, 2.0), "sum": lambda x: tg.stack([x, x], 2).permute(2, 1, 0).sum(0),
    "amax": lambda x: tg.stack([x, x], 2).permute(2, 1, 0).amax(0), "renorm": lambda x: x.renorm(2, 0, 1.0),
    "topk": lambda x: x.topk(2, 0).values, "median": lambda x: x.median(1).indices, "cdist": lambda x: tg.cdist(x, x),
    "norm": lambda x: tg.stack([x, x], 2).permute(2, 1, 0).norm(dim=0), "logsigmoid": lambda x: F.logsigmoid(x),
    "norm, kept": lambda x: tg.stack([x, x], 2).permute(2, 1, 0).norm(dim=2, keepdim=True),
    "vector_norm": lambda x: tg.linalg.vector_norm(tg.stack([x, x], 2).permute(2, 1, 0), dim=2, keepdim=True),
    "one_hot": lambda x: F.one_hot(x.detach().long(), 9),
    "pairwise_distance": lambda x: F.pairwise_distance(*[tg.stack([x, x], 2).permute(2, 1, 0)] * 2),
    "pad": lambda x: tg.pad(x, (1, -1)), "contiguous": lambda x: x.contiguous(),
    "gather": lambda x: x.gather(0, INDEX[:, None]), "nonzero": lambda x: (x > 0).nonzero(as_tuple=True)[1],
    **{
        name: lambda x, name=name: getattr(tg, name)(tg.stack([x, x + 1], 2).permute(2, 1, 0), dim=-1)
        for name in ("var", "std", "logsumexp", "any", "all", "count_nonzero", "mean", "prod", "amin")
    },
}  # fmt: skip


@pytest.mark.each("name", IN_C_ORDER)
@pytest.mark.parametrize("grad", [False, True])
def test_what_is_in_c_order(name: str, grad: bool) -> None:
    x = tg.from_numpy(np.arange(9.0).reshape(3, 3).T).requires_grad_(grad)
    out = IN_C_ORDER[name](x)
    assert not x.is_contiguous()
    assert out.is_contiguous()
    out.view(-1)
    np.testing.assert_array_equal(out.detach().numpy(), IN_C_ORDER[name](x.detach().contiguous()).numpy())


def test_flatten_of_a_result_is_a_view() -> None:
    x = tg.from_numpy(np.arange(6.0).reshape(2, 3).T)
    out = tg.cat([x, x], 1)
    out.flatten()[1] = 100.0
    assert out[0, 1].item() == 100.0
    assert out.as_strided((3,), (1,)).tolist() == [0.0, 100.0, 0.0]


@pytest.mark.parametrize("function", [tg.exp, tg.relu, tg.erf, tg.gelu, tg.digamma, tg.i0, tg.Tensor.clone, tg.sigmoid])
@pytest.mark.parametrize("shape", [(4, 3, 2), (40, 30, 20)])  # by NumPy, and by compiled loops
def test_elementwise_functions_keep_the_order(function: Callable[..., Any], shape: tuple[int, ...]) -> None:
    values = np.linspace(0.1, 2.0, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    x = tg.from_numpy(values).permute(1, 2, 0)
    assert function(x).stride() == x.stride()
    np.testing.assert_allclose(function(x).numpy(), function(x.contiguous()).numpy(), rtol=1e-6)
    assert function(x[::2]).permute(2, 0, 1).is_contiguous()


def test_indices_stay_where_they_stand_in_memory() -> None:
    x = tg.from_numpy(np.arange(24.0).reshape(2, 3, 4)).permute(2, 1, 0)  # (4, 3, 2), strides (1, 4, 12)
    out = x[:, INDEX]
    assert out.stride() == (1, 4, 12)
    np.testing.assert_array_equal(out.numpy(), x.numpy()[:, INDEX.numpy()])
    plain = x.contiguous()
    assert plain[:, :, tg.tensor([[0, 1], [1, 0]])].is_contiguous()
    assert plain[:, tg.tensor([True, False, True])].is_contiguous()


def test_einsum_of_one_operand_is_a_view() -> None:
    x = tg.zeros(3, 3)
    tg.einsum("ii->i", x).fill_(1.0)
    tg.einsum("ij->ji", x)[0, 1] = 5.0
    assert x.tolist() == [[1.0, 0.0, 0.0], [5.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    y = tg.arange(24.0).reshape(2, 3, 2, 2).requires_grad_()
    out = tg.einsum("aibb->bai", y)
    np.testing.assert_array_equal(out.detach().numpy(), np.einsum("aibb->bai", y.detach().numpy()))
    out.sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), np.broadcast_to(np.eye(2), (2, 3, 2, 2)))


# --- memory formats, layouts and strides ------------------------------------------------------------------------------


def parameters(function: Any) -> Any:
    return inspect.signature(function).parameters if inspect.isfunction(function) else ()


CASTS = "bool byte cdouble cfloat char clone contiguous double float half int long short to".split()


def _arranged(m: Any, name: str, order: str, permuted: bool) -> Any:
    """How a result lies, whether it is the tensor itself, and what a write to it does to that one."""
    x = m.arange(24.0).reshape(1, 2, 3, 4)
    x = x.permute(0, 3, 1, 2) if permuted else x
    out = getattr(x, name)(memory_format=getattr(m, order))
    before = [list(out.stride()), out.is_contiguous(), out.is_contiguous(memory_format=m.channels_last), out is x]
    out.fill_(1)
    return [*before, x.tolist()]


@pytest.mark.each("order", ["contiguous_format", "preserve_format", "channels_last", "channels_last_3d"])
def test_memory_formats(order: str) -> None:
    for name in CASTS:
        for permuted in (False, True):
            agree(lambda m, name=name, permuted=permuted: _arranged(m, name, order, permuted))


def test_memory_formats_of_five_dimensions_and_of_copies() -> None:
    def program(m: Any) -> Any:
        x = m.arange(48.0).reshape(1, 2, 3, 4, 2).requires_grad_()
        last = x.contiguous(memory_format=m.channels_last_3d)
        (last * m.arange(48.0).reshape(1, 2, 3, 4, 2)).sum().backward()
        again = last.to(memory_format=m.channels_last_3d)
        back = last.to(memory_format=m.contiguous_format)
        copied = last.to(m.float32, copy=True)
        return [x.grad, again is last, *(list(t.stride()) for t in (last, back, copied, last.double()))]

    agree(program)


def test_memory_formats_are_those_of_the_list() -> None:
    x = tg.zeros(1, 2, 3, 4)
    for name in CASTS:
        with pytest.raises(TypeError, match="memory_format must be one, such as tinygrad_lite.channels_last, got 'C'"):
            getattr(x, name)(memory_format="C")
    assert pickle.loads(pickle.dumps(tg.channels_last)) is tg.channels_last
    with pytest.raises(ValueError, match="layout: must be one of strided, .*, got 'sparse'"):
        tg.layout("sparse")
    layer = tg.nn.Linear(2, 2)
    assert layer.to(memory_format=tg.channels_last) is layer


@pytest.mark.each("name", [n for n, f in vars(tg).items() if callable(f) and "device" in parameters(f)])
def test_what_takes_a_device_takes_a_layout(name: str) -> None:
    args, options = calls()[f"tg.{name}"][0]
    place: dict[str, Any] = {"layout": tg.strided, "pin_memory": False, "memory_format": tg.preserve_format}
    assert getattr(tg, name)(*args, **{**options, **place}).layout is tg.strided
    for wrong, error in (
        ({"layout": 0}, TypeError),
        ({"memory_format": 0}, TypeError),
        ({"pin_memory": True}, RuntimeError),
    ):
        with pytest.raises(error, match=f"{name}: {next(iter(wrong))}"):
            getattr(tg, name)(*args, **{**options, **wrong})


def test_contiguity_in_another_order() -> None:
    x = tg.zeros(2, 3, 4, 5)
    last = x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert last.is_contiguous(memory_format=tg.channels_last)
    assert not last.is_contiguous()
    assert not x.is_contiguous(memory_format=tg.channels_last)
    assert not last.is_contiguous(memory_format=tg.channels_last_3d)
    assert last.contiguous(memory_format=tg.channels_last) is last


def test_strides_of_the_callers() -> None:
    assert tg.empty_strided((2, 3), (1, 2), dtype=tg.int32).stride() == (1, 2)
    assert tg.empty_strided((2, 0), (5, 7)).shape == (2, 0)
    assert tg.zeros(1, dtype=tg.int16).new_empty_strided((2, 2), (0, 1)).dtype == tg.int16
    assert tg.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    with pytest.raises(ValueError, match="empty_strided: size and stride must be as many numbers, none negative"):
        tg.empty_strided((2, 3), (1,))
    with pytest.raises(ValueError, match="empty_permuted: physical_layout must order 2 dimensions, got .0, 0."):
        tg.empty_permuted((2, 3), (0, 0))


def test_resize() -> None:
    x = tg.arange(6)
    assert x.resize_(2, 2) is x
    assert x.tolist() == [[0, 1], [2, 3]]
    assert x.resize_((3, 3)).flatten()[:4].tolist() == [0, 1, 2, 3]
    assert tg.arange(6).reshape(2, 3).T.resize_as_(tg.zeros(2, 1)).tolist() == [[0], [1]]
    assert tg.arange(6).reshape(2, 3).T.resize_(3, 2).tolist() == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(RuntimeError, match="resize_: the tensor must fill its memory without gaps"):
        tg.arange(6)[::2].resize_(2)
    with pytest.raises(RuntimeError, match="resize_: the tensor must not require grad"):
        tg.zeros(2, requires_grad=True).resize_(1)
    with pytest.raises(ValueError, match="resize_: sizes must not be negative"):
        x.resize_(-1)
