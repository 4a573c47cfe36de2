"""Steps of models that papers brought: adjoint ODE, KAN, hyper-LSTM, SIREN, flows, N-BEATS, MAML, and others."""

from __future__ import annotations

import math
from typing import Any

from networks import mlp

from .common import Step, classifying, joined, labels, numbers, training


def adjoint_ode(T: Any) -> Step:
    """A spiral learned by an ODE whose gradients come of a second one, integrated backwards.

    Chen et al., Neural Ordinary Differential Equations (2018), algorithm 1.
    """
    h, net = 0.05, mlp(T, [2, 50, 2], "Tanh")
    start, end = numbers(T, 20, 2), numbers(T, 20, 2) * 0.5
    parameters = tuple(net.parameters())

    def rk4(f: Any, state: tuple[Any, ...], h: float, steps: int) -> tuple[Any, ...]:
        def moved(by: float, slope: Any) -> tuple[Any, ...]:
            return tuple(s + by * k for s, k in zip(state, slope))

        for _ in range(steps):
            k1 = f(*state)
            k2 = f(*moved(h / 2, k1))
            k3 = f(*moved(h / 2, k2))
            k4 = f(*moved(h, k3))
            state = tuple(s + h / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in zip(state, k1, k2, k3, k4))
        return state

    def flow(y: Any) -> Any:
        return net(y**3)

    class Adjoint(T.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, y: Any, *parameters: Any) -> Any:
            with T.no_grad():
                (y,) = rk4(lambda y: (flow(y),), (y,), h, 20)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (y,) = ctx.saved_tensors

            def augmented(y: Any, a: Any, *_: Any) -> tuple[Any, ...]:
                with T.enable_grad():
                    y = y.detach().requires_grad_(True)
                    f = flow(y)
                    slopes = T.autograd.grad(f, (y, *parameters), -a, allow_unused=True)
                return f.detach(), *slopes

            _, a, *sums = rk4(augmented, (y, g, *(T.zeros_like(p) for p in parameters)), -h, 20)
            return a, *sums

    return training(T, net, lambda _: (Adjoint.apply(start, *parameters) - end).abs().mean(), "RMSprop")


def kan(T: Any) -> Step:
    """Splines on the edges: a Kolmogorov-Arnold network of 64-32-10."""
    nn, F = T.nn, T.nn.functional

    class Edges(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int, grid: int = 5, order: int = 3) -> None:
            super().__init__()
            self.order = order
            knots = T.arange(-order, grid + order + 1) * (2 / grid) - 1
            self.register_buffer("grid", knots.expand(a, -1).contiguous())
            self.base, self.scale = (nn.Parameter(T.randn(b, a) / math.sqrt(a)) for _ in range(2))
            self.spline = nn.Parameter(T.randn(b, a, grid + order) * 0.1)

        def splines(self, x: Any) -> Any:
            grid, x = self.grid, x.unsqueeze(-1)
            bases = ((x >= grid[:, :-1]) & (x < grid[:, 1:])).to(x.dtype)
            for k in range(1, self.order + 1):
                left = (x - grid[:, : -(k + 1)]) / (grid[:, k:-1] - grid[:, : -(k + 1)]) * bases[:, :, :-1]
                right = (grid[:, k + 1 :] - x) / (grid[:, k + 1 :] - grid[:, 1:(-k)]) * bases[:, :, 1:]
                bases = left + right
            return bases.contiguous()

        def forward(self, x: Any) -> Any:
            weight = (self.spline * self.scale.unsqueeze(-1)).view(len(self.base), -1)
            return F.linear(F.silu(x), self.base) + F.linear(self.splines(x).view(x.size(0), -1), weight)

    return classifying(T, nn.Sequential(Edges(64, 32), Edges(32, 10)), numbers(T, 64, 64).tanh(), 10, "AdamW")


def hyper_lstm(T: Any) -> Step:
    """A small LSTM that scales the rows of a larger one (Ha et al., HyperNetworks, 2016), 12 characters."""
    nn, F, hidden, small, z = T.nn, T.nn.functional, 64, 16, 8

    class Cell(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, size: int) -> None:
            super().__init__()
            self.hyper = nn.LSTMCell(hidden + size, small)
            self.z = nn.ModuleList([nn.Linear(small, 4 * z) for _ in "hxb"])
            self.d = nn.ModuleList([nn.ModuleList([nn.Linear(z, hidden) for _ in range(4)]) for _ in "hxb"])
            self.w_h = nn.ParameterList([nn.Parameter(T.randn(hidden, hidden) * 0.1) for _ in range(4)])
            self.w_x = nn.ParameterList([nn.Parameter(T.randn(hidden, size) * 0.1) for _ in range(4)])
            self.norms, self.norm = nn.ModuleList([nn.LayerNorm(hidden) for _ in range(4)]), nn.LayerNorm(hidden)

        def forward(self, x: Any, h: Any, c: Any, small_h: Any, small_c: Any) -> Any:
            small_h, small_c = self.hyper(T.cat((h, x), dim=-1), (small_h, small_c))
            z_h, z_x, z_b = (layer(small_h).chunk(4, dim=-1) for layer in self.z)
            gates = []
            for i in range(4):
                y = self.d[0][i](z_h[i]) * T.einsum("ij,bj->bi", self.w_h[i], h)
                y = y + self.d[1][i](z_x[i]) * T.einsum("ij,bj->bi", self.w_x[i], x) + self.d[2][i](z_b[i])
                gates.append(self.norms[i](y))
            i, f, g, o = gates
            c = T.sigmoid(f) * c + T.sigmoid(i) * T.tanh(g)
            return T.sigmoid(o) * T.tanh(self.norm(c)), c, small_h, small_c

    model = joined(T, embed=nn.Embedding(32, 32), cell=Cell(32), out=nn.Linear(hidden, 32))
    x, y = labels(T, 32, 12, 16), labels(T, 32, 12, 16)

    def loss(model: Any) -> Any:
        state = [x.new_zeros(16, n, dtype=T.float32) for n in (hidden, hidden, small, small)]
        outs = []
        for row in model.embed(x):
            state = model.cell(row, *state)
            outs.append(state[0])
        return F.cross_entropy(model.out(T.stack(outs)).view(-1, 32), y.view(-1))

    return training(T, model, loss)


def siren(T: Any) -> Step:
    """A picture of 32 x 32 in sines, by its gradient."""
    nn = T.nn

    class Sine(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int) -> None:
            super().__init__()
            self.linear = nn.Linear(a, b)

        def forward(self, x: Any) -> Any:
            return T.sin(30 * self.linear(x))

    model = nn.Sequential(Sine(2, 64), Sine(64, 64), Sine(64, 64), nn.Linear(64, 1))
    points, target = numbers(T, 1024, 2), numbers(T, 1024, 2)

    def loss(model: Any) -> Any:
        x = points.clone().detach().requires_grad_(True)
        y = model(x)
        (slope,) = T.autograd.grad(y, [x], grad_outputs=T.ones_like(y), create_graph=True)
        return ((slope - target) ** 2).sum(-1).mean()

    return training(T, model, loss)


def real_nvp(T: Any) -> Step:
    """Six affine couplings of 2 numbers."""
    model = joined(T, nets=T.nn.ModuleList([mlp(T, [1, 24, 24, 2]) for _ in range(6)]))
    x = numbers(T, 256, 2)
    prior = T.distributions.MultivariateNormal(T.zeros(2), T.eye(2))

    def loss(model: Any) -> Any:
        z, total = x, T.zeros(len(x))
        for i, net in enumerate(model.nets):
            a, b = z[:, :1], z[:, 1:]
            s, t = net(a).chunk(2, dim=1)
            s = T.tanh(s)
            b = b * T.exp(s) + t
            total = total + s.sum(1)
            z = T.cat([b, a], dim=1) if i % 2 else T.cat([a, b], dim=1)
        return -(prior.log_prob(z) + total).mean()

    return training(T, model, loss)


def n_beats(T: Any) -> Step:
    """Six blocks that explain a series, each what the ones before left."""
    F, nn, back, ahead = T.nn.functional, T.nn, 20, 5

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layers = mlp(T, [back, 64, 64, 64, 64])
            self.back, self.ahead = nn.Linear(64, 8), nn.Linear(64, 8)
            self.back_basis, self.ahead_basis = nn.Linear(8, back), nn.Linear(8, ahead)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.layers(x))
            return self.back_basis(F.relu(self.back(x))), self.ahead_basis(F.relu(self.ahead(x)))

    x, y = numbers(T, 64, back), numbers(T, 64, ahead)

    def loss(model: Any) -> Any:
        left, found = x, T.zeros(64, ahead)
        for block in model:
            b, f = block(left)
            left, found = left - b, found + f
        return F.mse_loss(found, y)

    return training(T, nn.ModuleList([Block() for _ in range(6)]), loss)


def maml(T: Any) -> Step:
    """Four tasks, one inner step each, whose gradient is differentiated."""
    F, model = T.nn.functional, mlp(T, [1, 40, 40, 1])
    x, y = numbers(T, 4, 10, 1), numbers(T, 4, 10, 1).sin()

    def functional(w: Any, x: Any) -> Any:
        for i in range(0, 4, 2):
            x = F.relu(F.linear(x, w[i], w[i + 1]))
        return F.linear(x, w[4], w[5])

    def loss(model: Any) -> Any:
        total: Any = 0
        for i in range(4):
            w = list(model.parameters())
            grads = T.autograd.grad(F.mse_loss(functional(w, x[i, :5]), y[i, :5]), w, create_graph=True)
            w = [p - 0.01 * g for p, g in zip(w, grads)]
            total = total + F.mse_loss(functional(w, x[i, 5:]), y[i, 5:])
        return total / 4

    return training(T, model, loss)


def bayes_by_backprop(T: Any) -> Step:
    """Weights drawn from normal distributions of their own, 2 samples."""
    nn, F = T.nn, T.nn.functional

    class Linear(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int) -> None:
            super().__init__()
            self.mu, self.rho = nn.Parameter(T.randn(b, a) * 0.1), nn.Parameter(T.full((b, a), -3.0))

        def forward(self, x: Any) -> Any:
            here = T.distributions.Normal(self.mu, F.softplus(self.rho))
            w = here.rsample()
            self.divergence = (here.log_prob(w) - T.distributions.Normal(0.0, 1.0).log_prob(w)).sum()
            return F.linear(x, w)

    model = nn.Sequential(Linear(1, 32), nn.ReLU(), Linear(32, 32), nn.ReLU(), Linear(32, 1))
    x = numbers(T, 64, 1)
    y = x.sin()

    def loss(model: Any) -> Any:
        total: Any = 0
        for _ in range(2):
            total = total + 100 * F.mse_loss(model(x), y)
            total = total + sum(layer.divergence for layer in model if isinstance(layer, Linear)) / 64
        return total / 2

    return training(T, model, loss)


def mixture_density(T: Any) -> Step:
    """A mixture of 5 normal distributions for each input."""
    body, x = mlp(T, [1, 20, 15], "Tanh"), numbers(T, 128, 1)
    y = x + 0.3 * (6 * x).sin()

    def loss(body: Any) -> Any:
        logits, mu, log_sigma = body(x).chunk(3, dim=-1)
        mixed = T.distributions.Normal(mu, log_sigma.exp()).log_prob(y.expand_as(mu))
        return -T.logsumexp(T.log_softmax(logits, dim=-1) + mixed, dim=-1).mean()

    return training(T, body, loss)


def experts(T: Any) -> Step:
    """Four experts, of which each row takes the two best."""
    nn, F = T.nn, T.nn.functional
    model = joined(T, gate=nn.Linear(32, 4, bias=False), experts=nn.ModuleList([mlp(T, [32, 64, 32]) for _ in "1234"]))
    x, y = numbers(T, 128, 32), numbers(T, 128, 32)

    def loss(model: Any) -> Any:
        probabilities = F.softmax(model.gate(x), dim=1)
        weights, chosen = T.topk(probabilities, 2, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        out = T.zeros_like(x)
        for i, expert in enumerate(model.experts):
            rows, which = T.where(chosen == i)
            out.index_add_(0, rows, expert(x[rows]) * weights[rows, which].unsqueeze(-1))
        return F.mse_loss(out, y) + 0.01 * (probabilities.mean(0) ** 2).sum()

    return training(T, model, loss)


def state_space(T: Any) -> Step:
    """A block of Mamba: a selective scan over 24 steps, in Python."""
    nn, F, wide, n, low = T.nn, T.nn.functional, 32, 8, 4
    model = joined(
        T, embed=nn.Embedding(20, 16), into=nn.Linear(16, 2 * wide, bias=False), norm=nn.LayerNorm(16),
        conv=nn.Conv1d(wide, wide, 4, groups=wide, padding=3), select=nn.Linear(wide, low + 2 * n, bias=False),
        delta=nn.Linear(low, wide), out=nn.Linear(wide, 16, bias=False), head=nn.Linear(16, 20),
    )  # fmt: skip
    model.A_log = nn.Parameter(T.log(T.arange(1, n + 1, dtype=T.float32).repeat(wide, 1)))
    model.D = nn.Parameter(T.ones(wide))
    tokens = labels(T, 20, 8, 25)

    def scan(u: Any, delta: Any, A: Any, B: Any, C: Any) -> Any:
        decay = T.exp(T.einsum("bld,dn->bldn", delta, A))
        fed = T.einsum("bld,bln,bld->bldn", delta, B, u)
        state, out = T.zeros(len(u), wide, n), []
        for i in range(u.shape[1]):
            state = decay[:, i] * state + fed[:, i]
            out.append(T.einsum("bdn,bn->bd", state, C[:, i, :]))
        return T.stack(out, dim=1) + u * model.D

    def loss(model: Any) -> Any:
        h = model.embed(tokens[:, :-1])
        x, gate = model.into(model.norm(h)).split([wide, wide], dim=-1)
        x = F.silu(model.conv(x.transpose(1, 2))[:, :, : x.shape[1]].transpose(1, 2))
        delta, B, C = model.select(x).split([low, n, n], dim=-1)
        y = scan(x, F.softplus(model.delta(delta)), -T.exp(model.A_log), B, C)
        return F.cross_entropy(model.head(h + model.out(y * F.silu(gate))).flatten(0, 1), tokens[:, 1:].reshape(-1))

    return training(T, model, loss)
