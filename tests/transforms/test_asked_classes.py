"""`__torch_function__` of classes: objects that are no tensors, and subclasses of Tensor, are asked."""

from __future__ import annotations

import pytest
from fresh_process import run
from oracle import agree

import tinygrad_lite as tg


def answering(*functions):
    """A class that says what it was asked; it answers for these functions, or for all."""

    class Diagonal:
        def __init__(self, values):
            self.values = values

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if functions and func not in functions:
                return NotImplemented
            places = [i for i, value in enumerate(args) if isinstance(value, cls)]
            return [func.__name__, [kind.__name__ for kind in types], places, len(args), sorted(kwargs or {})]

    return Diagonal


def answers(m):
    """What a class is asked, whatever door its object comes to."""
    d, x = answering()(m.ones(2)), m.ones(2, 2)
    return [
        m.exp(d), m.sum(d, -1), m.matmul(x, d), m.add(d, x, alpha=2), m.stack([x, d]), m.cat((d, d), 1),
        m.nn.functional.linear(x, d), m.where(x > 0, d, x), m.permute(d, (1, 0)), m.clone(d),
        x + d, x - d, x * d, x / d, x @ d, x == d, x < d, x.mul(d), x.add_(d), m.isclose(x, d), m.numel(d),
        m.transpose(d, 0, 1), m.diagonal(d, 1, -1, -2), m.softmax(d, 0),
    ]  # fmt: skip


def test_a_class_is_asked_by_every_kind_of_function():
    agree(answers)


def unasked(m):
    class Own(m.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise TypeError(f"{func.__name__} asks")

    d = answering()(m.ones(2))
    t = m.ones(2).as_subclass(Own)
    return [m.is_tensor(d), m.is_tensor(t), m.is_storage(d), m.typename(d).endswith("Diagonal")]


def test_nobody_is_asked_by_questions_that_are_pythons():
    agree(unasked)


def test_a_class_is_asked_by_functions_of_namespaces():
    d, x = answering()(1), tg.ones(2, 2)
    for function, args in ((tg.linalg.solve, (d, x)), (tg.special.erfcx, (d,)), (tg.fft.rfft, (d, 2)),
                           (tg.nn.functional.mse_loss, (x, d))):  # fmt: skip
        assert function(*args)[:2] == [function.__name__, ["Diagonal"]]


def test_a_class_is_asked_about_the_method_that_a_sign_stands_for():
    x = tg.ones(2)
    for method, sign in ((tg.Tensor.add, lambda d: x + d), (tg.Tensor.div, lambda d: x / d),
                         (tg.Tensor.eq, lambda d: x == d), (tg.Tensor.matmul, lambda d: x @ d)):  # fmt: skip
        assert sign(answering(method)(x))[0] == method.__name__


def declined(m):
    return answering(m.cos)(1).values, m.exp(answering(m.cos)(1))


def declined_sign(m):
    return m.ones(2) + answering(m.cos)(1)


@pytest.mark.parametrize("program", [declined, declined_sign])
def test_nobody_answers(program):
    agree(program)


def test_the_error_names_who_declined():
    with pytest.raises(TypeError, match="exp: no implementation found by __torch_function__ of Diagonal"):
        tg.exp(answering(tg.cos)(1))


def test_pythons_reflected_operator_is_asked_where_the_class_declines():
    class Reflecting(answering(tg.cos)):
        def __radd__(self, other):
            return "reflected"

    assert tg.ones(1) + Reflecting(0) == "reflected"


def test_a_subclass_is_asked_before_its_base():
    class Base:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return cls.__name__, [kind.__name__ for kind in types]

    class Derived(Base):
        pass

    assert tg.add(Base(), Derived()) == ("Derived", ["Derived", "Base"])
    assert tg.add(Derived(), Base()) == ("Derived", ["Derived", "Base"])


def test_functions_of_your_own():
    m, d = tg.overrides, answering()(1)

    def double(a):
        return m.handle_torch_function(double, (a,), a) if m.has_torch_function((a,)) else a + a

    assert double(d) == ["double", ["Diagonal"], [0], 1, []]
    assert double(tg.ones(1)).tolist() == [2]
    assert m.has_torch_function_unary(d)
    assert not m.has_torch_function_variadic(tg.ones(1), 1)


SUBCLASSES = """
import importlib, os
m = importlib.import_module(os.environ["LIBRARY"])
c = m._C if m.__name__ == "torch" else importlib.import_module("tinygrad_lite.torch_modules._C")
class Named(m.Tensor):
    asked = []
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.asked.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)
w = m.ones(2, 2, requires_grad=True)
x = w.as_subclass(Named)
Named.asked.clear()
kinds = [type(v).__name__ for v in (x + 1, 1 - x, x.sum(), x[0], m.exp(x), m.stack([w, x]), *m.unbind(x),
         m.nn.functional.relu(x), w.exp(), x.topk(1).values, m.ones(2) @ w)]
print(kinds)
print([name for name in Named.asked if name in ("add", "exp", "stack", "relu", "sum", "topk")])
(x * x).sum().backward()
print(w.grad.tolist(), type(w.grad).__name__)
with c.DisableTorchFunctionSubclass():
    print(type(x + 1).__name__)
class Quiet(m.Tensor):
    __torch_function__ = c._disabled_torch_function_impl
print(type(m.ones(1).as_subclass(Quiet) + 1).__name__)
"""


def test_subclasses_of_tensor_are_asked():
    ours = run(SUBCLASSES, LIBRARY="tinygrad_lite")
    assert ours.splitlines()[0].count("Named") == 10
    pytest.importorskip("torch")
    assert ours == run(SUBCLASSES, LIBRARY="torch")
