"""What checks of gradients and modules find, here and with PyTorch: the tables of docs/testing_your_modules.md.

Functions whose gradient is right, at scales, kinks and precisions where differences with a fixed step fail; the same
with a gradient that is wrong by a thousandth (in float16 by 0.3); the layers of `planted_bugs.py`; the loops of
`planted_mistakes.py`; and the time that a check of four layers takes. Without PyTorch its columns stay empty.
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


def functions(torch: Any) -> dict[str, dict[str, list[bool]]]:
    """For each function: does the check pass with the right gradient, and with the wrong one; ours, PyTorch's."""
    found: dict[str, dict[str, list[bool]]] = {}
    for name, (function, values, dtype) in RIGHT.items():
        found[name] = {}
        for L, who in ((tg, "tinygrad_lite"), (torch, "PyTorch")):
            if L is not None:
                x = L.tensor(values, dtype=getattr(L, dtype), requires_grad=True)
                found[name][who] = [
                    passes(lambda f=f, L=L, x=x: (L if L is tg else L.autograd).gradcheck(lambda x: f(L, x), (x,)))
                    for f in (function, slipped(function, SLIPS.get(dtype, 1e-3)))
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


def bugs(torch: Any) -> dict[str, dict[str, bool]]:
    """For each planted bug: is it found, by `check_module` and by PyTorch's gradcheck."""
    found: dict[str, dict[str, bool]] = {}
    for bug in planted_bugs.BUGS:
        report = tg.testing.check_module(
            bug.build(), *bug.inputs(), keywords=bug.keywords(), report=True, **bug.options()
        )
        found[bug.name] = {"tinygrad_lite": any(b.kind == bug.kind and bug.says in b.text for b in report)}
    if torch is not None:
        for bug in for_pytorch(planted_bugs).BUGS:
            check = lambda bug=bug: pytorchs_idiom(torch, bug.build(), bug.inputs(), bug.keywords())  # noqa: E731
            found[bug.name]["PyTorch"] = not passes(check)
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
            slow = whole and name.startswith("MLP")  # of the others it takes minutes
            modes = {"PyTorch fast_mode": True} | ({"PyTorch gradcheck": False} if slow else {})
            for mode, fast in modes.items():
                check = lambda m=module, x=x, fast=fast: pytorchs_idiom(torch, m, (x,), {}, fast)  # noqa: E731
                start = time.perf_counter()
                passed = passes(check)
                found[name][mode] = time.perf_counter() - start, passed
    return found


def main(steps: int = 1, seed: int = 0, out: str = "out", backend: str | None = None) -> dict:
    setup(seed, backend)
    torch = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
    if torch is not None:
        torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    who = ["tinygrad_lite", *(["PyTorch"] if torch else [])]
    results: dict[str, Any] = {"functions": functions(torch), "bugs": bugs(torch), "mistakes": mistakes()}
    print(f"{'function':34}" + "".join(f"{w + ': right':>22}{'wrong':>16}" for w in who))
    for name, row in results["functions"].items():
        cells = (("passes" if row[w][0] else "ACCUSED", "MISSED" if row[w][1] else "found") for w in who)
        print(f"{name:34}" + "".join(f"{a:>22}{b:>16}" for a, b in cells))
    print(f"\n{'layer with a bug':34}" + "".join(f"{w:>16}" for w in who))
    for name, row in results["bugs"].items():
        print(f"{name:34}" + "".join(f"{'found' if row[w] else 'missed':>16}" for w in who))
    for w in who:
        accused = sum(not row[w][0] for row in results["functions"].values())
        missed = sum(row[w][1] for row in results["functions"].values())
        found = sum(row[w] for row in results["bugs"].values())
        print(f"\n{w}: {accused} of {len(RIGHT)} right gradients accused, {missed} wrong ones missed;", end=" ")
        print(f"{found} of {len(results['bugs'])} bugs found")
    print(f"tg.lint: {sum(results['mistakes'].values())} of {len(results['mistakes'])} mistakes told")
    results["times"] = times(torch, steps > 0)
    for name, row in results["times"].items():
        print(f"\n{name}")
        for what, (seconds, passed) in row.items():
            print(f"    {what:20}{seconds:10.2f} s  {'passes' if passed else 'ACCUSED'}")
    return results


if __name__ == "__main__":
    command_line(main)
