"""Training steps whose recordings must equal their eager calls: name -> what makes (modules, step, arguments)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import nn, optim
from tinygrad_lite.rules import differentiable

PROGRAMS: dict[str, Callable[[], tuple[Any, Callable[..., Any], tuple[Any, ...]]]] = {}


def program(make: Callable[[], Any]) -> Callable[[], Any]:
    PROGRAMS[make.__name__] = make
    return make


def numbers(*shape: int) -> Any:
    return tg.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32))


def classes(count: int, *shape: int) -> Any:
    return tg.from_numpy(np.random.default_rng(count).integers(0, count, shape))


def training(net: Any, optimizer: Any, loss_of: Callable[..., Any]) -> Callable[..., Any]:
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@program
def tanh_layers() -> Any:
    net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    return net, training(net, optim.Adam(net.parameters()), F.mse_loss), (numbers(9, 8), numbers(9, 1))


@program
def norm_dropout_clip_and_schedule() -> Any:
    net = nn.Sequential(nn.Linear(20, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 4))
    optimizer = optim.AdamW(net.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y, label_smoothing=0.1)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        optimizer.step()
        schedule.step()
        return loss

    return net, step, (numbers(12, 20), classes(4, 12))


@program
def images() -> Any:
    net = nn.Sequential(
        nn.Conv2d(1, 4, 5, padding=2), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3),
        nn.GroupNorm(2, 8), nn.SiLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 4),
    )  # fmt: skip
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return net, training(net, optimizer, F.cross_entropy), (numbers(4, 1, 12, 12), classes(4, 4))


@program
def images_by_winograd() -> Any:
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.Conv2d(24, 16, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    return net, training(net, optimizer, F.cross_entropy), (numbers(4, 3, 18, 20), classes(4, 4))


@program
def attention() -> Any:
    layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.1, batch_first=True)
    net = nn.ModuleList([nn.Embedding(11, 16), nn.TransformerEncoder(layer, 2), nn.Linear(16, 11)])
    optimizer = optim.RMSprop(net.parameters())

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(net[2](net[1](net[0](x))).reshape(-1, 11), y.reshape(-1))
        loss.backward()
        optimizer.step()
        return loss

    return net, step, (classes(11, 3, 5), classes(10, 3, 5))


@program
def cells_in_a_loop() -> Any:
    net = nn.ModuleList([nn.LSTMCell(5, 8), nn.GRUCell(8, 6), nn.Linear(6, 3)])
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        h, c, g = tg.zeros(4, 8), tg.zeros(4, 8), tg.zeros(4, 6)
        for t in range(x.shape[1]):
            h, c = net[0](x[:, t], (h, c))
            g = net[1](h, g)
        loss = F.mse_loss(net[2](g), y)
        loss.backward()
        optimizer.step()
        return {"loss": loss, "last": (h.detach(), 3)}

    return net, step, (numbers(4, 6, 5), numbers(4, 3))


@program
def second_derivatives() -> Any:
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = optim.Adam(net.parameters())

    def step(x: Any, y: Any) -> Any:
        x = x.detach().requires_grad_()
        optimizer.zero_grad()
        u = net(x)
        (du,) = tg.autograd.grad(u.sum(), x, create_graph=True)
        (ddu,) = tg.autograd.grad(du[:, 0].sum(), x, create_graph=True)
        loss = (du[:, 1:] - ddu[:, :1] + u * u).square().mean() + (u - y).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    return net, step, (numbers(16, 2), numbers(16, 1))


@program
def two_optimizers_and_random_numbers() -> Any:
    maker = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh())
    judge = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    first, second = optim.Adam(maker.parameters()), optim.Adam(judge.parameters())

    def step(x: Any) -> Any:
        real, fake, z = tg.ones(len(x), 1), tg.zeros(len(x), 1), tg.randn(len(x), 4)
        second.zero_grad()
        judged = F.binary_cross_entropy_with_logits(judge(x), real)
        judged = judged + F.binary_cross_entropy_with_logits(judge(maker(z).detach()), fake)
        judged.backward()
        second.step()
        first.zero_grad()
        made = F.binary_cross_entropy_with_logits(judge(maker(z)), real)
        made.backward()
        first.step()
        return judged + made

    return nn.ModuleList([maker, judge]), step, (numbers(7, 6),)


@differentiable(x=lambda g, x: g * 3 * x * x)
def cube(x: Any) -> Any:
    return x * x * x


class Doubled(tg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * g


@program
def rows_and_functions_of_users_and_a_mean_of_the_weights() -> Any:
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer, mean = optim.Lookahead(optim.Adam(net.parameters())), optim.swa_utils.AveragedModel(net)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.mse_loss(Doubled.apply(cube(net(x))), y)
        loss.backward()
        with tg.no_grad():
            for p in net.parameters():
                p.grad.mul_(0.5)
                p.sub_(p.grad, alpha=0.01)
        optimizer.step()
        mean.update_parameters(net)
        return loss

    return mean, step, (numbers(6, 5), numbers(6, 2))


@program
def complex_parameters() -> Any:
    net = nn.ParameterList([nn.Parameter(tg.complex(numbers(6, 5), numbers(5, 6).T)), nn.Parameter(numbers(5))])
    optimizer = optim.Adam(net.parameters(), lr=0.01, max_grad_norm=0.5)

    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = (tg.fft.ifft(tg.fft.fft(x) @ net[0]).abs() * net[1]).square().sum()
        loss.backward()
        optimizer.step()
        return loss

    return net, step, (numbers(4, 6),)


@program
def writes_views_and_accumulation() -> Any:
    net = nn.ParameterList([nn.Parameter(numbers(6, 5)), nn.Parameter(numbers(5))])
    mean = nn.Buffer(tg.zeros(5))
    net.register_buffer("mean", mean)
    optimizer = optim.SGD(net.parameters(), lr=0.01)

    def step(x: Any) -> Any:
        for half in (x[:3], x[3:]):
            h = half @ net[0]
            h[:, 1:3] *= 2
            h = h + net[1]
            h.t()[0].add_(1.0)
            (h.square().mean() / 2).backward()
        with tg.no_grad():
            net.mean.mul_(0.9).add_(h.detach().mean(0), alpha=0.1)
        optimizer.step()
        optimizer.zero_grad()
        return h.detach(), net.mean

    return net, step, (numbers(6, 6),)
