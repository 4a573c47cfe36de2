"""`STEPS`: some of `training_steps.py` as jax.numpy has them, for jax.jit. Only where jax is installed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Step = Callable[[], Any]
STEPS: dict[str, Callable[[], Step]] = {}


def program(name: str) -> Callable[[Any], Any]:
    """Register what makes a step, under its name in `PROGRAMS`."""

    def add(make: Any) -> Any:
        STEPS[name] = make
        return make

    return add


def layers(rng: Any, sizes: list[int]) -> list[tuple[Any, Any]]:
    """Weights and biases of linear layers, drawn as PyTorch's."""
    made = []
    for a, b in zip(sizes, sizes[1:]):
        draw = functools.partial(rng.uniform, -(a**-0.5), a**-0.5)
        made.append((jnp.asarray(draw((a, b)), jnp.float32), jnp.asarray(draw(b), jnp.float32)))
    return made


def run(net: list[tuple[Any, Any]], x: Any, between: Callable[[Any], Any]) -> Any:
    """The layers with an activation between them."""
    for w, b in net[:-1]:
        x = between(x @ w + b)
    return x @ net[-1][0] + net[-1][1]


def training(weights: Any, loss_of: Callable[[Any], Any], lr: float = 1e-3) -> Step:
    """One step of Adam (Kingma and Ba 2015, algorithm 1), compiled whole; states are given up to it."""
    zeros = functools.partial(jax.tree_util.tree_map, jnp.zeros_like)
    state = [weights, zeros(weights), zeros(weights), jnp.zeros((), jnp.float32)]

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
    def update(theta: Any, m: Any, v: Any, t: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(theta)
        each, t = jax.tree_util.tree_map, t + 1
        m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        rate, scale = lr / (1 - 0.9**t), jnp.sqrt(1 - 0.999**t)
        theta = each(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / scale + 1e-8), theta, m, v)
        return loss, theta, m, v, t

    def step() -> Any:
        loss, *state[:] = update(*state)
        return loss.block_until_ready()

    return step


def numbers(rng: Any, *shape: int) -> Any:
    return jnp.asarray(rng.standard_normal(shape), jnp.float32)


@program("chain of 20 operations on 10 elements")
def chain() -> Step:
    rng = np.random.default_rng(0)
    a, b = numbers(rng, 10), numbers(rng, 10)

    def loss_of(a: Any, b: Any) -> Any:
        x = a
        for _ in range(5):
            x = jax.nn.relu(x * b + a) - b
        return x.sum()

    compiled = jax.jit(jax.value_and_grad(loss_of, (0, 1)))
    return lambda: jax.block_until_ready(compiled(a, b))


@program("tanh layers 8-16-16-1, batch of 64, Adam")
def tanh_layers() -> Step:
    rng = np.random.default_rng(0)
    net, x, y = layers(rng, [8, 16, 16, 1]), numbers(rng, 64, 8), numbers(rng, 64, 1)
    return training(net, lambda net: jnp.square(run(net, x, jnp.tanh) - y).mean())


@program("layers 784-100x4-10, batch of 128, Adam")
def digits() -> Step:
    rng = np.random.default_rng(0)
    net, x = layers(rng, [784, 100, 100, 100, 100, 10]), numbers(rng, 128, 784)
    y = jnp.asarray(rng.integers(0, 10, 128))
    scores = lambda net: jax.nn.log_softmax(run(net, x, jax.nn.relu))  # noqa: E731
    return training(net, lambda net: -jnp.take_along_axis(scores(net), y[:, None], 1).mean())


@program("Q-network of 4-32-2, batch of 64")
def q_network() -> Step:
    rng = np.random.default_rng(0)
    net, old = layers(rng, [4, 32, 2]), layers(rng, [4, 32, 2])
    now, after, chosen = numbers(rng, 64, 4), numbers(rng, 64, 4), jnp.asarray(rng.integers(0, 2, (64, 1)))

    def loss_of(net: Any) -> Any:
        target = 0.99 * run(old, after, jax.nn.relu).max(1)
        off = jnp.take_along_axis(run(net, now, jax.nn.relu), chosen, 1)[:, 0] - target
        return jnp.where(jnp.abs(off) < 1, 0.5 * off * off, jnp.abs(off) - 0.5).mean()

    return training(net, loss_of)


@program("physics-informed layers, second derivatives")
def physics() -> Step:
    rng = np.random.default_rng(0)
    net, points = layers(rng, [2, 20, 20, 20, 1]), numbers(rng, 64, 2)

    def loss_of(net: Any) -> Any:
        u = lambda x: run(net, x, jnp.tanh)[0]  # noqa: E731
        first = jax.vmap(jax.grad(u))(points)
        second = jax.vmap(jax.grad(lambda x: jax.grad(u)(x)[0]))(points)
        value = jax.vmap(u)(points)
        return jnp.square(first[:, 1] - second[:, 0] + value * value).mean()

    return training(net, loss_of)


@program("neural differential equation, 10 steps of Runge-Kutta")
def equation() -> Step:
    rng = np.random.default_rng(0)
    net, start, end, h = layers(rng, [2, 16, 2]), numbers(rng, 32, 2), numbers(rng, 32, 2), 0.1

    def loss_of(net: Any) -> Any:
        f, x = lambda x: run(net, x, jnp.tanh), start
        for _ in range(10):
            a = f(x)
            b = f(x + h / 2 * a)
            c = f(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + f(x + h * c))
        return jnp.square(x - end).mean()

    return training(net, loss_of)
