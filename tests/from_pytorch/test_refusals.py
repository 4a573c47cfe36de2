"""What PyTorch refuses is refused, with an error of its class; and what stays finite in it stays finite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite import kernels

PRODUCTS: dict[str, Any] = {
    "matmul": lambda m, x, y: m.ones(2, 2, dtype=x) @ m.ones(2, 2, dtype=y),
    "mm": lambda m, x, y: m.mm(m.ones(2, 2, dtype=x), m.ones(2, 2, dtype=y)),
    "bmm": lambda m, x, y: m.bmm(m.ones(1, 2, 2, dtype=x), m.ones(1, 2, 2, dtype=y)),
    "mv": lambda m, x, y: m.mv(m.ones(2, 2, dtype=x), m.ones(2, dtype=y)),
    "dot": lambda m, x, y: m.dot(m.ones(2, dtype=x), m.ones(2, dtype=y)),
    "vdot": lambda m, x, y: m.vdot(m.ones(2, dtype=x), m.ones(2, dtype=y)),
    "inner": lambda m, x, y: m.inner(m.ones(2, dtype=x), m.ones(2, dtype=y)),
    "tensordot": lambda m, x, y: m.tensordot(m.ones(2, 2, dtype=x), m.ones(2, 2, dtype=y), 1),
    "einsum": lambda m, x, y: m.einsum("ij,jk->ik", m.ones(2, 2, dtype=x), m.ones(2, 2, dtype=y)),
    "addmm": lambda m, x, y: m.addmm(m.ones(2, dtype=x), m.ones(2, 2, dtype=y), m.ones(2, 2, dtype=y)),
    "addmv": lambda m, x, y: m.addmv(m.ones(2, dtype=x), m.ones(2, 2, dtype=y), m.ones(2, dtype=y)),
    "addbmm": lambda m, x, y: m.addbmm(m.ones(2, dtype=x), m.ones(1, 2, 2, dtype=y), m.ones(1, 2, 2, dtype=y)),
    "baddbmm": lambda m, x, y: m.baddbmm(m.ones(2, dtype=x), m.ones(1, 2, 2, dtype=y), m.ones(1, 2, 2, dtype=y)),
    "linear": lambda m, x, y: m.nn.functional.linear(m.ones(2, dtype=x), m.ones(2, 2, dtype=y)),
    "linear, bias": lambda m, x, y: m.nn.functional.linear(
        m.ones(2, dtype=x), m.ones(2, 2, dtype=x), m.ones(2, dtype=y)
    ),
    "chain": lambda m, x, y: m.linalg.multi_dot([m.ones(2, 2, dtype=x), m.ones(2, 2, dtype=x), m.ones(2, 2, dtype=y)]),
    "cross": lambda m, x, y: m.linalg.cross(m.ones(3, dtype=x), m.ones(3, dtype=y)),
}
NAMES = ("float32", "float64", "int64", "uint8", "complex64")


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_of_one_dtype(name):
    for first in NAMES:
        for second in NAMES:
            agree(lambda m, x=first, y=second: PRODUCTS[name](m, getattr(m, x), getattr(m, y)), rtol=1e-5)


def test_arrays_of_numpys_are_promoted():
    x = tg.ones(2, 2)
    assert np.matmul(np.ones((2, 2)), x).dtype == (x @ np.ones((2, 2))).dtype == tg.float64


def _z(m: Any, *shape: int) -> Any:
    return m.zeros(*shape)


PROGRAMS: dict[str, Any] = {
    **{
        f"{name} of a number": lambda m, name=name: getattr(m, name)(m.tensor(1.0), m.ones(2))
        for name in ("mv", "mm", "bmm", "dot", "outer")
    },
    "tensordot, a dimension twice": lambda m: m.tensordot(_z(m, 2, 2), _z(m, 2, 2), ((0, 0), (0, 1))),
    "addmm of bytes, a negative beta": lambda m: m.addmm(*[m.ones(2, 2, dtype=m.uint8)] * 3, beta=-3),
    "addmm of integers, an infinite beta": lambda m: m.addmm(*[m.ones(2, 2, dtype=m.int32)] * 3, beta=math.inf),
    "cumprod beyond float32": lambda m: m.tensor([1e30, 1e30, 1e-30, 0.0]).cumprod(0),
    "cumsum beyond float32": lambda m: m.tensor([3e38, 3e38, -3e38]).cumsum(0),
    "cumprod with a dtype": lambda m: m.tensor([[1e30], [1e30], [1e-30]]).cumprod(0, dtype=m.float32),
    "gaussian_nll_loss, an infinite variance": lambda m: m.nn.functional.gaussian_nll_loss(
        m.tensor([1.0, 2.0]), m.tensor([1.0, 2.0]), m.tensor([math.inf, 1e-9]), reduction="none"
    ),
    "layer_norm beyond float32": lambda m: m.nn.functional.layer_norm(m.tensor([[1e30, 2e30], [1.0, 2.0]]), (2,)),
    "group_norm beyond float32": lambda m: m.nn.functional.group_norm(m.tensor([[1e30, 2e30, 1.0, 2.0]]), 2),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name):
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            agree(PROGRAMS[name], rtol=1e-6)


def test_slopes_at_places_that_are_bytes():
    places = tg.tensor([5, 3, 1], dtype=tg.uint8)
    assert tg.gradient(tg.tensor([1.0, 2.0, 4.0]), spacing=(places,))[0].tolist() == [-0.5, -0.75, -1.0]


def test_degrees_that_would_never_end_are_refused():
    with pytest.raises(ValueError, match=r"chebyshev_polynomial_t: n must be at most 10000, got 1\.0"):
        tg.special.chebyshev_polynomial_t(tg.ones(2), tg.tensor([1.0, 1e30]))


NUMBERS = {  # functions of two Tensors, by which of them may be numbers
    "none": "atan2 fmax fmin ldexp logaddexp logaddexp2 maximum minimum logical_and logical_or logical_xor heaviside "
    "nextafter igamma igammac hypot isclose gcd lcm",
    "the second": "copysign eq ne lt le gt ge fmod rsub",
    "one of them": "remainder bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift xlogy",
    "any": "add sub mul",
}


@pytest.mark.each("name", " ".join(NUMBERS.values()).split())
def test_numbers_in_place_of_tensors(name):
    whole = name.startswith(("gcd", "lcm", "bitwise"))
    for first in (2, None):
        for second in (3, None):
            agree(
                lambda m, x=first, y=second: getattr(m, name)(
                    *[v or m.tensor([1, 2] if whole else [1.0, 2.0]) for v in (x, y)]
                ).reshape(-1),
                rtol=1e-6,
            )


def test_numpys_functions_and_operators_take_numbers():
    x, n = tg.tensor([1.0, 4.0]), tg.tensor([1, 4])
    assert np.maximum(x, 2).tolist() == np.maximum(2, x).tolist() == [2.0, 4.0]
    assert [f(n, 2).tolist() for f in (np.gcd, np.lcm, np.ldexp)] == [[1, 2], [2, 4], [4.0, 16.0]]
    assert (
        np.isclose(x, 4.0).tolist()
        == np.equal(4.0, x).tolist()
        == np.logical_and(x > 1, True).tolist()
        == [False, True]
    )
    assert np.heaviside(x - 1, 0.5).tolist() == [0.5, 1.0]
    assert (3 % n).tolist() == [0, 3]
    assert (2 < x).tolist() == (6 & n > 0).tolist() == [False, True]  # noqa: SIM300
    xs = tg._foreach_maximum([x], 2.0)
    assert xs[0].tolist() == [2.0, 4.0]


def _wrong_shape() -> None:
    class Wrong(tg.autograd.Function):
        forward = staticmethod(lambda ctx, x: x * 2)
        backward = staticmethod(lambda ctx, g: tg.ones(10))

    Wrong.apply(tg.ones(3, requires_grad=True)).sum().backward()


def _not_a_number() -> None:
    x = tg.zeros(1, requires_grad=True)
    with tg.autograd.detect_anomaly():
        (x.sqrt() * 0.0).sum().backward()


WORDS: dict[str, Callable[[], Any]] = {  # of PyTorch's messages, which ported tests look for
    "Dimension out of range": lambda: tg.ones(2).transpose(0, 5),
    "index 5 is out of bounds for dimension 0 with size 2": lambda: tg.ones(2)[5],
    "only supports boolean masks": lambda: tg.ones(2).masked_fill(tg.ones(2), 0.0),
    "expected BoolTensor for mask": lambda: tg.masked_select(tg.ones(2), tg.ones(2)),
    "The expanded size of the tensor .3. must match the existing size .2.": lambda: tg.ones(2).expand(3),
    "only supported on matrices": lambda: tg.ones(2).H,
    "single memory location": lambda: tg.ones(1).expand(2).add_(0),
    "Input must be >= 2-d": lambda: tg.fliplr(tg.ones(2)),
    "can't be cast to": lambda: tg.ones(2, dtype=tg.int64).add_(1.5),
    "can't be cast to .*int64": lambda: tg.add(tg.ones(2), 1, out=tg.ones(2, dtype=tg.int64)),
    "cannot be empty": lambda: tg.ones(1, requires_grad=True).sum().backward(inputs=[]),
    "Boolean value of Tensor with no values is ambiguous": lambda: bool(tg.ones(0)),
    "a leaf Variable that requires grad is being used in an in-place operation": lambda: tg.ones(
        1, requires_grad=True
    ).add_(1),
    "Set allow_unused=True": lambda: tg.autograd.grad(
        tg.ones(1, requires_grad=True).sum(), tg.ones(1, requires_grad=True)
    ),
    "At least one of 'min' or 'max' must not be None": lambda: tg.ones(1).clamp(),
    "can't be cast to the desired output type": lambda: tg.ones(1, dtype=tg.uint8).xlogy_(tg.ones(1)),
    "the operation's result requires dtype": lambda: tg.ones(1).float_power_(2.0),
    "heaviside is not yet implemented for tensors with different dtypes": lambda: tg.heaviside(
        tg.ones(1), tg.ones(1, dtype=tg.int64)
    ),
    "maximum: .*not implemented for": lambda: tg.maximum(tg.ones(1) * 1j, tg.ones(1) * 1j),
    "ZeroDivisionError": lambda: tg.tensor([1]) // tg.tensor([0]),
    "Expected a floating point or complex tensor": lambda: tg.linalg.matrix_exp(tg.eye(2).long()),
    "must be batches of square matrices": lambda: tg.linalg.inv(tg.ones(2, 3)),
    "input must have at least 2 dimensions": lambda: tg.linalg.lstsq(tg.ones(2), tg.ones(2)),
    "expected shape compatible with": lambda: _wrong_shape(),
    "Function 'SqrtBackward0' returned nan values in its 0th output": lambda: _not_a_number(),
    "The inputs given to vjp must be either a Tensor": lambda: tg.autograd.functional.vjp(tg.exp, (tg.ones(1), 1.0)),
    "The vector v can only be None if the input to the user": lambda: tg.autograd.functional.jvp(tg.exp, tg.ones(2)),
    "v has invalid size: should be torch.Size": lambda: tg.autograd.functional.vjp(tg.exp, tg.ones(2), tg.ones(3)),
    "argmax: out must be of int64, as the result is, got float16": lambda: tg.argmax(
        tg.ones(5000), out=tg.empty(0).half()
    ),
    "nonzero only supports scalar type Long for result": lambda: tg.nonzero(tg.ones(2), out=tg.empty(0)),
    "all only supports bool tensor for result, got": lambda: tg.all(tg.ones(2), out=tg.empty(0)),
    "isposinf only supports bool tensor": lambda: tg.isposinf(tg.ones(2), out=tg.empty(0, dtype=tg.uint8)),
    "from is out of bounds": lambda: tg.ones(1, dtype=tg.int8).random_(-300, 2),
}


@pytest.mark.each("words", WORDS)
def test_messages_have_pytorchs_words(words):
    with pytest.raises((RuntimeError, IndexError, TypeError), match=words):
        WORDS[words]()


def test_a_second_pass_and_an_overwritten_value_in_pytorchs_words():
    x = tg.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="Specify retain_graph=True"):
        y.backward()
    z = x * 1
    out = (z * z).sum()
    z.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        out.backward()


BOOLS: dict[str, Any] = {
    "zeros": lambda m: m.zeros(True),
    "zeros of a tuple": lambda m: m.zeros((True,)),
    "zeros of a list": lambda m: m.zeros([True, 2]),
    "full": lambda m: m.full((True,), 1.0),
    "randn": lambda m: m.randn(True),
    "new_zeros": lambda m: m.ones(1).new_zeros(True),
    "reshape": lambda m: m.ones(1).reshape((True,)),
    "view": lambda m: m.ones(1).view(True),
    "expand": lambda m: m.ones(1).expand(True, 1),
    "repeat": lambda m: m.ones(1).repeat(True),
    "permute": lambda m: m.ones(1, 1).permute(True, False),
    "flip": lambda m: m.ones(1, 1).flip((True,)),
    "sum": lambda m: m.ones(1, 2).sum(True),
    "mean": lambda m: m.ones(1, 2).mean((True,)),
    "amax": lambda m: m.ones(1, 2).amax(True),
    "chunk": lambda m: m.ones(2).chunk(True),
    "linspace": lambda m: m.linspace(0, 1, True),
    "narrow": lambda m: m.ones(3).narrow(0, True, 1),
    "topk": lambda m: m.ones(3).topk(True),
    "randperm": lambda m: m.randperm(True),
    "one_hot": lambda m: m.nn.functional.one_hot(m.tensor([0]), True),
    "pad": lambda m: m.nn.functional.pad(m.ones(2), (True, 0)),
    "max_pool2d": lambda m: m.nn.functional.max_pool2d(m.ones(1, 1, 2, 2), True),
    "Embedding": lambda m: m.nn.Embedding(True, 2),
    "Linear": lambda m: m.nn.Linear(2, True),
    "interpolate": lambda m: m.nn.functional.interpolate(m.ones(1, 1, 2), size=True),
    "interpolate to a float": lambda m: m.nn.functional.interpolate(m.ones(1, 1, 2), size=3.0),
    "interpolate to floats": lambda m: m.nn.functional.interpolate(m.ones(1, 1, 2), size=(3.5,)),
}


@pytest.mark.each("name", BOOLS)
def test_what_is_no_integer_is_no_size(name: str) -> None:
    with pytest.raises(TypeError):
        BOOLS[name](tg)
    agree(BOOLS[name])


def test_cosine_similarity_promotes() -> None:
    def program(m: Any) -> Any:
        x = m.tensor([3.0, 4.0])
        return [
            m.cosine_similarity(x.to(m.int8), x, dim=0),
            m.cosine_similarity(x.double(), x, dim=0).dtype == m.float64,
        ]

    agree(program)
    agree(lambda m: m.cosine_similarity(m.tensor([3, 4]), m.tensor([3, 4]), dim=0))
