"""float16 over its whole range: what float32 gives, rounded once, in values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg

VALUES = np.unique(
    np.concatenate([np.linspace(-65504, 65504, 41), np.linspace(-30, 30, 121), np.linspace(-2, 2, 81), [1e-4, -1e-7]])
).astype(np.float16)  # fmt: skip
UNARY = (
    "exp expm1 log log2 log10 log1p sqrt rsqrt reciprocal square neg sin cos tanh asin acos atan asinh acosh "
    "abs sigmoid sinc erf erfc erfinv lgamma digamma logit i0 deg2rad rad2deg frac trunc"
).split()
NEURAL = (
    "gelu silu mish softplus relu elu celu selu leaky_relu relu6 hardtanh hardswish hardsigmoid logsigmoid softsign "
    "tanhshrink softshrink hardshrink"
).split()
SEVERAL: dict[str, Any] = {
    "glu": lambda x: tg.nn.functional.glu(x[:200]),
    "lerp": lambda x: tg.lerp(x, -x, 0.3),
    "cosine_similarity": lambda x: tg.nn.functional.cosine_similarity(x, x * 0 + 1, dim=0),
    "logaddexp": lambda x: tg.logaddexp(x, -x),
    "layer_norm": lambda x: tg.nn.functional.layer_norm(x, x.shape),
    "softmax": lambda x: tg.softmax(x, 0),
    "mean": lambda x: x.mean(),
    "i0e": tg.special.i0e,
    "i1e": tg.special.i1e,
}
ROWS: dict[str, Any] = {name: getattr(tg, name) for name in UNARY}
ROWS |= {name: getattr(tg.nn.functional, name) for name in NEURAL} | SEVERAL


@pytest.mark.each("name", ROWS)
def test_all_numbers_as_float32_has_them(name):
    found = []
    for dtype in (tg.float32, tg.float16):
        x = tg.from_numpy(VALUES).to(dtype).requires_grad_()
        out = ROWS[name](x)
        assert out.dtype == dtype
        (slope,) = tg.autograd.grad(out, x, tg.ones_like(out))
        with np.errstate(over="ignore"):
            found.append([v.detach().numpy().astype(np.float16).astype(np.float64) for v in (out, slope)])
    for theirs, ours in zip(*found):
        finite = np.isfinite(theirs)
        assert finite.any()
        np.testing.assert_allclose(ours[finite], theirs[finite], rtol=4e-3, atol=2e-3)
