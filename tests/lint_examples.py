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
    "learning_rates": {"steps": 100, "interval": 100, "seeds": 0}, "weight_init": {"steps": 20},
    "gradient_check": {"steps": 30}, "batch_norm": {"steps": 12}, "hyperparameters": {"steps": 12, "trials": 6},
    "optimizer_zoo": {"steps": 2, "digit_steps": 12, "only": "SGD,momentum,Adam,AdamW,Muon,Lion"},
    "resume_training": {"steps": 20, "workers": 0},
}  # fmt: skip
FALLEN = {"vanishing gradients", "dead units", "exploding gradients", "gradient of zero", "not finite"}
MEANT = {  # studies of what is wrong
    "weight_init": FALLEN,  # first weights too small and too large
    "batch_norm": FALLEN | {"learning rate too large"},  # the same without and with normalization
    "gradient_check": {"no gradient"},  # an activation whose parameter is detached
    "hyperparameters": {"learning rate too small", "learning rate too large"},  # a random search among 4 powers of ten
    "learning_rates": {
        "learning rate too small", "learning rate too large", "not finite",  # rates from 0.0001 to 0.2
        "activation in front of the loss",  # the ReLU behind the scores is what it is about: lost classes
    },
}  # fmt: skip


def held(optimizer: Any) -> set[int]:
    return {id(p) for group in optimizer.param_groups for p in group["params"]}


class Every:
    """A `lint` around the steps of each optimizer, from its first step until the next one is made."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.kept: list[Any] = []
        self.made: list[Any] = []  # since the last step
        self.active: Any = None
        self.reports: list[Any] = []
        self.init = optim.Optimizer.__init__

    def begin(self, optimizer: Any, *_: object) -> None:
        if id(optimizer) in self.seen:
            return
        modules = [
            m for m in gc.get_objects() if issubclass(type(m), nn.Module)
        ]  # no proxies, whose objects may be gone
        models = [m for m in modules if held(optimizer) & {id(p) for p in m.parameters()}]
        self.finish()
        if not models:  # a descent of bare tensors
            return
        model = max(models, key=lambda m: len(list(m.modules())))
        whole = {id(p) for p in model.parameters()}
        own = held(optimizer)  # Muon's matrices: AdamW has the vectors, and steps behind it
        together = [o for o in self.made if o is optimizer or (held(o) & whole and not held(o) & own)]
        if optimizer is not together[-1]:
            return
        self.seen.update(map(id, together))
        self.active = tg.lint(model, together, warn=False)
        self.reports.append(self.active.__enter__())

    def make(self, optimizer: Any) -> None:
        if self.active is not None:
            self.finish()
            self.made.clear()
        self.kept.append(optimizer)
        self.made.append(optimizer)
        optimizer.register_step_pre_hook(self.begin)

    def finish(self) -> None:
        if self.active is not None:
            self.active.__exit__(None, None, None)
            self.active = None

    def __enter__(self) -> Every:
        every, init = self, self.init

        def wrapped(self: Any, *args: Any, **keywords: Any) -> None:
            init(self, *args, **keywords)
            if hasattr(self, "param_groups"):
                every.make(self)

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
