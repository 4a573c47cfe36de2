"""`testing.strategies`: what hypothesis draws."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import tinygrad_lite as tg
from tinygrad_lite.testing.strategies import broadcasting, shapes, tensors

KINDS = [tg.float16, tg.float32, tg.float64, tg.int8, tg.int64, tg.uint8, tg.bool, tg.complex64, tg.complex128]


@settings(max_examples=100, deadline=None)
@given(tensors(dtype=st.sampled_from(KINDS), low=-0.1, high=7.3), st.data())
def test_tensors_are_what_was_asked_for(x, data):
    assert x.dtype in KINDS
    assert x.ndim <= 4
    assert all(side <= 5 for side in x.shape)
    for part in (x.numpy().real, x.numpy().imag) if x.dtype.kind == "c" else (x.numpy().astype(np.float64),):
        assert (part >= -0.1).all()
        assert (part <= 7.3).all()
    y = data.draw(tensors((2, 3), contiguous=True, requires_grad=True))
    assert (y.shape, y.requires_grad, y.is_contiguous(), y.dtype) == ((2, 3), True, True, tg.float32)


def test_all_orders_of_memory_are_drawn():
    assert find(tensors((2, 3)), lambda x: x.stride() == (1, 2)).shape == (2, 3)
    assert find(tensors((2, 3)), lambda x: x.stride() == (6, 2)).shape == (2, 3)
    assert find(tensors(shapes(2, 2), elements=st.just(3.0)), lambda x: x.numel() > 3).numpy().ravel()[0] == 3


@settings(max_examples=50, deadline=None)
@given(broadcasting(3, min_side=1))
def test_shapes_that_broadcast(three):
    assert len(three) == 3
    np.broadcast_shapes(*three)


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    find = importlib.import_module

    def missing(name, *rest):
        if name.startswith("hypothesis"):
            raise ImportError(name)
        return find(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"tensors: needs hypothesis; pip install tinygrad_lite\[hypothesis\]"):
        tensors()
