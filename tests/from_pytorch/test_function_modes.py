"""`overrides.TorchFunctionMode`: what it is asked, in which order, and that nothing is left of it."""

from __future__ import annotations

import importlib
import inspect

import pytest
from oracle import agree

import tinygrad_lite as tg
from tinygrad_lite.transforms import interception


def program(m):
    """Which calls two modes see, and what they make of them."""

    class Noting(importlib.import_module(f"{m.__name__}.overrides").TorchFunctionMode if m is not tg else
                 tg.overrides.TorchFunctionMode):  # fmt: skip
        def __init__(self, name):
            super().__init__()
            self.name = name

        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append([self.name, len(args), sorted(kwargs or {})])
            if func is m.cat:
                return func([*args[0], m.ones(1)], **(kwargs or {}))
            return func(*args, **(kwargs or {}))

    seen: list = []
    x = m.ones(2, 2)
    with Noting("outer"):
        with Noting("inner"):
            found = [m.flatten(x, start_dim=0), x.relu(), x @ x, x + 1, 1 - x, x[0], x == 1, -x, x.sum(0)]
        found.append(m.cat([x[0], x[1]], dim=0))
        found.append(m.nn.functional.linear(x, x))
    count = len(seen)
    x * 2
    return found, seen[:2], [name for name, *_ in seen], len(seen) == count


def test_modes_see_what_pytorchs_see():
    agree(program)
    found, first, names, unchanged = program(tg)
    assert first == [["inner", 1, ["start_dim"]], ["outer", 1, ["start_dim"]]]
    assert names[:4] == ["inner", "outer"] * 2
    assert found[-2].shape == (5,)
    assert unchanged


def test_nothing_is_left_after_an_error():
    class Refusing(tg.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            raise KeyError(func.__name__)

    code, sign, handlers = tg.exp.__code__, tg.Tensor.__add__.__code__, list(interception._handlers)
    with pytest.raises(KeyError, match="exp"), Refusing():
        tg.exp(1.0)
    assert interception._handlers == handlers
    assert (tg.exp.__code__, tg.Tensor.__add__.__code__) == (code, sign)
    assert (tg.ones(2) + 1).tolist() == [2, 2]


def test_functions_tell_their_parameters_while_they_ask():
    names = ("bitwise_not", "relu", "sum")
    before = [str(inspect.signature(getattr(tg, name))) for name in names]
    with interception.intercepted(lambda function, run, args, kwargs: run(*args, **kwargs)):
        assert [str(inspect.signature(getattr(tg, name))) for name in names] == before
    assert [str(inspect.signature(getattr(tg, name))) for name in names] == before
