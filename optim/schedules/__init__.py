"""Schedules: a hyperparameter as a function of the step, for the learning rate or any other number.

A schedule is a small immutable value. Called with a step, counted from 0 for an optimizer's first, it returns a number.
Schedules can be joined, multiplied and added; ``repr`` writes what evaluates back to an equal one; `to_dict` makes
them JSON, from which `from_dict` makes them again.
"""

from __future__ import annotations

from .formulas import cosine as cosine
from .formulas import cyclic as cyclic
from .formulas import exponential as exponential
from .formulas import inverse_sqrt as inverse_sqrt
from .formulas import linear as linear
from .formulas import piecewise as piecewise
from .formulas import polynomial as polynomial
from .formulas import root as root
from .formulas import warm_restarts as warm_restarts
from .recipes import one_cycle as one_cycle
from .recipes import warmup as warmup
from .recipes import warmup_cosine as warmup_cosine
from .recipes import warmup_stable_decay as warmup_stable_decay
from .schedule import Schedule as Schedule
from .schedule import constant as constant
from .schedule import from_dict as from_dict
from .schedule import join as join
from .schedule import product as product
from .schedule import total as total

__all__ = [
    "Schedule", "from_dict",
    "constant", "linear", "polynomial", "cosine", "root", "exponential", "piecewise", "inverse_sqrt", "cyclic",
    "warm_restarts", "join", "product", "total",
    "warmup", "warmup_cosine", "warmup_stable_decay", "one_cycle",
]  # fmt: skip
