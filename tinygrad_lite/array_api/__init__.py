"""The array API standard, version 2024.12, on Tensors: what `Tensor.__array_namespace__` returns.

Functions have the standard's names and arguments and record gradients where this library knows them. Deviations: the
default dtype is `get_default_dtype`, float32; operators between Tensors promote as this library's do, which count a
Tensor of no dimension by its kind alone, where functions here promote as the standard says.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from . import creation, data_types, functions
from . import fft as fft
from . import linalg as linalg
from .creation import *
from .data_types import *
from .data_types import Info
from .functions import *
from .linalg import matmul as matmul
from .linalg import matrix_transpose as matrix_transpose
from .linalg import tensordot as tensordot
from .linalg import vecdot as vecdot

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi
__array_namespace_info__ = Info
__array_api_version__ = "2024.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
__all__ = sorted(
    {*creation.__all__, *data_types.__all__, *functions.__all__, "matmul", "matrix_transpose", "tensordot", "vecdot"}
    | {"__array_api_version__", "__array_namespace_info__", "e", "fft", "inf", "linalg", "nan", "pi"}
)


def for_version(api_version: str | None) -> Any:
    """The module itself, for a version of the standard that it satisfies.

    Parameters
    ----------
    api_version : str, optional

    Returns
    -------
    module

    Raises
    ------
    ValueError
        For another version.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> xp = tg.ones(2).__array_namespace__()
    >>> xp.sum(xp.asarray([1.0, 2.0]))
    tensor(3.)
    """
    if api_version is not None and api_version not in _VERSIONS:
        raise ValueError(f"__array_namespace__: api_version must be one of {', '.join(_VERSIONS)}, got {api_version!r}")
    return sys.modules[__name__]
