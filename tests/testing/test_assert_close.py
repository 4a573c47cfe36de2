"""`testing.assert_close` fails where PyTorch's does and says the same; `make_tensor` makes what is asked for."""

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

NAN = math.nan
PAIRS: dict[str, Any] = {  # of a library: what is compared, and the options
    "equal": lambda m: (m.ones(3), m.ones(3), {}),
    "close": lambda m: (m.ones(3), m.ones(3) + 1e-7, {}),
    "not close": lambda m: (m.ones(3), m.ones(3) + m.tensor([0.0, 1e-3, 0.0]), {}),
    "by rtol": lambda m: (m.ones(3), m.ones(3) + 1e-3, {"rtol": 1e-2, "atol": 0.0}),
    "shapes": lambda m: (m.ones(3), m.ones(3, 1), {}),
    "dtypes": lambda m: (m.ones(3), m.ones(3, dtype=m.float64), {}),
    "dtypes that do not count": lambda m: (m.ones(3), m.ones(3, dtype=m.int64), {"check_dtype": False}),
    "float16": lambda m: (m.ones(2, dtype=m.float16), m.ones(2, dtype=m.float16) + 9e-4, {}),
    "strides": lambda m: (m.ones(2, 3).t(), m.ones(3, 2), {"check_stride": True}),
    "integers": lambda m: (m.tensor([1, 2]), m.tensor([1, 3]), {}),
    "booleans": lambda m: (m.tensor([True, False]), m.tensor([True, True]), {}),
    "NaN": lambda m: (m.tensor([1.0, NAN]), m.tensor([1.0, NAN]), {}),
    "equal NaN": lambda m: (m.tensor([1.0, NAN]), m.tensor([1.0, NAN]), {"equal_nan": True}),
    "infinities": lambda m: (m.tensor([math.inf, -math.inf]), m.tensor([math.inf, -math.inf]), {}),
    "infinity and a number": lambda m: (m.tensor([math.inf]), m.tensor([1.0]), {}),
    "complex": lambda m: (m.tensor([1 + 1j]), m.tensor([1 + 1.1j]), {}),
    "sequences": lambda m: ([m.ones(3), 2.0], [m.ones(3), 2.5], {}),
    "lengths": lambda m: ([m.ones(3)], [], {}),
    "mappings": lambda m: ({"a": m.ones(2)}, {"a": m.zeros(2)}, {}),
    "keys": lambda m: ({"a": m.ones(2)}, {"b": m.ones(2)}, {}),
    "numbers": lambda m: (1, 2, {}),
    "nothing": lambda m: (m.ones(0), m.ones(0), {}),
    "half of the tolerances": lambda m: (m.ones(1), m.ones(1), {"rtol": 1.0}),
    "a message": lambda m: (m.ones(1), m.zeros(1), {"msg": "mine"}),
    "a message made": lambda m: (m.ones(1), m.zeros(1), {"msg": lambda text: "mine: " + text[:11]}),
}


def _said(m: Any, name: str) -> Any:
    actual, expected, options = PAIRS[name](m)
    try:
        m.testing.assert_close(actual, expected, **options)
    except (AssertionError, ValueError) as error:
        return isinstance(error, AssertionError), str(error)
    return None


@pytest.mark.each("name", PAIRS)
def test_assert_close_fails_where_pytorchs_does(name):
    torch = pytest.importorskip("torch")
    ours, theirs = _said(tg, name), _said(torch, name)
    assert (ours is None) == (theirs is None), (ours, theirs)
    if ours is not None:
        assert ours[0] == theirs[0]
        for a, b in zip(ours[1].splitlines()[:3], theirs[1].splitlines()[:3]):
            assert a.split(":")[0] == b.split(":")[0] or not ours[0], (a, b)


OLD: dict[str, Any] = {  # of a library: the arguments of `assert_allclose`
    "dtypes": lambda m: (m.ones(3), m.ones(3, dtype=m.float64)),
    "within float32": lambda m: (m.ones(3), m.ones(3) + 9e-5),
    "beyond": lambda m: (m.ones(3), m.ones(3) + 2e-4),
    "beyond float64": lambda m: (m.ones(3).double(), m.ones(3).double() + 3e-5),
    "numbers": lambda m: (m.ones(3), [1.0, 1.0, 1.0]),
    "of one": lambda m: (m.ones(1), m.ones(3)),
    "NaN": lambda m: (m.tensor([1.0, NAN]), m.tensor([1.0, NAN])),
    "tolerances": lambda m: (m.ones(3), m.zeros(3), 0.0, 1.5),
    "integers": lambda m: (m.tensor([1, 2]), m.tensor([1, 3])),
    "one tolerance": lambda m: (m.ones(3), m.zeros(3), 0.1),
}


def _old(m: Any, name: str) -> Any:
    try:
        m.testing.assert_allclose(*OLD[name](m))
    except (AssertionError, ValueError) as error:
        return type(error).__mro__[-3].__name__
    return None


@pytest.mark.filterwarnings("ignore:.torch.testing.assert_allclose")
@pytest.mark.each("name", OLD)
def test_assert_allclose_fails_where_pytorchs_does(name):
    assert _old(tg, name) == _old(pytest.importorskip("torch"), name)


def test_assert_close_by_itself():
    tg.testing.assert_close(tg.ones(2) / 3, [1 / 3, 1 / 3])
    tg.testing.assert_close(np.ones(2), tg.ones(2))
    with pytest.raises(AssertionError, match=r"(?s)elements: 1 / 2 \(50.0%\).*absolute difference: 1"):
        tg.testing.assert_close(tg.tensor([1, 2]), tg.tensor([1, 3]))
    with pytest.raises(AssertionError, match=r"item \[1\]"):
        tg.testing.assert_close([1.0, 2.0], (1.0, 3.0))
    with pytest.raises(TypeError, match="expected tensors"):
        tg.testing.assert_close("a", "b")
    with pytest.raises(AssertionError, match="the types"):
        tg.testing.assert_close(tg.ones(1), np.ones(1, "f4"), allow_subclasses=False)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int64", "float16", "float32", "float64", "complex64", "complex128"]
)
def test_make_tensor(dtype):
    kind = getattr(tg, dtype)
    x = tg.testing.make_tensor((40, 50), dtype=kind, exclude_zero=True, noncontiguous=True)
    assert (x.shape, x.dtype) == ((40, 50), kind)
    assert not x.is_contiguous()
    assert bool((x != 0).all())
    parts = x.numpy()
    parts = np.stack([parts.real, parts.imag]) if kind.is_complex else parts.astype(np.float64)
    low, high = {"b": (1, 1), "u": (1, 9), "i": (-9, 9)}.get(np.dtype(kind).kind, (-9, 9))
    assert low <= parts.min() <= low + 0.1
    assert high - 0.1 <= parts.max() <= high
    y = tg.testing.make_tensor(3, 4, dtype=kind, low=1, high=2, requires_grad=np.dtype(kind).kind in "fc")
    assert y.shape == (3, 4)
    assert y.requires_grad == (kind.is_floating_point or kind.is_complex)
    assert y.is_leaf


def test_make_tensor_refuses():
    make = tg.testing.make_tensor
    for options, error in [
        ({"low": 2, "high": 1}, ValueError), ({"low": NAN}, ValueError), ({"low": 1, "high": 1}, ValueError),
        ({"requires_grad": True}, RuntimeError),
        ({"noncontiguous": True, "memory_format": tg.channels_last}, ValueError),
    ]:  # fmt: skip
        with pytest.raises(error, match="make_tensor"):
            make(2, dtype=tg.int64, **options)
