"""Optimizers: each one a formula, compiled into one loop over all parameters."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if __name__ == "optim":
    # The folder was imported from a checkout, where it stands beside the engine. Hand out the real package in
    # its place, submodules included: executed twice, every class would exist twice.
    import pkgutil

    _package = importlib.import_module("tinygrad_lite.optim")
    for _module in pkgutil.walk_packages(_package.__path__, "tinygrad_lite.optim."):  # those, too, that load on demand
        importlib.import_module(_module.name)
    for _name in [name for name in sys.modules if f"{name}.".startswith("tinygrad_lite.optim.")]:
        sys.modules[_name.removeprefix("tinygrad_lite.")] = sys.modules[_name]
else:
    from . import textbook as textbook
    from .adam_family.adabelief import AdaBelief as AdaBelief
    from .adam_family.adam import Adam as Adam
    from .adam_family.adam import AdamW as AdamW
    from .adam_family.adamax import Adamax as Adamax
    from .adam_family.adan import Adan as Adan
    from .adam_family.ademamix import AdEMAMix as AdEMAMix
    from .adam_family.lamb import LAMB as LAMB
    from .adam_family.nadam import NAdam as NAdam
    from .adam_family.prodigy import Prodigy as Prodigy
    from .adam_family.radam import RAdam as RAdam
    from .adam_family.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
    from .adam_family.schedule_free import ScheduleFreeSGD as ScheduleFreeSGD
    from .adam_family.sparse_adam import SparseAdam as SparseAdam
    from .adaptive.adadelta import Adadelta as Adadelta
    from .adaptive.adafactor import Adafactor as Adafactor
    from .adaptive.adagrad import Adagrad as Adagrad
    from .adaptive.rmsprop import RMSprop as RMSprop
    from .face.param_groups import decay_groups as decay_groups
    from .face.param_groups import groups_by_name as groups_by_name
    from .first_order.asgd import ASGD as ASGD
    from .first_order.lars import LARS as LARS
    from .first_order.lion import Lion as Lion
    from .first_order.muon import Muon as Muon
    from .first_order.rprop import Rprop as Rprop
    from .first_order.sgd import SGD as SGD
    from .optimizer import Optimizer as Optimizer
    from .quasi_newton.lbfgs import LBFGS as LBFGS
    from .step.declare.formula import formula as formula
    from .verify import verify as verify
    from .wrappers.lookahead import Lookahead as Lookahead
    from .wrappers.sam import SAM as SAM
    from .wrappers.zero_redundancy import ZeroRedundancyOptimizer as ZeroRedundancyOptimizer

    # Modules are known by their own names, too, as PyTorch's are: `from tinygrad_lite.optim.adam import Adam`.
    for _class in [each for each in globals().values() if isinstance(each, type) and issubclass(each, Optimizer)]:
        if _class is not Optimizer:
            _its_module = sys.modules[_class.__module__]
            for _name in {_class.__module__.rpartition(".")[2], *(["adamw"] if _class is AdamW else [])}:
                sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _its_module

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
    "ScheduleFreeAdamW", "SparseAdam", "Adafactor", "Muon", "LBFGS", "Lookahead", "SAM", "ZeroRedundancyOptimizer",
    "textbook", "lr_scheduler", "schedules", "swa_utils", "decay_groups", "groups_by_name", "verify",
]  # fmt: skip
