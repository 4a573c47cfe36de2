"""`replays`: a module that `tg.compile` has recorded gives what eager calls give, to the bit."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...ops.random.generator import default_generator
from ..modules import restored
from .breach import Breach
from .trial import Array, Call, Trial, floating, tensors

_CALLS = 4  # two are recorded, the others replayed


def replays(trial: Trial) -> Iterator[Breach]:
    """Results of calls with other numbers each, in both modes."""
    compiler = importlib.import_module("tinygrad_lite.compiler")
    for training in (False, True):
        eager, recorded = trial.copied(training), trial.copied(training)
        compiled = compiler.compile(recorded.module)
        for k in range(_CALLS):
            with warnings.catch_warnings(), restored(default_generator.state_dict()):
                warnings.simplefilter("ignore")  # what cannot be replayed runs eagerly, and says so
                one = _results(eager, eager.module, k)
            with warnings.catch_warnings(), restored(default_generator.state_dict()):
                warnings.simplefilter("ignore")
                two = _results(recorded, compiled, k)
            if len(one) != len(two) or not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two)):
                mode = "training" if training else "evaluation"
                yield Breach("recorded", f"in {mode}, call {k + 1} of tg.compile(module) differs from an eager call")
                return


def _results(call: Call, module: Callable[..., Any], k: int) -> list[Array]:
    for t in floating([call.args, call.keywords]):
        t._data[...] *= 1.0 - k / 64  # smaller: probabilities stay ones
    return [np.array(t._data) for t in tensors(module(*call.args, **call.keywords))]
