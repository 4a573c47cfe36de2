"""Optimizers: each one a formula, compiled into one loop over all parameters."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if __name__ == "optim":
    # The folder was imported from a checkout, where it stands beside the engine. Hand out the real package in
    # its place, submodules included: executed twice, every class would exist twice.
    import pkgutil
    import sys

    _package = importlib.import_module("tinygrad_lite.optim")
    for _module in pkgutil.walk_packages(_package.__path__, "tinygrad_lite.optim."):  # those, too, that load on demand
        importlib.import_module(_module.name)
    for _name in [name for name in sys.modules if f"{name}.".startswith("tinygrad_lite.optim.")]:
        sys.modules[_name.removeprefix("tinygrad_lite.")] = sys.modules[_name]
else:
    from . import textbook as textbook
    from .adabelief import AdaBelief as AdaBelief
    from .adafactor import Adafactor as Adafactor
    from .adam import Adam as Adam
    from .adam import AdamW as AdamW
    from .adamax import Adamax as Adamax
    from .adan import Adan as Adan
    from .adaptive import Adadelta as Adadelta
    from .adaptive import Adagrad as Adagrad
    from .adaptive import RMSprop as RMSprop
    from .ademamix import AdEMAMix as AdEMAMix
    from .asgd import ASGD as ASGD
    from .formula import formula as formula
    from .groups import decay_groups as decay_groups
    from .groups import groups_by_name as groups_by_name
    from .layerwise import LAMB as LAMB
    from .layerwise import LARS as LARS
    from .lbfgs import LBFGS as LBFGS
    from .lion import Lion as Lion
    from .muon import Muon as Muon
    from .nadam import NAdam as NAdam
    from .optimizer import Optimizer as Optimizer
    from .prodigy import Prodigy as Prodigy
    from .radam import RAdam as RAdam
    from .rprop import Rprop as Rprop
    from .schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
    from .schedule_free import ScheduleFreeSGD as ScheduleFreeSGD
    from .sgd import SGD as SGD
    from .verify import verify as verify
    from .wrappers import SAM as SAM
    from .wrappers import Lookahead as Lookahead

_LAZY = ("lr_scheduler", "schedules", "swa_utils")  # modules, loaded when they are first used


if TYPE_CHECKING:
    from . import lr_scheduler as lr_scheduler
    from . import schedules as schedules
    from . import swa_utils as swa_utils
else:  # type checkers would take any name for one that it knows

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return importlib.import_module(f"tinygrad_lite.optim.{name}")
        raise AttributeError(f"module 'tinygrad_lite.optim' has no attribute {name!r}")


__all__ = [
    "Optimizer", "formula", "SGD", "ASGD", "Rprop", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "RMSprop",
    "Adadelta", "AdaBelief", "Adan", "AdEMAMix", "Lion", "LARS", "LAMB", "Prodigy", "ScheduleFreeSGD",
    "ScheduleFreeAdamW", "Adafactor", "Muon", "LBFGS", "Lookahead", "SAM", "textbook", "lr_scheduler", "schedules",
    "swa_utils", "decay_groups", "groups_by_name", "verify",
]  # fmt: skip
