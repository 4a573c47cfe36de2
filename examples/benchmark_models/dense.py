"""Steps of models of linear layers: MLPs, DQN, PINN, a neural ODE, VAE, GAN, word2vec and a graph network."""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import mlp

from .common import Step, classifying, joined, labels, numbers, training


def tanh_mlp(T: Any) -> Step:
    """Regression by a very small MLP."""
    x, y = numbers(T, 64, 8), numbers(T, 64, 1)
    return training(T, mlp(T, [8, 16, 16, 1], "Tanh"), lambda model: ((model(x) - y) ** 2).mean())


def dqn(T: Any) -> Step:
    """Q-learning: values of the actions taken, towards those of a second network."""
    model, target = mlp(T, [4, 64, 64, 2]), mlp(T, [4, 64, 64, 2])
    state, after, action, reward = numbers(T, 64, 4), numbers(T, 64, 4), labels(T, 2, 64, 1), numbers(T, 64)

    def loss(model: Any) -> Any:
        with T.no_grad():
            goal = reward + 0.99 * target(after).max(1)[0]
        return T.nn.functional.smooth_l1_loss(model(state).gather(1, action)[:, 0], goal)

    return training(T, model, loss)


def pinn(T: Any) -> Step:
    """The heat equation, by derivatives of the network in its inputs."""
    x, t = numbers(T, 256, 1), numbers(T, 256, 1)
    x.requires_grad_(), t.requires_grad_()

    def along(y: Any, x: Any) -> Any:
        return T.autograd.grad(y.sum(), x, create_graph=True)[0]

    def loss(model: Any) -> Any:
        u = model(T.cat([x, t], 1))
        return ((along(u, t) - 0.1 * along(along(u, x), x)) ** 2).mean()

    return training(T, mlp(T, [2, 20, 20, 20, 1], "Tanh"), loss)


def neural_ode(T: Any) -> Step:
    """Runge and Kutta's steps through a network."""
    x, y, h = numbers(T, 20, 2), numbers(T, 20, 2), 0.1

    def loss(model: Any) -> Any:
        z = x
        for _ in range(20):
            a = model(z)
            b = model(z + 0.5 * h * a)
            c = model(z + 0.5 * h * b)
            z = z + h / 6 * (a + 2 * b + 2 * c + model(z + h * c))
        return (z - y).abs().mean()

    return training(T, mlp(T, [2, 50, 2], "Tanh"), loss)


def seeds_mlp(T: Any) -> Step:
    """Five layers, as the first programs this library served."""
    return classifying(T, mlp(T, [784, 100, 100, 100, 100, 10]), numbers(T, 128, 784))


def mlp_batch_norm_dropout(T: Any) -> Step:
    """Wider layers with batch norm and dropout."""
    nn, layers = T.nn, list[Any]()
    for a, b in ((784, 256), (256, 256)):
        layers += [nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(), nn.Dropout(0.2)]
    return classifying(T, nn.Sequential(*layers, nn.Linear(256, 10)), numbers(T, 256, 784))


def vae(T: Any) -> Step:
    """A variational autoencoder of digits."""
    x, F = numbers(T, 128, 784).sigmoid(), T.nn.functional
    model = joined(T, encode=mlp(T, [784, 400, 40]), decode=mlp(T, [20, 400, 784]))

    def loss(model: Any) -> Any:
        mean, log_var = model.encode(x).split(20, 1)
        z = mean + T.exp(0.5 * log_var) * T.randn_like(mean)
        divergence = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum()
        return (F.binary_cross_entropy_with_logits(model.decode(z), x, reduction="sum") + divergence) / 128

    return training(T, model, loss)


def gan(T: Any) -> Step:
    """A step of the discriminator and one of the generator."""
    F, real = T.nn.functional, numbers(T, 128, 784).tanh()
    generator, critic = mlp(T, [64, 256, 512, 784]), mlp(T, [784, 512, 256, 1])
    first, second = (T.optim.Adam(m.parameters(), lr=2e-4) for m in (critic, generator))
    ones, zeros = T.ones(128, 1), T.zeros(128, 1)

    def run() -> None:
        fake = T.tanh(generator(T.randn(128, 64)))
        first.zero_grad()
        (F.binary_cross_entropy_with_logits(critic(real), ones)
         + F.binary_cross_entropy_with_logits(critic(fake.detach()), zeros)).backward()  # fmt: skip
        first.step()
        second.zero_grad()
        F.binary_cross_entropy_with_logits(critic(fake), ones).backward()
        second.step()

    return run


def word2vec(T: Any) -> Step:
    """Skip-grams with negative samples."""
    model = joined(T, words=T.nn.Embedding(5000, 100), contexts=T.nn.Embedding(5000, 100))
    words, contexts = labels(T, 5000, 512), labels(T, 5000, 512, 6)
    sign = T.tensor(np.array([1, -1, -1, -1, -1, -1], "f"))

    def loss(model: Any) -> Any:
        scores = (model.contexts(contexts) * model.words(words)[:, None]).sum(2)
        return -T.nn.functional.logsigmoid(scores * sign).mean()

    return training(T, model, loss)


def gcn(T: Any) -> Step:
    """A graph network: features gathered along edges, and added up."""
    x, source, target, t = numbers(T, 1000, 64), labels(T, 1000, 5000), labels(T, 999, 5000) + 1, labels(T, 7, 1000)
    model = joined(T, first=T.nn.Linear(64, 64), second=T.nn.Linear(64, 7))

    def spread(h: Any) -> Any:
        return T.zeros(1000, h.shape[1]).index_add(0, target, h[source])

    def loss(model: Any) -> Any:
        h = spread(model.first(x)).relu()
        return T.nn.functional.cross_entropy(spread(model.second(h)), t)

    return training(T, model, loss)
