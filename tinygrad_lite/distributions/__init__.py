"""Probability distributions, transforms and divergences: PyTorch's, under their names there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..torch_imports import modules_of as _modules_of
from . import (
    categorical,
    discrete,
    distribution,
    extremes,
    gamma_family,
    kl,
    location_scale,
    matrices,
    mixture,
    multivariate_normal,
    transformed,
)
from . import constraint_registry as constraint_registry
from . import constraints as constraints
from . import transforms as transforms
from . import utils as utils
from .categorical import *
from .constraint_registry import biject_to as biject_to
from .constraint_registry import transform_to as transform_to
from .discrete import *
from .distribution import *
from .extremes import *
from .gamma_family import *
from .kl import *
from .location_scale import *
from .matrices import *
from .mixture import *
from .multivariate_normal import *
from .transformed import *
from .transforms import *

_ROOMS = (
    categorical, discrete, distribution, extremes, gamma_family, kl, location_scale, matrices, mixture,
    multivariate_normal, transformed, transforms,
)  # fmt: skip
__all__ = sorted(
    {"biject_to", "constraint_registry", "constraints", "transform_to", "transforms", "utils"}.union(
        *(room.__all__ for room in _ROOMS)
    )
)

if not TYPE_CHECKING:  # type checkers would take any name for one that it knows
    __getattr__ = _modules_of(__name__)
