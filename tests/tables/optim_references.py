"""Every optimizer once more, from its paper: plain NumPy in float64, one line for each line of the algorithm.

A rule is a generator for one array: it yields where the parameter is, is sent the gradient there, and goes on. What
the papers leave open, and where PyTorch documents a deviation, is as in PyTorch; where PyTorch has no such optimizer,
as in the authors' own program. `for_each` lifts a rule to what all references are,
``reference(params, gradient, steps, **hyperparameters)``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

Array = Any  # a float64 array, or a NumPy scalar where the parameter has no axes
Gradient = Callable[[int, list[Array]], list[Array]]
Rule = Generator[Any, Array, None]

REFERENCES: dict[str, Callable[..., list[Array]]] = {}


def for_each(name: str) -> Callable[[Callable[..., Rule]], Callable[..., list[Array]]]:
    """Lift a rule for one array to a list of arrays, and enter it in REFERENCES under the optimizer's name.

    ``reference(params, gradient, steps, maximize=False, averaged=False, **hyperparameters)`` returns where the
    parameters are after so many steps along ``gradient(t, params)``, t from 1; `averaged`: the averages instead that a
    rule yields beside the parameter.
    """

    def lift(rule: Callable[..., Rule]) -> Callable[..., list[Array]]:
        def reference(
            params: list[Array], gradient: Gradient, steps: int, maximize: bool = False, averaged: bool = False, **given
        ) -> list[Array]:
            rules = [rule(p, **given) for p in params]
            found = [next(each) for each in rules]
            for t in range(1, steps + 1):
                where = [each[0] if isinstance(each, tuple) else each for each in found]
                found = [r.send(-g if maximize else g) for r, g in zip(rules, gradient(t, where), strict=True)]
            return [each[averaged] if isinstance(each, tuple) else each for each in found]

        REFERENCES[name] = reference
        return reference

    return lift


def norm(x: Array) -> float:
    """The Euclidean norm of all elements."""
    return math.sqrt(np.sum(x * x))


def rms(x: Array) -> float:
    """The root mean square of all elements."""
    return math.sqrt(np.mean(x * x))


# --- gradient descent -------------------------------------------------------------------------------------------------


@for_each("SGD")
def sgd(p, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False) -> Rule:
    """Sutskever et al. 2013, section 2, in PyTorch's form: no learning rate in the velocity, which starts as g."""
    b = None
    while True:
        g = yield p
        d = g + weight_decay * p
        if momentum:
            b = d if b is None else momentum * b + (1 - dampening) * d
            d = d + momentum * b if nesterov else b
        p = p - lr * d


@for_each("ASGD")
def asgd(p, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0) -> Rule:
    """Polyak and Juditsky 1992, with the step sizes of Bottou's averaged SGD: eta = lr / (1 + lambda lr t)^alpha."""
    average = np.zeros_like(p)
    for t in itertools.count():
        g = yield p, average
        eta = lr / (1 + lambd * lr * t) ** alpha
        p = (1 - lambd * eta) * p - eta * (g + weight_decay * p)
        average = average + (p - average) / max(1, t - t0)


@for_each("Rprop")
def rprop(p, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)) -> Rule:
    """Riedmiller and Braun 1993; after a change of sign no step and no memory, iRprop- of Igel and Huesken 2000."""
    last, delta = np.zeros_like(p), np.full_like(p, lr)
    while True:
        g = yield p
        same, changed = g * last > 0, g * last < 0
        delta = np.where(same, np.minimum(etas[1] * delta, step_sizes[1]), delta)
        delta = np.where(changed, np.maximum(etas[0] * delta, step_sizes[0]), delta)
        last = np.where(changed, 0, g)
        p = p - np.sign(last) * delta


@for_each("SparseAdam")
def sparse_adam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8) -> Rule:
    """Kingma and Ba 2015, the line after algorithm 1, at the entries that have a gradient."""
    beta1, beta2 = betas
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        there = g != 0
        m[there] += (1 - beta1) * (g - m)[there]
        v[there] += (1 - beta2) * (g**2 - v)[there]
        step = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps)
        p = np.where(there, p - step, p)


@for_each("Lion")
def lion(p, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0) -> Rule:
    """Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2."""
    beta1, beta2 = betas
    m = np.zeros_like(p)
    while True:
        g = yield p
        c = beta1 * m + (1 - beta1) * g
        p = p - lr * (np.sign(c) + weight_decay * p)
        m = beta2 * m + (1 - beta2) * g


# --- a step size for each element -------------------------------------------------------------------------------------


@for_each("Adagrad")
def adagrad(p, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10) -> Rule:
    """Duchi et al. 2011, figure 1 with diagonal matrices; lr_decay is PyTorch's."""
    total = np.full_like(p, initial_accumulator_value)
    for t in itertools.count():
        g = yield p
        g = g + weight_decay * p
        total = total + g**2
        p = p - lr / (1 + lr_decay * t) * g / (np.sqrt(total) + eps)


@for_each("Adadelta")
def adadelta(p, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0) -> Rule:
    """Zeiler 2012, algorithm 1; lr is PyTorch's."""
    mean_g2, mean_x2 = np.zeros_like(p), np.zeros_like(p)
    while True:
        g = yield p
        g = g + weight_decay * p
        mean_g2 = rho * mean_g2 + (1 - rho) * g**2
        x = -np.sqrt(mean_x2 + eps) / np.sqrt(mean_g2 + eps) * g
        mean_x2 = rho * mean_x2 + (1 - rho) * x**2
        p = p + lr * x


@for_each("RMSprop")
def rmsprop(p, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False) -> Rule:
    """Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, equations 38 to 45, PyTorch's eps and momentum."""
    square, mean, b = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    while True:
        g = yield p
        g = g + weight_decay * p
        square = alpha * square + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(square - mean**2 if centered else square) + eps)
        p = p - lr * b


# --- Adam and what followed -------------------------------------------------------------------------------------------


@for_each("Adam")
def adam(
    p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled_weight_decay=False
) -> Rule:
    """Kingma and Ba 2015, algorithm 1; Reddi et al. 2018, algorithm 2; Loshchilov and Hutter 2019, algorithm 2."""
    beta1, beta2 = betas
    m, v, largest = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        if decoupled_weight_decay:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v)
        m_hat, v_hat = m / (1 - beta1**t), (largest if amsgrad else v) / (1 - beta2**t)
        p = p - lr * m_hat / (np.sqrt(v_hat) + eps)


def adamw(params, gradient, steps, weight_decay=1e-2, **given) -> list[Array]:
    """Loshchilov and Hutter 2019, algorithm 2."""
    return adam(params, gradient, steps, weight_decay=weight_decay, decoupled_weight_decay=True, **given)


REFERENCES["AdamW"] = adamw


@for_each("Adamax")
def adamax(p, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0) -> Rule:
    """Kingma and Ba 2015, algorithm 2; PyTorch adds eps to the gradient's absolute value."""
    beta1, beta2 = betas
    m, u = np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        u = np.maximum(beta2 * u, np.abs(g) + eps)
        p = p - lr / (1 - beta1**t) * m / u


@for_each("NAdam")
def nadam(
    p, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3, decoupled_weight_decay=False
) -> Rule:
    """Dozat 2016, algorithm 2, with the warming momentum of its section 3.2 (0.96 as in the appendix)."""
    beta1, beta2 = betas
    m, n, product = np.zeros_like(p), np.zeros_like(p), 1.0

    def mu(t: int) -> float:
        return beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    for t in itertools.count(1):
        g = yield p
        if decoupled_weight_decay:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        product *= mu(t)
        m = beta1 * m + (1 - beta1) * g
        n = beta2 * n + (1 - beta2) * g**2
        m_bar = (1 - mu(t)) * g / (1 - product) + mu(t + 1) * m / (1 - product * mu(t + 1))
        p = p - lr * m_bar / (np.sqrt(n / (1 - beta2**t)) + eps)


def rectification(t: int, beta2: float) -> tuple[float, float]:
    """Liu et al. 2020, algorithm 2: the length rho_t of the moving average, and the factor r_t where it is above 4."""
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 4:
        return rho, 0.0
    return rho, math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))


@for_each("RAdam")
def radam(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False) -> Rule:
    """Liu et al. 2020, algorithm 2; PyTorch adds eps before the bias correction, and rectifies above 5, not 4."""
    beta1, beta2 = betas
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        if decoupled_weight_decay:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        step = m / (1 - beta1**t)
        rho, r = rectification(t, beta2)
        if rho > 5:
            step = step * r * math.sqrt(1 - beta2**t) / (np.sqrt(v) + eps)
        p = p - lr * step


@for_each("AdaBelief")
def adabelief(
    p, lr=1e-3, betas=(0.9, 0.999), eps=1e-16, weight_decay=0.0, amsgrad=False, decoupled_weight_decay=True,
    rectify=False,
) -> Rule:  # fmt: skip
    """Zhuang et al. 2020, algorithm 2: eps is added to s at every step, and again to its root.

    Rectified, which the paper does not: Liu et al. 2020, algorithm 2, above a length of 5, around the paper's step (the
    authors' program adds eps before the bias correction there, and leaves amsgrad out).
    """
    beta1, beta2 = betas
    m, s, largest = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        if decoupled_weight_decay:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * (g - m) ** 2 + eps
        largest = np.maximum(largest, s)
        m_hat, s_hat = m / (1 - beta1**t), (largest if amsgrad else s) / (1 - beta2**t)
        rho, factor = rectification(t, beta2) if rectify else (math.inf, 1.0)
        p = p - lr * (factor * m_hat / (np.sqrt(s_hat) + eps) if rho > 5 else m_hat)


@for_each("Adan")
def adan(p, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0, no_prox=False) -> Rule:
    """Xie et al. 2022, algorithm 1, in the authors' program's convention: betas are what stays, moments corrected."""
    beta1, beta2, beta3 = betas
    m, v, n, last = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p), None
    for t in itertools.count(1):
        g = yield p
        difference = np.zeros_like(p) if last is None else g - last
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * difference
        n = beta3 * n + (1 - beta3) * (g + beta2 * difference) ** 2
        eta = lr / (np.sqrt(n / (1 - beta3**t)) + eps)
        step = eta * (m / (1 - beta1**t) + beta2 * v / (1 - beta2**t))
        p = (1 - lr * weight_decay) * p - step if no_prox else (p - step) / (1 + lr * weight_decay)
        last = g


@for_each("AdEMAMix")
def ademamix(
    p, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=2.0, beta3_warmup=None, alpha_warmup=None, eps=1e-8, weight_decay=0.0
) -> Rule:
    """Pagliardini et al. 2024, algorithm 1; the warm-ups are its section 3's f_alpha and f_beta3."""
    beta1, beta2, beta3 = betas
    m1, m2, v = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        a = min(t * alpha / alpha_warmup, alpha) if alpha_warmup else alpha
        b = beta3
        if beta3_warmup and t < beta3_warmup:
            part, low, high = t / beta3_warmup, math.log(beta1), math.log(beta3)
            b = math.exp(low * high / ((1 - part) * high + part * low))
        m1 = beta1 * m1 + (1 - beta1) * g
        m2 = b * m2 + (1 - b) * g
        v = beta2 * v + (1 - beta2) * g**2
        m1_hat, v_hat = m1 / (1 - beta1**t), v / (1 - beta2**t)
        p = p - lr * ((m1_hat + a * m2) / (np.sqrt(v_hat) + eps) + weight_decay * p)


# --- a step size for each tensor --------------------------------------------------------------------------------------


@for_each("LARS")
def lars(
    p, lr=1.0, momentum=0.9, weight_decay=0.0, trust_coefficient=1e-3, nesterov=False, adapt=True, eps=1e-8
) -> Rule:
    """You et al. 2017, algorithm 1 (the global learning rate inside the velocity); 1 where a norm is 0."""
    v = np.zeros_like(p)
    while True:
        g = yield p
        size, slope = norm(p), norm(g)
        local = 1.0
        if adapt and size > 0 and slope > 0:
            local = trust_coefficient * size / (slope + weight_decay * size + eps)
        d = lr * local * (g + weight_decay * p)
        v = momentum * v + d
        p = p - (d + momentum * v if nesterov else v)


@for_each("LAMB")
def lamb(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, adapt=True) -> Rule:
    """You et al. 2020, algorithm 2, with phi(z) = z; the ratio is 1 where a norm is 0."""
    beta1, beta2 = betas
    m, v = np.zeros_like(p), np.zeros_like(p)
    for t in itertools.count(1):
        g = yield p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * p
        ratio = norm(p) / norm(r) if adapt and norm(p) > 0 and norm(r) > 0 else 1.0
        p = p - lr * ratio * r


@for_each("Adafactor")
def adafactor(p, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0) -> Rule:
    """Shazeer and Stern 2018, algorithms 4 and 5; lr, decay, means and eps1 as PyTorch's documentation says."""
    eps1 = np.finfo(np.float64).eps if eps[0] is None else eps[0]
    rows = columns = v = 0.0
    for t in itertools.count(1):
        g = yield p
        rho, beta2 = min(lr, 1 / math.sqrt(t)), 1 - t**beta2_decay
        alpha = max(eps[1], rms(p)) * rho
        p = p - lr * weight_decay * p
        if np.ndim(g) > 1:
            rows = beta2 * rows + (1 - beta2) * np.mean(g**2, axis=-1, keepdims=True)
            columns = beta2 * columns + (1 - beta2) * np.mean(g**2, axis=-2, keepdims=True)
            v_hat = rows * columns / np.maximum(np.mean(rows, axis=-2, keepdims=True), eps1)
        else:
            v_hat = v = beta2 * v + (1 - beta2) * g**2
        u = g / np.maximum(np.sqrt(v_hat), eps1)
        p = p - alpha * u / max(1.0, rms(u) / d)


@for_each("Muon")
def muon(
    p, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315),
    eps=1e-7, ns_steps=5, adjust_lr_fn=None,
) -> Rule:  # fmt: skip
    """Jordan et al. 2024, "Muon", in PyTorch's form; match_rms_adamw: Liu et al. 2025, equation 4.

    The iteration X = a X + b (X X') X + c (X X')^2 X acts on the singular values alone, s = a s + b s^3 + c s^5:
    so it is written here.
    """
    a, b, c = ns_coefficients
    rows, columns = p.shape
    adjusted = lr * math.sqrt(max(1, rows / columns))
    if adjust_lr_fn == "match_rms_adamw":
        adjusted = lr * 0.2 * math.sqrt(max(rows, columns))
    m = np.zeros_like(p)
    while True:
        g = yield p
        m = momentum * m + (1 - momentum) * g
        direction = (1 - momentum) * g + momentum * m if nesterov else m
        left, s, right = np.linalg.svd(direction, full_matrices=False)
        s = s / max(norm(direction), eps)
        for _ in range(ns_steps):
            s = a * s + b * s**3 + c * s**5
        p = p - lr * weight_decay * p - adjusted * (left * s) @ right


# --- no learning rate, no schedule ------------------------------------------------------------------------------------


def prodigy(
    params, gradient, steps, maximize=False, lr=1.0, betas=(0.9, 0.999), beta3=None, eps=1e-8, weight_decay=0.0,
    decouple=True, use_bias_correction=False, safeguard_warmup=False, d0=1e-6, d_coef=1.0, growth_rate=math.inf,
) -> list[Array]:  # fmt: skip
    """Mishchenko and Defazio 2024, algorithm 4; the options, and eps times the *new* d, as in the authors' program."""
    beta1, beta2 = betas
    beta3 = math.sqrt(beta2) if beta3 is None else beta3
    start, now = list(params), list(params)
    m, v, s = ([np.zeros_like(p) for p in params] for _ in range(3))
    r, d, largest = 0.0, d0, d0
    for t in range(1, steps + 1):
        gs = [-g if maximize else g for g in gradient(t, now)]
        if not decouple:
            gs = [g + weight_decay * p for g, p in zip(gs, now)]
        gamma = lr * (math.sqrt(1 - beta2**t) / (1 - beta1**t) if use_bias_correction else 1.0)
        r = beta3 * r + (1 - beta3) * gamma * d**2 * sum(np.sum(g * (x0 - p)) for g, x0, p in zip(gs, start, now))
        weight = d**2 if safeguard_warmup else gamma * d**2
        s = [beta3 * each + (1 - beta3) * weight * g for each, g in zip(s, gs)]
        m = [beta1 * each + (1 - beta1) * d * g for each, g in zip(m, gs)]
        v = [beta2 * each + (1 - beta2) * d**2 * g**2 for each, g in zip(v, gs)]
        size = sum(np.sum(np.abs(each)) for each in s)
        if size == 0:
            continue
        estimate, step = d_coef * r / size, gamma * d
        if d == d0:
            d = max(d, estimate)
        largest = max(largest, estimate)
        d = min(largest, d * growth_rate)
        for i, p in enumerate(now):
            shrunk = p - step * weight_decay * p if decouple else p
            now[i] = shrunk - step * m[i] / (np.sqrt(v[i]) + d * eps)
    return now


REFERENCES["Prodigy"] = prodigy


@for_each("ScheduleFreeSGD")
def schedule_free_sgd(p, lr=1.0, momentum=0.9, weight_decay=0.0, warmup_steps=0, r=0.0, weight_lr_power=2.0) -> Rule:
    """Defazio et al. 2024, "The road less scheduled", equations 3 to 5; warm-up and weights as in the authors' program.

    Gradients are taken at y, where the parameters are; x, yielded beside it, is what to evaluate.
    """
    x = y = z = p
    total = largest = 0.0
    for t in itertools.count(1):
        g = yield y, x
        gamma = lr * min(1.0, t / max(1, warmup_steps))
        z = z - gamma * (g + weight_decay * y)
        largest = max(largest, gamma)
        weight = t**r * largest**weight_lr_power
        total += weight
        c = weight / total if total else 0.0
        x = (1 - c) * x + c * z
        y = (1 - momentum) * z + momentum * x


@for_each("ScheduleFreeAdamW")
def schedule_free_adamw(
    p, lr=2.5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, warmup_steps=0, r=0.0, weight_lr_power=2.0
) -> Rule:
    """Defazio et al. 2024, algorithm 1; weights with warm-up as in the authors' program."""
    beta1, beta2 = betas
    x = y = z = p
    v = np.zeros_like(p)
    total = largest = 0.0
    for t in itertools.count(1):
        g = yield y, x
        v = beta2 * v + (1 - beta2) * g**2
        gamma = lr * math.sqrt(1 - beta2**t) * min(1.0, t / max(1, warmup_steps))
        z = z - gamma * g / (np.sqrt(v) + eps) - gamma * weight_decay * y
        largest = max(largest, gamma)
        weight = t**r * largest**weight_lr_power
        total += weight
        c = weight / total if total else 0.0
        x = (1 - c) * x + c * z
        y = (1 - beta1) * z + beta1 * x
