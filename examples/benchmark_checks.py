"""What checks of gradients and modules find, here and with PyTorch: the tables of docs/testing_your_modules.md.

Functions whose gradient is right, at scales, kinks and precisions where differences with a fixed step fail; the same
with a gradient that is wrong by a thousandth (in float16 by 0.3); the layers of `planted_bugs.py`; the loops of
`planted_mistakes.py`; and the time that a check of four layers takes. PyTorch, pytest-torch and JAX have a column each
where they are installed.
"""

from __future__ import annotations

import importlib.util
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import planted_bugs
import planted_mistakes
from common import command_line, setup

import tinygrad_lite as tg

SLIPS = {"float16": 0.3}  # which has three digits
TOLD = {True: "found", False: "missed", None: "-"}
Function = Callable[[Any, Any], Any]  # (library, x) -> y

RIGHT: dict[str, tuple[Function, list, str]] = {
    "x**3 at 1e9": (lambda L, x: x**3, [1e9], "float64"),
    "x*x at 1e-9": (lambda L, x: x * x, [1e-9], "float64"),
    "x*x from 1e-12 to 1e12": (lambda L, x: x * x, [1e-12, 1e12, 1.0], "float64"),
    "exp at 1e-12": (lambda L, x: x.exp(), [1e-12, -2e-12], "float64"),
    "sin at 1e9": (lambda L, x: x.sin(), [1e9], "float64"),
    "sin(1e6 x)": (lambda L, x: (x * 1e6).sin(), [0.7], "float64"),
    "sin(1e9 x)": (lambda L, x: (x * 1e9).sin(), [0.7], "float64"),
    "1/x at 1e-12": (lambda L, x: 1 / x, [1e-12], "float64"),
    "log at 1e-12 and 1e12": (lambda L, x: x.log(), [1e-12, 1e12], "float64"),
    "x + 1e9": (lambda L, x: x + 1e9, [1.0, 2.0], "float64"),
    "x + 1e18": (lambda L, x: x + 1e18, [1.0], "float64"),
    "log_softmax of hundreds": (lambda L, x: x.log_softmax(0), [-168.0, 3.0, 100.0, 81.0, -230.0], "float64"),
    "variance around 1000": (lambda L, x: x.var(), [1000.0, 1000.5, 999.0], "float64"),
    "x * abs(x) at 0": (lambda L, x: x * x.abs(), [0.0, 1.0], "float64"),
    "relu at 0": (lambda L, x: x.relu(), [0.0, 1.0, -1.0], "float64"),
    "kinks 2e-7 beside the point": (lambda L, x: x * 2 + (x - 1 - 2e-7).relu(), [1.0], "float64"),
    "x tanh(x) in float32": (lambda L, x: x.tanh() * x, [0.3, -0.7], "float32"),
    "exp in float16": (lambda L, x: x.exp(), [0.3, -0.7, 1.2], "float16"),
    "z conj(z) + exp(z) in complex64": (lambda L, z: z * z.conj() + z.exp(), [0.3 + 1j, -0.7], "complex64"),
}


def slipped(function: Function, slip: float) -> Function:
    """The same values, and a gradient that is wrong by this part of itself."""

    def call(L: Any, x: Any) -> Any:
        y = function(L, x)
        return y + slip * (y - y.detach())

    return call


def for_pytorch(module: ModuleType) -> ModuleType:
    """The same file with the imports of PyTorch."""
    text = Path(module.__file__ or "").read_text(encoding="utf-8")
    text = text.replace("import tinygrad_lite as tg", "import torch as tg").replace(
        "from tinygrad_lite import", "from torch import"
    )
    made = ModuleType(f"{module.__name__}_for_pytorch")
    sys.modules[made.__name__] = made
    exec(compile(text, module.__file__ or "", "exec"), made.__dict__)
    return made


def passes(check: Callable[[], Any]) -> bool:
    """Whether a check is content; anything that it raises is an accusation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return bool(check())
        except Exception:
            return False


def optional(name: str) -> Any:
    """The package of that name, or None where it is not installed."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def functions(torch: Any, pytest_torch: Any = None, jax: Any = None) -> dict[str, dict[str, list[bool]]]:
    """For each function and each check: does it pass with the right gradient, and with the wrong one."""
    checks: dict[str, tuple[Any, Callable[..., Any]]] = {"tinygrad_lite": (tg, tg.gradcheck)}
    if torch is not None:
        checks["PyTorch"] = torch, torch.autograd.gradcheck
    if pytest_torch is not None:
        checks["pytest-torch"] = torch, lambda f, args: pytest_torch.assert_gradcheck(f, args) is None
    found: dict[str, dict[str, list[bool]]] = {}
    for name, (function, values, dtype) in RIGHT.items():
        slip = SLIPS.get(dtype, 1e-3)
        found[name] = {}
        for who, (L, check) in checks.items():
            x = L.tensor(values, dtype=getattr(L, dtype), requires_grad=True)
            found[name][who] = [
                passes(lambda f=f, L=L, x=x, check=check: check(lambda x: f(L, x), (x,)))
                for f in (function, slipped(function, slip))
            ]
        if jax is not None:
            written, at = jax.FUNCTIONS[name], np.array(values, dtype)
            found[name]["JAX"] = [
                passes(lambda f=f, at=at: jax.check(f, at)) for f in (written, jax.slipped(written, slip))
            ]
    return found


def pytorchs_idiom(torch: Any, module: Any, inputs: tuple, keywords: dict, fast: bool = False) -> bool:
    """PyTorch's gradcheck of a module with its parameters, in training and in evaluation."""
    module = module.double()
    for training in (True, False):
        module.train(training)
        xs = [x.detach().double().requires_grad_() for x in inputs]
        count, parameters = len(xs), list(module.parameters())
        call = lambda *args, count=count: module(*args[:count], **keywords)  # noqa: E731
        if not torch.autograd.gradcheck(call, (*xs, *parameters), fast_mode=fast):
            return False
    return True


def all_of_pytest_torch(check: Any, bug: Any) -> bool:
    """All that pytest-torch has for such a layer, one after the other; each raises what it finds."""
    inputs = (*bug.inputs(), *bug.keywords().values())
    loss = lambda y: y.mean()  # noqa: E731
    module, twin = bug.build(), bug.options().get("twin")
    if twin is not None:
        module.load_state_dict(twin.state_dict())
        check.assert_matches_reference(module.eval(), twin.eval(), inputs)
    check.check_inference_contract(bug.build().eval(), inputs)
    check.assert_layout_invariant(bug.build().eval(), inputs)
    check.assert_checkpoint_roundtrip(bug.build, inputs)
    if [*module.parameters()]:
        check.assert_gradients_finite(bug.build(), inputs, loss)
        check.assert_all_params_receive_grad(bug.build(), inputs, loss)
    check.assert_gradcheck(bug.build(), inputs)
    return True


def bugs(torch: Any, pytest_torch: Any = None, jax: Any = None) -> dict[str, dict[str, bool]]:
    """For each planted bug: which check finds it; JAX has no counterpart of some."""
    found: dict[str, dict[str, bool]] = {}
    for bug in planted_bugs.BUGS:
        report = tg.testing.check_module(
            bug.build(), *bug.inputs(), keywords=bug.keywords(), report=True, **bug.options()
        )
        found[bug.name] = {"tinygrad_lite": any(b.kind == bug.kind and bug.says in b.text for b in report)}
    for bug in for_pytorch(planted_bugs).BUGS if torch is not None else ():
        check = lambda bug=bug: pytorchs_idiom(torch, bug.build(), bug.inputs(), bug.keywords())  # noqa: E731
        found[bug.name]["PyTorch"] = not passes(check)
        if pytest_torch is not None:
            found[bug.name]["pytest-torch"] = not passes(lambda bug=bug: all_of_pytest_torch(pytest_torch, bug))
    for name, (function, args) in jax.BUGS.items() if jax is not None else ():
        found[name]["JAX"] = not passes(lambda function=function, args=args: jax.check(function, *args))
    return found


def mistakes() -> dict[str, bool]:
    """For each planted mistake: is it told."""
    return {kind: any(m.kind == kind for m in loop()) for kind, loop in planted_mistakes.MISTAKES.items()}


def layers(L: Any) -> dict[str, tuple[Any, Any]]:
    """Four layers with an input each, of either library."""
    nn = L.nn

    class Block(nn.Module):
        def __init__(self, channels=8):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
            self.conv2, self.bn2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)

        def forward(self, x):
            return (x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()

    class Last(nn.LSTM):
        def forward(self, x):
            return super().forward(x)[0]

    mlp = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    transformer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    return {
        "MLP 16-32-32-10": (mlp, L.randn(8, 16)),
        "ResNet block, 8 channels, 8 x 8": (Block(), L.randn(2, 8, 8, 8)),
        "transformer layer, width 16": (transformer, L.randn(2, 6, 16)),
        "LSTM 8 to 16, 6 steps": (Last(8, 16, batch_first=True), L.randn(2, 6, 8)),
    }


def timed(check: Callable[[], Any]) -> tuple[float, bool]:
    """Seconds of the second call, when all is compiled, and whether the check passes."""
    passes(check)
    start = time.perf_counter()
    passed = passes(check)
    return time.perf_counter() - start, passed


def times(torch: Any, whole: bool) -> dict[str, dict[str, tuple[float, bool]]]:
    """Seconds for each layer: gradients, the whole contract, PyTorch's gradcheck, its fast mode."""
    found: dict[str, dict[str, tuple[float, bool]]] = {}
    for name, (module, x) in layers(tg).items():
        found[name] = {
            "gradcheck_module": timed(lambda module=module, x=x: tg.testing.gradcheck_module(module, x)),
            "check_module": timed(lambda module=module, x=x: tg.testing.check_module(module, x)),
        }
    if torch is not None:
        for name, (module, x) in layers(torch).items():
            modes = {"PyTorch fast_mode": True} | ({"PyTorch gradcheck": False} if whole else {})
            for mode, fast in modes.items():
                check = lambda m=module, x=x, fast=fast: pytorchs_idiom(torch, m, (x,), {}, fast)  # noqa: E731
                found[name][mode] = timed(check)
    return found


def main(steps: int = 1, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    torch = optional("torch")
    if torch is not None:
        torch.manual_seed(seed)
    pytest_torch = optional("pytest_torch") if torch else None
    jax = importlib.import_module("planted_bugs_jax") if optional("jax") else None
    np.random.seed(seed)  # noqa: NPY002
    others = {"PyTorch": torch, "pytest-torch": pytest_torch, "JAX": jax}
    who = ["tinygrad_lite", *(name for name, module in others.items() if module)]
    checked = torch, pytest_torch, jax
    results: dict[str, Any] = {"functions": functions(*checked), "bugs": bugs(*checked), "mistakes": mistakes()}
    print(f"{'function':34}" + "".join(f"{w + ': right':>22}{'wrong':>16}" for w in who))
    for name, row in results["functions"].items():
        cells = (("passes" if row[w][0] else "ACCUSED", "MISSED" if row[w][1] else "found") for w in who)
        print(f"{name:34}" + "".join(f"{a:>22}{b:>16}" for a, b in cells))
    print(f"\n{'layer with a bug':34}" + "".join(f"{w:>16}" for w in who))
    for name, row in results["bugs"].items():
        print(f"{name:34}" + "".join(f"{TOLD[row.get(w)]:>16}" for w in who))
    for w in who:
        accused = sum(not row[w][0] for row in results["functions"].values())
        missed = sum(row[w][1] for row in results["functions"].values())
        had = [row[w] for row in results["bugs"].values() if w in row]
        print(f"\n{w}: {accused} of {len(RIGHT)} right gradients accused, {missed} wrong ones missed;", end=" ")
        print(f"{sum(had)} of {len(had)} bugs found")
    print(f"tg.lint: {sum(results['mistakes'].values())} of {len(results['mistakes'])} mistakes told")
    results["times"] = times(torch, steps > 0)
    for name, row in results["times"].items():
        print(f"\n{name}")
        for what, (seconds, passed) in row.items():
            print(f"    {what:20}{seconds:10.2f} s  {'passes' if passed else 'ACCUSED'}")
    return results


if __name__ == "__main__":
    command_line(main)
