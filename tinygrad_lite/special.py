"""Special functions: `torch.special`'s, under their names there."""

from __future__ import annotations

from .engine.door import open_doors
from .ops.pointwise.clamp_round_where import round
from .ops.pointwise.exp_log_trig import exp2, expm1, log1p, logit, sinc, xlogy
from .ops.pointwise.exp_log_trig import sigmoid as expit
from .ops.reduction.softmax import log_softmax, logsumexp, softmax
from .ops.special.bessel import i0, i0e, i1, i1e
from .ops.special.bessel_jyk import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from .ops.special.erf import erf, erfc, erfinv
from .ops.special.gamma import digamma, polygamma
from .ops.special.gamma import digamma as psi
from .ops.special.gamma import lgamma as gammaln
from .ops.special.gamma import mvlgamma as multigammaln
from .ops.special.incomplete_gamma import igamma as gammainc
from .ops.special.incomplete_gamma import igammac as gammaincc
from .ops.special.normal_distribution import entr, erfcx, log_ndtr, ndtr, ndtri, xlog1py
from .ops.special.orthogonal_polynomials import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from .ops.special.zeta import zeta

modified_bessel_i0, modified_bessel_i1 = i0, i1

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "modified_bessel_k0", "modified_bessel_k1",
    "scaled_modified_bessel_k0", "scaled_modified_bessel_k1", "spherical_bessel_j0",
    "chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma",
    "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc", "gammaln",
    "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e", "laguerre_polynomial_l",
    "legendre_polynomial_p", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp", "modified_bessel_i0",
    "modified_bessel_i1", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v",
    "shifted_chebyshev_polynomial_w", "sinc", "softmax", "xlog1py", "xlogy", "zeta",
]  # fmt: skip
open_doors(globals(), __all__, out=True)
