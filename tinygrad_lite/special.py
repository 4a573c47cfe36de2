"""Special functions, `torch.special`'s: what the files of `ops` list as `SPECIAL`."""

from __future__ import annotations

from .engine.door import open_doors
from .engine.namespaces import gather
from .ops.pointwise import clamp_round_where, exp_log_trig
from .ops.reduction import softmax
from .ops.special import (
    bessel,
    bessel_jyk,
    erf,
    gamma,
    incomplete_gamma,
    normal_distribution,
    orthogonal_polynomials,
    zeta,
)

__all__ = gather(
    globals(), "SPECIAL", rooms=(
        clamp_round_where, exp_log_trig, softmax, bessel, bessel_jyk, erf, gamma, incomplete_gamma,
        normal_distribution, orthogonal_polynomials, zeta,
    ),
)  # fmt: skip
open_doors(globals(), __all__, out=True, first={"input": "x"})
