"""Optimizers: each one a formula, compiled into one loop over all parameters."""

from __future__ import annotations

if __name__ == "optim":
    # The folder was imported from a checkout, where it stands beside the engine. Hand out the real package in
    # its place, submodules included: executed twice, every class would exist twice.
    import importlib
    import sys

    importlib.import_module("tinygrad_lite.optim")
    for _name in [name for name in sys.modules if f"{name}.".startswith("tinygrad_lite.optim.")]:
        sys.modules[_name.removeprefix("tinygrad_lite.")] = sys.modules[_name]
else:
    from . import textbook as textbook
    from .adam import Adam as Adam
    from .adam import AdamW as AdamW
    from .adaptive import Adadelta as Adadelta
    from .adaptive import Adagrad as Adagrad
    from .adaptive import RMSprop as RMSprop
    from .optimizer import Optimizer as Optimizer
    from .optimizer import formula as formula
    from .sgd import SGD as SGD

__all__ = ["Optimizer", "formula", "SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta", "textbook"]
