"""Every example that trains, with `tg.lint` around its steps, which must find nothing.

PYTHONPATH=. python tests/lint_examples.py           # or some of them by name
"""

from __future__ import annotations

import gc
import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

MAINS: dict[str, dict[str, Any]] = {
    "train_digits": {"steps": 60}, "cnn_digits": {"steps": 12}, "autoencoder": {"steps": 30}, "sequence": {"steps": 20},
    "char_gpt": {"steps": 10}, "overfit": {"steps": 30}, "compare_optimizers": {"steps": 30}, "resnet": {"steps": 6},
    "learning_rates": {"steps": 938}, "weight_init": {"steps": 20}, "gradient_check": {"steps": 30},
    "batch_norm": {"steps": 12}, "hyperparameters": {"steps": 12},
}  # fmt: skip
MEANT = {  # studies of what is wrong
    "weight_init": {"vanishing gradients", "dead units", "exploding gradients", "gradient of zero", "not finite"},
    "batch_norm": {
        "vanishing gradients",
        "dead units",
        "exploding gradients",
        "gradient of zero",
        "not finite",
        "learning rate too large",
    },
    "gradient_check": {"no gradient"},
    "hyperparameters": {"learning rate too small", "learning rate too large"},
    "learning_rates": {"learning rate too small", "learning rate too large", "not finite"},
}


class Every:
    """A `lint` around the steps of each optimizer, from its first step until that of the next."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.kept: list[Any] = []
        self.active: Any = None
        self.reports: list[Any] = []
        self.init = optim.Optimizer.__init__

    def begin(self, optimizer: Any, *_: object) -> None:
        if id(optimizer) in self.seen:
            return
        self.seen.add(id(optimizer))
        self.kept.append(optimizer)
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        modules = [m for m in gc.get_objects() if isinstance(m, nn.Module)]
        models = [m for m in modules if held & {id(p) for p in m.parameters()}]
        if not models:
            return
        self.finish()
        self.active = tg.lint(max(models, key=lambda m: len(list(m.modules()))), optimizer, warn=False)
        self.reports.append(self.active.__enter__())

    def finish(self) -> None:
        if self.active is not None:
            self.active.__exit__(None, None, None)
            self.active = None

    def __enter__(self) -> Every:
        every, init = self, self.init

        def wrapped(self: Any, *args: Any, **keywords: Any) -> None:
            init(self, *args, **keywords)
            if hasattr(self, "param_groups"):
                self.register_step_pre_hook(every.begin)

        optim.Optimizer.__init__ = wrapped  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()
        optim.Optimizer.__init__ = self.init  # type: ignore[method-assign]


def run(name: str, **options: Any) -> tuple[int, list[Any]]:
    """How many trainings an example has, and the mistakes found in them that are not what it is about."""
    with tempfile.TemporaryDirectory() as out, Every() as every:
        importlib.import_module(name).main(out=out, **{**MAINS[name], **options})
    found = {str(m): m for report in every.reports for m in report}
    return len(every.reports), [m for m in found.values() if m.kind not in MEANT.get(name, set())]


if __name__ == "__main__":
    for name in sys.argv[1:] or MAINS:
        trainings, mistakes = run(name)
        print(f"{name}: {trainings} trainings, {len(mistakes)} mistakes", *mistakes, sep="\n    ", flush=True)
