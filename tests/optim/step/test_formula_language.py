"""The language of update formulas: what both backends take alike, and what is refused when the class is defined."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from numpy import sqrt
from optimizers_table import OPTIMIZERS

from tinygrad_lite import kernels, optim
from tinygrad_lite.optim.step.declare.formula_language import CONSTANTS, FUNCTIONS

SHIFT = 0.25
AWKWARD = np.array([0.0, 1.0, -1.0, 0.3, -0.7, 2.5, -3.5, 40.0, 1e-6, -1e-6, np.inf, -np.inf, np.nan])


def define(body: str, tmp_path, monkeypatch, **others):
    """A class with this formula, from a file."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    path = tmp_path / "mine.py"
    path.write_text(
        "import math\nimport numpy as np\nfrom tinygrad_lite import optim\n\n\n"
        "def averaged(x):\n    return x - np.mean(x)\n\n\n"
        "class Mine(optim.Optimizer):\n    lr: float = 0.1\n    loud: bool = False\n    state = ('m',)\n\n"
        f"    @optim.formula\n    def update(p, g, m, lr, loud, c):\n{lines}"
    )
    namespace = {"__name__": "mine"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace["Mine"]


REFUSED = {
    "return p - lr * (g - np.mean(g)), m": r"`np.mean\(g\)` is not in the language of formulas",
    "return p - lr * g / np.linalg.norm(g), m": r"`np.linalg.norm\(g\)` is not in",
    "return p - lr * (g - g.mean()), m": r"`g.mean\(\)` is not in",
    "return p - lr * g.clip(-1, 1), m": r"`g.clip\(-1, 1\)` is not in",
    "return p - lr * g.shape[0], m": r"`g.shape\[0\]` is not in",
    "return p - lr * sum(g), m": r"`sum\(g\)` is not in",
    "return p - lr * max(g, m), m": r"`max\(g, m\)` is not in",
    "return p - lr * float(g), m": r"`float\(g\)` is not in",
    "return p - lr * math.sqrt(m), m": r"`math.sqrt\(m\)` is not in",
    "return p - lr * np.cumsum(g), m": r"`np.cumsum\(g\)` is not in",
    "return p - lr * np.random.rand() * g, m": r"`np.random.rand\(\)` is not in",
    "return p - lr * np.float32(0.5) * g, m": r"`np.float32\(0.5\)` is not in",
    "return p - lr * averaged(g), m": r"Mine.update, averaged \(line 7 of .*mine.py\): `np.mean\(x\)` is not in",
    "if g > 0:\n    return p, m\nreturn p - lr * g, m": r"line 17 .*`if` needs an argument .* got `g > 0`; .*np.where",
    "if lr:\n    g = 2 * g\nreturn p - lr * g, m": "`if` needs an argument that is True or False, and `lr` is a number",
    "return (p if m else p - lr * g), m": "and `m` is a number",
    "return p - lr * (g and m), m": r"`g and m` is not in",
    "return np.where(0 < g < 1, p, g), m": r"`0 < g < 1` is not in",
    "m += g\nreturn p - lr * m, m": r"line 17 .*instead of `x \+= y` write `x = x \+ y`",
    "m[...] = g\nreturn p - lr * m, m": r"`m\[...\] = g` is not in",
    "for i in range(3):\n    g = g / 2\nreturn p - lr * g, m": r"`for i in range\(3\): g = g / 2` is not in",
    "m = m + g\np = p - lr * m": r"line 16 .*a formula must end with `return`",
    "if loud:\n    return p - lr * g, m": "a formula must end with `return`",
    "return p - lr * (g // 2), m": r"`g // 2` is not in",
    "return": "`return` is not in",
    "return p - lr * g": "this formula must return p, m, got 1 of 2",
    "return p - lr * g, m, c": "this formula must return p, m, got 3 of 2",
    "return p - lr * np.clip(g, -1, 1, g), m": "in a formula this takes 3 arguments, and none by name",
    "return p - lr * np.exp(g, dtype=np.float64), m": "in a formula this takes 1 arguments, and none by name",
    "return p - lr * 1j, m": "`1j` is not in",
    "return p - lr * [g], m": r"`\[g\]` is not in",
    "print(g)\nreturn p - lr * g, m": r"`print\(g\)` is not in",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_the_two_backends_would_take_for_different_things_is_refused_in_the_class(body, tmp_path, monkeypatch):
    with pytest.raises(TypeError, match=REFUSED[body]) as caught:
        define(body, tmp_path, monkeypatch)
    message = str(caught.value)
    assert message.startswith("Mine.update")
    assert "mine.py" in message
    if "not in the language" in message:
        assert "np.where, np.clip" in message
        assert "for sums over a tensor see `measure`" in message


def test_a_helper_that_is_defined_later_is_looked_through_before_the_first_step():
    class Mine(optim.Optimizer):
        lr: float = 0.1

        @optim.formula
        def update(p, g, lr):
            return p - lr * later(g)  # noqa: F821

    with pytest.raises(TypeError, match=r"Mine.update \(line .*: `later` is not defined"):
        Mine().update({"p": np.ones(3)}, {"p": np.ones(3)})
    try:
        globals()["later"] = centered
        with pytest.raises(TypeError, match=r"Mine.update, centered \(line .*: `np.mean\(x\)` is not in the language"):
            Mine().update({"p": np.ones(3)}, {"p": np.ones(3)})
    finally:
        del globals()["later"]


def centered(x):
    return x - np.mean(x)


def test_a_formula_without_text_is_refused_by_its_names():
    source = (
        "class Typed(optim.Optimizer):\n    lr: float = 0.5\n"
        "    @optim.formula\n    def update(p, g, lr):\n        return p - lr * (g - np.mean(g))\n"
    )
    with pytest.raises(TypeError, match="Typed.update: `mean` is not in the language of formulas"):
        exec("from __future__ import annotations\n" + source, {"optim": optim, "np": np})


def test_switches_and_names_are_checked_when_their_values_are_known():
    class Branching(optim.Optimizer):
        lr: float = 0.1
        loud: bool = False

        def scalars(self, group, t):
            return {"late": t > 1, "amount": 0.5}

        @optim.formula
        def update(p, g, lr, loud, late, amount):
            if loud:
                extra = 2 * g
            if late:
                g = g + extra
            return p - lr * (g if late else amount * g)

    class Numbered(Branching):
        def scalars(self, group, t):
            return {"late": 0.5, "amount": 0.5}

    with pytest.raises(
        TypeError, match="Numbered.update: what stands in `if` must be True or False, got a number: late"
    ):
        Numbered().update({"p": 1.0}, {"p": 1.0})
    params, quiet = {"p": 1.0}, Branching()
    quiet.update(params, {"p": 1.0})
    assert params["p"] == pytest.approx(0.95)
    with pytest.raises(TypeError, match="Branching.update: 'extra' must be set on every way through the formula"):
        quiet.update(params, {"p": 1.0})
    assert params["p"] == pytest.approx(0.95)
    loud = Branching(loud=True)
    for _ in range(2):
        loud.update(params, {"p": 1.0})
    assert params["p"] == pytest.approx(0.95 - 0.05 - 0.3)


@pytest.mark.each("row", [row for row in OPTIMIZERS if row.cls.elementwise], ids=lambda row: row.name)
def test_the_library_s_own_formulas_are_in_the_language(row):
    assert row.cls._rule.check_formulas(defined=True)


def in_parts(x, y, double):
    half = x / 2
    return (half * 2 if double else half), abs(y)


class Everything(optim.Optimizer):
    """What else there is in the language."""

    lr: float = 0.5
    double: bool = True

    state = ("m",)

    @optim.formula
    def update(p, g, m, lr, double):
        a, b = in_parts(g, m, double)
        inside = (g > -1) & (g <= 1) | ~(p < 0)
        m = np.clip(a, -np.pi, SHIFT) + np.clip(b, None, 1) * np.minimum(1, math.e)
        return np.where(inside, p - lr * m, -(sqrt(np.abs(p)) ** 2) % 3), m


@pytest.mark.parametrize(("dtype", "double"), [(np.float32, True), (np.float64, False)])
def test_both_backends_take_everything_in_the_language(dtype, double):
    g, p = (np.ascontiguousarray(a.ravel().astype(dtype)) for a in np.meshgrid(AWKWARD, AWKWARD))
    found = []
    for backend in ("numpy", "numba"):
        params = {"p": p.copy()}
        with kernels.use(backend):
            optimizer = Everything(double=double)
            optimizer.update(params, {"p": g})
            optimizer.update(params, {"p": g})
        found.append((params["p"], optimizer.state["p"]["m"]))
    for plain, compiled in zip(*found):
        np.testing.assert_allclose(compiled, plain, rtol=4 * np.finfo(dtype).eps)
        assert np.isfinite(plain).sum() > 100


def call(name: str) -> str:
    return f"np.{name}({', '.join(('g', 'p', 'lr')[: FUNCTIONS[name]])})"


@pytest.fixture(scope="module")
def every_function(tmp_path_factory):
    """An optimizer with one state for every function of the table, all computed in one formula."""
    names = [name for name in FUNCTIONS if name not in ("clip", "where")]
    lines = [f"        s{i} = 1.0 * {call(name)}" for i, name in enumerate(names)]
    states = ", ".join(f"s{i}" for i in range(len(names)))
    path = tmp_path_factory.mktemp("formulas") / "every.py"
    path.write_text(
        "import numpy as np\nfrom tinygrad_lite import optim\n\n\nclass Every(optim.Optimizer):\n    lr: float = 0.5\n"
        f"    state = {tuple(f's{i}' for i in range(len(names)))}\n\n"
        f"    @optim.formula\n    def update(p, g, {states}, lr):\n"
        + "\n".join(lines)
        + f"\n        return p, {states}\n"
    )
    namespace = {"__name__": "every"}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    return namespace["Every"], names


def test_every_function_of_the_table_is_the_same_compiled(every_function):
    cls, names = every_function
    dtype = np.float32  # which every literal and every function of wider results would leave
    g, p = (np.ascontiguousarray(a.ravel().astype(dtype)) for a in np.meshgrid(AWKWARD, AWKWARD))
    states = []
    for backend in ("numpy", "numba"):
        with kernels.use(backend):
            optimizer = cls()
            optimizer.update({"p": p.copy()}, {"p": g})
            states.append(optimizer.state["p"])
    plain, compiled = states
    for i, name in enumerate(names):
        a, b = plain[f"s{i}"], compiled[f"s{i}"]
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(a, np.asarray(eval(call(name), {"np": np, "g": g, "p": p}), dtype), name)
        np.testing.assert_allclose(b, a, rtol=8 * np.finfo(dtype).eps, err_msg=name)


def test_the_constants_are_numbers():
    assert all(isinstance(getattr(np, name), float) for name in CONSTANTS)
    assert inspect.isfunction(Everything.update)
