"""examples/engine_in_100_lines.py: its pass is the library's, on the library's own rows, and it fits its name."""

from __future__ import annotations

import ast
from pathlib import Path

import engine_in_100_lines as small
import numpy as np
import pytest
from ops_cases import Given, distinct, nonzero, normal, positive, unit

import tinygrad_lite as tg
from tinygrad_lite import optim, rules
from tinygrad_lite.engine import accumulate

ROWS: dict[str, tuple[list[Given], dict[str, object]]] = {  # a row's name, its arguments (some broadcast) and options
    "add": ([normal(2, 3), normal(3)], {}),
    "sub": ([normal(2, 3), normal(2, 1)], {}),
    "mul": ([normal(2, 3), normal(1, 3)], {}),
    "div": ([normal(3), nonzero(2, 3)], {}),
    "pow": ([positive(2, 3), normal(3)], {}),
    "maximum": ([normal(2, 3), normal(3)], {}),
    "atan2": ([nonzero(2, 3), nonzero(3)], {}),
    "hypot": ([nonzero(2, 3), nonzero()], {}),
    "logaddexp": ([normal(2, 3), normal(1)], {}),
    "neg": ([normal(2, 3)], {}),
    "square": ([normal(2, 3)], {}),
    "abs": ([nonzero(2, 3)], {}),
    "sqrt": ([positive(2, 3)], {}),
    "exp": ([normal(2, 3)], {}),
    "log": ([positive(2, 3)], {}),
    "sin": ([normal(2, 3)], {}),
    "tanh": ([normal(2, 3)], {}),
    "asin": ([unit(2, 3)], {}),
    "silu": ([normal(2, 3)], {}),
    "leaky_relu": ([nonzero(2, 3)], {"negative_slope": 0.1}),
    "lerp": ([normal(2, 3), normal(2, 3), unit(3)], {}),
    "matmul": ([normal(2, 3), normal(3, 4)], {}),
    "linear": ([normal(4, 3), normal(2, 3), normal(2)], {}),
    "inv": ([normal(3, 3)], {}),
    "mean": ([normal(2, 3)], {"axis": 1, "keepdims": True}),
    "var": ([normal(2, 3)], {"axis": 0, "ddof": 1, "keepdims": False}),
    "amax": ([distinct(2, 3)], {"axis": 0}),
    "cumsum": ([normal(2, 3)], {"axis": 1}),
    "roll": ([normal(2, 3)], {"shift": 1, "axis": 1}),
    "softmax": ([normal(2, 3)], {"axis": 1}),
}
TWICE = ["add", "mul", "div", "neg", "square", "sqrt", "exp", "log", "sin", "tanh"]


@pytest.fixture(autouse=True)
def own_table(monkeypatch):
    monkeypatch.setattr(small, "TABLE", dict(small.TABLE))


def row(name: str) -> rules.Op:
    return next(op for op in rules.TABLE.values() if op.name == name)


def in_small(real: rules.Op) -> small.Op:
    """The library's row as one of the small engine's."""
    op = small.differentiable(real.__wrapped__, **{rule.arg[0]: rule.vjp for rule in real.rules})
    for mine, theirs in zip(op.rules, real.rules):
        mine.names = theirs.names  # of a rule that also computes in single precision, only the library knows them
    return op


def arguments(name: str) -> tuple[list[np.ndarray], dict[str, object]]:
    rng = np.random.default_rng(len(name))
    given, options = ROWS[name]
    return [np.asarray(g.draw(rng, g.shape)) for g in given], options


@pytest.mark.each("name", ROWS)
def test_rows_of_the_real_table_have_the_same_gradients(name):
    arrays, options = arguments(name)
    mine = [small.Tensor(a, requires_grad=True) for a in arrays]
    real = [tg.tensor(a, requires_grad=True) for a in arrays]
    out, expected = in_small(row(name))(*mine, **options), row(name)(*real, **options)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=1e-13, atol=1e-15)
    weights = np.random.default_rng(0).standard_normal(expected.shape)
    small.backward(np.sum(out * weights))
    (expected * tg.tensor(weights)).sum().backward()
    for a, b in zip(mine, real):
        np.testing.assert_allclose(a.node.grad, b.grad.numpy(), rtol=1e-12, atol=1e-14, strict=True)


@pytest.mark.parametrize("name", TWICE)
def test_rules_record_themselves(name):
    """Second derivatives: the rules are called with Tensors, whose calls of NumPy come back into the table."""
    for needed in TWICE:
        in_small(row(needed))
    for needed in ("cos", "sub"):
        in_small(row(needed))
    arrays, options = arguments(name)
    op = in_small(row(name))
    mine = [small.Tensor(a, requires_grad=True) for a in arrays]
    real = [tg.tensor(a, requires_grad=True) for a in arrays]
    first = small.grad(np.sum(op(*mine, **options) * op(*mine, **options)), mine, create_graph=True)
    expected = tg.autograd.grad((row(name)(*real, **options) ** 2).sum(), real, create_graph=True)
    small.backward(sum_of(first, np.sum))
    sum_of(expected, tg.sum).backward()
    for a, b in zip(mine, real):
        np.testing.assert_allclose(a.node.grad, b.grad.numpy(), rtol=1e-11, strict=True)


def sum_of(tensors, total):
    first, *others = (total(t * t) for t in tensors)
    for other in others:
        first = first + other
    return first


def test_the_network_learns(capsys):
    result = small.main(steps=201)
    assert result["losses"][0] > 1.5 > 0.2 > result["losses"][-1]
    assert result["right"] > 0.95
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[:3]] == [
        ["step", "0"],
        ["step", "100"],
        ["step", "200"],
    ]


def test_its_own_rows_are_right():
    """Its `matmul`, `sum` and broadcasting, twice, by numbers known by heart: f = sum((x @ w)^2), f' = 2 x^T x w."""
    x, w = np.arange(6.0).reshape(3, 2), small.Tensor(np.array([[1.0], [-2.0]]), requires_grad=True)
    y = x @ w
    (g,) = small.grad(np.sum(np.sum(y * y, axis=0)), [w], create_graph=True)
    np.testing.assert_allclose(g.data, 2 * x.T @ x @ w.data)
    small.backward(np.sum(g * np.array([[1.0], [0.0]])))
    np.testing.assert_allclose(w.node.grad, 2 * (x.T @ x)[:, :1])
    b = small.Tensor(np.array([[1.0], [2.0]]), requires_grad=True)
    small.backward(np.sum((b - np.ones((3, 2, 4))) * b))  # b^2 - b, 12 times
    small.backward(np.sum(np.tanh(b) + np.logaddexp(b, 0.0)))  # added to what is there
    tanh, sigmoid = np.tanh(b.data), 1 / (1 + np.exp(-b.data))
    np.testing.assert_allclose(b.node.grad, 12 * (2 * b.data - 1) + 1 - tanh**2 + sigmoid)


def test_its_adam_is_the_librarys():
    rng = np.random.default_rng(0)
    start, gradients = rng.standard_normal(3), rng.standard_normal((4, 3))
    mine, real = small.Tensor(start.copy(), requires_grad=True), tg.tensor(start, requires_grad=True)
    adam, adam_there = small.Adam([mine], lr=0.1), optim.Adam([real], lr=0.1)
    for g in gradients:
        adam.zero_grad()
        assert mine.node.grad is None
        small.backward(np.sum(mine * g))
        real.grad = tg.tensor(g)
        adam.step()
        adam_there.step()
    np.testing.assert_allclose(mine.data, real.detach().numpy(), rtol=1e-12)


def test_an_unknown_function_is_refused():
    with pytest.raises(KeyError, match="cos"):
        np.cos(small.Tensor(1.0, requires_grad=True))


def test_it_fits_its_name_and_has_the_librarys_words():
    """The engine, without the network below it, without docstrings and comments."""
    text = Path(small.__file__).read_text(encoding="utf-8")
    engine = text[: text.index("# --- a network")]
    strings = {
        number
        for node in ast.walk(ast.parse(engine))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for number in range(node.lineno, node.end_lineno + 1)
    }
    lines = [line.strip() for n, line in enumerate(engine.splitlines(), 1) if n not in strings]
    assert sum(bool(line) and not line.startswith("#") for line in lines) <= 100
    words = {tg.rules: "differentiable Op Rule TABLE", tg.graph: "Node tick", tg: "Tensor", optim: "Optimizer Adam"}
    words |= {tg.autograd: "backward grad _run _through_graph", accumulate: "unbroadcast"}
    for module, names in words.items():
        for name in names.split():
            assert hasattr(module, name)
            assert hasattr(small, name)
    assert set(small.Node([], ()).__dict__) <= set(tg.graph.Node.__slots__)
