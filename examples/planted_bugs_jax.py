"""The functions of `benchmark_checks.py` and the layers of `planted_bugs.py` in jax.numpy, for JAX's check_grads.

Layers are functions of the input and the parameters there. What has no counterpart is missing: modes, modules that
register and save, a twin, and tensors that are written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jax.test_util import check_grads
from planted_bugs import PADDING
from planted_bugs import rows as given

jax.config.update("jax_enable_x64", True)

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "x**3 at 1e9": lambda x: x**3,
    "x*x at 1e-9": lambda x: x * x,
    "x*x from 1e-12 to 1e12": lambda x: x * x,
    "exp at 1e-12": jnp.exp,
    "sin at 1e9": jnp.sin,
    "sin(1e6 x)": lambda x: jnp.sin(x * 1e6),
    "sin(1e9 x)": lambda x: jnp.sin(x * 1e9),
    "1/x at 1e-12": lambda x: 1 / x,
    "log at 1e-12 and 1e12": jnp.log,
    "x + 1e9": lambda x: x + 1e9,
    "x + 1e18": lambda x: x + 1e18,
    "log_softmax of hundreds": jax.nn.log_softmax,
    "variance around 1000": lambda x: jnp.var(x, ddof=1),
    "x * abs(x) at 0": lambda x: x * jnp.abs(x),
    "relu at 0": jax.nn.relu,
    "kinks 2e-7 beside the point": lambda x: x * 2 + jax.nn.relu(x - 1 - 2e-7),
    "x tanh(x) in float32": lambda x: jnp.tanh(x) * x,
    "exp in float16": jnp.exp,
    "z conj(z) + exp(z) in complex64": lambda z: z * z.conj() + jnp.exp(z),
}


def slipped(function: Callable[[Any], Any], slip: float) -> Callable[[Any], Any]:
    """The same values, and a gradient that is wrong by this part of itself."""

    def call(x: Any) -> Any:
        y = function(x)
        return y + slip * (y - stop_gradient(y))

    return call


def check(function: Callable[..., Any], *args: Any) -> bool:
    """JAX's check with its defaults: first derivatives, forward and backward; raises if it finds them wrong."""
    check_grads(function, args, order=1)
    return True


# --- layers -----------------------------------------------------------------------------------------------------------


@jax.custom_vjp
def triple(w):
    return w * 3


triple.defvjp(lambda w: (w * 3, None), lambda _, g: (g * 2,))


def normalized(x):
    deviation = jnp.std(x, axis=-1, ddof=1, keepdims=True)
    return (x - x.mean(-1, keepdims=True)) / deviation, deviation


@jax.custom_vjp
def standardize(x):
    return normalized(x)[0]


standardize.defvjp(normalized, lambda deviation, g: (g / deviation,))


def slip_of_a_ten_thousandth(x, w):
    y = x @ w
    return y + 1e-4 * (jnp.exp(y) - stop_gradient(jnp.exp(y)))


def exponential_of_hundreds(x, w):
    e = jnp.exp(1000 * x @ w)
    return e / e.sum(-1, keepdims=True)


def cancellation(x, w):
    y = x @ w + 3000
    return (y * y).mean(-1) - y.mean(-1) ** 2


def attention(hidden):
    def call(x, query, value):
        scores = (x @ query) @ x.swapaxes(1, 2)
        return jax.nn.softmax(jnp.where(hidden, -1e9, scores), -1) @ (x @ value)

    return call


def norm_over_the_wrong_axis(x, weight, bias):
    return (x - x.mean(1, keepdims=True)) / jnp.sqrt(x.var(1, keepdims=True) + 1e-5) * weight + bias


X = np.asarray(given()[0].numpy(), np.float64)
W = np.arange(1.0, 10.0).reshape(3, 3) / 7
SEQUENCES = np.sin(np.arange(18.0)).reshape(2, 3, 3)
KEY = jax.random.key(0)
HEAD = (SEQUENCES, W, W.T)

BUGS: dict[str, tuple[Callable[..., Any], tuple]] = {
    "WrongFactor": (lambda x, w: x @ triple(w), (X, W)),
    "ForgottenDeviation": (standardize, (X,)),
    "DetachedBranch": (lambda x, w: x @ w + stop_gradient(x) ** 2, (X, W)),
    "SlipOfATenThousandth": (slip_of_a_ten_thousandth, (X, W)),
    "NanInTheBackward": (lambda x, w: jnp.where(x @ w > 1e3, jnp.sqrt(x @ w * 0), x @ w), (X, W)),
    "RandomNumbersFromElsewhere": (lambda x, w: x @ w + np.random.standard_normal((1, 3)), (X, W)),  # noqa: NPY002
    "DetachedWeight": (lambda x, w: x @ stop_gradient(w), (X, W)),
    "ForgottenBias": (lambda x, w, b: x @ w, (X, W, np.zeros(3))),
    "SoftmaxOverTheBatch": (lambda x, w: jax.nn.softmax(x @ w, 0), (X, W)),
    "BatchStatisticsInEvaluation": (lambda x, w: (x - x.mean(0)) @ w, (X, W)),
    "DetachedBatchStatistics": (lambda x, w: x / (1 + jnp.abs(stop_gradient(x)).max()) @ w, (X, W)),
    "SqueezedBatch": (lambda x, w: (x @ w).squeeze(), (X, W)),
    "LoopOverTheBatch": (lambda x, w: jnp.stack([row @ w for row in x]), (X, W)),
    "MaskIgnored": (attention(np.zeros((1, 3, 3), bool)), HEAD),
    "MaskInverted": (attention(~PADDING[:, None, :]), HEAD),
    "CausalMaskOffByOne": (attention(np.triu(np.ones((3, 3)), 2) > 0), HEAD),
    "NormOverTime": (lambda x, w: x @ w / (1 + jnp.abs(stop_gradient(x)).max(1, keepdims=True)), (SEQUENCES, W)),
    "DoubleInside": (lambda x, w: x @ w * np.ones(3), (X, W)),
    "ExponentialOfHundreds": (exponential_of_hundreds, (X, W)),
    "Cancellation": (cancellation, (X, W)),
    "UnscaledDropout": (lambda x, w: x @ w * jax.random.bernoulli(KEY, 0.5, (4, 3)), (X, W)),
    "OneMaskForAll": (lambda x, w: x @ w * jax.random.bernoulli(KEY, 0.5, (3,)) * 2, (X, W)),
    "NormOverTheWrongAxis": (norm_over_the_wrong_axis, (X, np.ones(3), np.zeros(3))),
}
