"""`PROGRAMS`: whole steps of many kinds of models, each written once for any library that has PyTorch's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from networks import gpt, mlp

Step = Callable[[], Any]
PROGRAMS: dict[str, Callable[[Any, Any], tuple[Any, Step]]] = {}
LARGE = ("images: ResNet of 8 blocks", "text: GPT, 4 layers of 384", "images: ViT, 4 layers of 192")  # to be run apart


def program(name: str) -> Callable[[Any], Any]:
    """Register what makes (tensors to compare, step) from a library and random numbers."""

    def add(make: Any) -> Any:
        PROGRAMS[name] = make
        return make

    return add


def numbers(T: Any, rng: Any, *shape: int) -> Any:
    return T.tensor(rng.standard_normal(shape).astype("f"))


def classes(T: Any, rng: Any, count: int, *shape: int) -> Any:
    return T.tensor(rng.integers(0, count, shape))


def training(T: Any, net: Any, optimizer: Any, loss_of: Callable[[], Any]) -> tuple[Any, Step]:
    """One step of an optimizer."""

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    return net, step


def classifying(T: Any, net: Any, x: Any, y: Any, kind: str = "Adam", **options: Any) -> tuple[Any, Step]:
    """One step of a classifier, of the last dimension."""
    optimizer = getattr(T.optim, kind)(net.parameters(), **options)

    def loss_of() -> Any:
        scores = net(x)
        return T.nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y.reshape(-1))

    return training(T, net, optimizer, loss_of)


# --- small steps, whose cost is Python's ------------------------------------------------------------------------------


@program("chain of 20 operations on 10 elements")
def chain(T: Any, rng: Any) -> tuple[Any, Step]:
    a, b = (numbers(T, rng, 10).requires_grad_() for _ in range(2))

    def step() -> Any:
        a.grad = b.grad = None
        x = a
        for _ in range(5):
            x = T.relu(x * b + a) - b
        loss = x.sum()
        loss.backward()
        return loss

    return [a, b], step


@program("tanh layers 8-16-16-1, batch of 64, Adam")
def tanh_layers(T: Any, rng: Any) -> tuple[Any, Step]:
    net, x, y = mlp(T, [8, 16, 16, 1], "Tanh"), numbers(T, rng, 64, 8), numbers(T, rng, 64, 1)
    return training(T, net, T.optim.Adam(net.parameters()), lambda: T.nn.functional.mse_loss(net(x), y))


@program("layers 784-100x4-10, batch of 128, Adam")
def digits(T: Any, rng: Any) -> tuple[Any, Step]:
    net = mlp(T, [784, 100, 100, 100, 100, 10], "ReLU")
    return classifying(T, net, numbers(T, rng, 128, 784), classes(T, rng, 10, 128))


@program("layers with BatchNorm and Dropout, AdamW, clipping")
def normed(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn
    net = nn.Sequential(nn.Linear(784, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Dropout(0.5),
                        nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10))  # fmt: skip
    x, y, optimizer = numbers(T, rng, 128, 784), classes(T, rng, 10, 128), T.optim.AdamW(net.parameters())

    def step() -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        return loss

    return net, step


@program("Q-network of 4-32-2, batch of 64")
def q_network(T: Any, rng: Any) -> tuple[Any, Step]:
    net, old = mlp(T, [4, 32, 2], "ReLU"), mlp(T, [4, 32, 2], "ReLU")
    now, after, chosen = numbers(T, rng, 64, 4), numbers(T, rng, 64, 4), classes(T, rng, 2, 64, 1)

    def loss_of() -> Any:
        with T.no_grad():
            target = 0.99 * old(after).amax(1)
        return T.nn.functional.smooth_l1_loss(net(now).gather(1, chosen).squeeze(1), target)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("physics-informed layers, second derivatives")
def physics(T: Any, rng: Any) -> tuple[Any, Step]:
    net, points = mlp(T, [2, 20, 20, 20, 1], "Tanh"), numbers(T, rng, 64, 2)

    def loss_of() -> Any:
        x = points.detach().requires_grad_()
        u = net(x)
        (first,) = T.autograd.grad(u.sum(), x, create_graph=True)
        (second,) = T.autograd.grad(first[:, 0].sum(), x, create_graph=True)
        return (first[:, 1] - second[:, 0] + u[:, 0] * u[:, 0]).square().mean()

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("neural differential equation, 10 steps of Runge-Kutta")
def equation(T: Any, rng: Any) -> tuple[Any, Step]:
    net, start, end, h = mlp(T, [2, 16, 2], "Tanh"), numbers(T, rng, 32, 2), numbers(T, rng, 32, 2), 0.1

    def loss_of() -> Any:
        x = start
        for _ in range(10):
            a = net(x)
            b = net(x + h / 2 * a)
            c = net(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + net(x + h * c))
        return T.nn.functional.mse_loss(x, end)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


# --- sequences --------------------------------------------------------------------------------------------------------


@program("LSTM cells in a Python loop of 20")
def cells(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.LSTMCell(16, 32), T.nn.Linear(32, 4)])
    x, y = numbers(T, rng, 8, 20, 16), numbers(T, rng, 8, 4)

    def loss_of() -> Any:
        h, c = T.zeros(8, 32), T.zeros(8, 32)
        for t in range(20):
            h, c = net[0](x[:, t], (h, c))
        return T.nn.functional.mse_loss(net[1](h), y)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("GRU over 32 steps, width 32, batch of 16")
def gru(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.GRU(16, 32, batch_first=True), T.nn.Linear(32, 4)])
    x, y = numbers(T, rng, 16, 32, 16), numbers(T, rng, 16, 4)
    loss_of = lambda: T.nn.functional.mse_loss(net[1](net[0](x)[0][:, -1]), y)  # noqa: E731
    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("text: LSTM of 2 layers of 128, 32 steps")
def lstm_text(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.Embedding(65, 64), T.nn.LSTM(64, 128, 2, batch_first=True), T.nn.Linear(128, 65)])
    x, y = classes(T, rng, 65, 16, 32), classes(T, rng, 65, 512)
    loss_of = lambda: T.nn.functional.cross_entropy(net[2](net[1](net[0](x))[0]).reshape(-1, 65), y)  # noqa: E731
    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("text: word2vec with 5 negative samples, 2000 words")
def word2vec(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.Embedding(2000, 64), T.nn.Embedding(2000, 64)])
    centre, context, others = (classes(T, rng, 2000, *s) for s in ((256,), (256,), (256, 5)))

    def loss_of() -> Any:
        v = net[0](centre)
        near = (v * net[1](context)).sum(1)
        far = (net[1](others) * v.unsqueeze(1)).sum(2)
        logsigmoid = T.nn.functional.logsigmoid
        return -(logsigmoid(near).mean() + logsigmoid(-far).sum(1).mean())

    return training(T, net, T.optim.SGD(net.parameters(), lr=0.1), loss_of)


@program("text: GPT, 2 layers of 128, context 64, AdamW")
def gpt_small(T: Any, rng: Any) -> tuple[Any, Step]:
    return classifying(T, gpt(T), classes(T, rng, 65, 16, 64), classes(T, rng, 65, 1024), "AdamW", lr=1e-3)


@program("text: GPT, 4 layers of 384")
def gpt_large(T: Any, rng: Any) -> tuple[Any, Step]:
    net = gpt(T, width=384, depth=4, heads=6)
    return classifying(T, net, classes(T, rng, 65, 4, 64), classes(T, rng, 65, 256), "AdamW", lr=1e-3)


@program("text: transformer from sequence to sequence, width 64")
def sequences(T: Any, rng: Any) -> tuple[Any, Step]:
    core = T.nn.Transformer(64, 4, 2, 2, 128, dropout=0.0, batch_first=True)
    net = T.nn.ModuleList([T.nn.Embedding(40, 64), core, T.nn.Linear(64, 40)])
    source, target, y = (classes(T, rng, 40, 16, 16) for _ in range(3))
    mask = core.generate_square_subsequent_mask(16)

    def loss_of() -> Any:
        scores = net[2](net[1](net[0](source), net[0](target), tgt_mask=mask, tgt_is_causal=True))
        return T.nn.functional.cross_entropy(scores.reshape(-1, 40), y.reshape(-1))

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("encoder of 2 layers, width 64, batch of 8 x 16")
def encoder(T: Any, rng: Any) -> tuple[Any, Step]:
    layer = T.nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
    net, x, y = T.nn.TransformerEncoder(layer, 2), numbers(T, rng, 8, 16, 64), numbers(T, rng, 8, 16, 64)
    return training(T, net, T.optim.Adam(net.parameters()), lambda: T.nn.functional.mse_loss(net(x), y))


@program("encoder inference, 4 layers of 256, batch of 4 x 32")
def inference(T: Any, rng: Any) -> tuple[Any, Step]:
    layer = T.nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True, activation="gelu")
    net, x = T.nn.TransformerEncoder(layer, 4, enable_nested_tensor=False).eval(), numbers(T, rng, 4, 32, 256)

    def step() -> Any:
        with T.no_grad():
            return net(x)

    return net, step


# --- what makes samples, and graphs -----------------------------------------------------------------------------------


@program("variational autoencoder 784-64-8")
def autoencoder(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([mlp(T, [784, 64, 16], "ReLU"), mlp(T, [8, 64, 784], "ReLU")])
    x = T.tensor((rng.random((32, 784)) > 0.5).astype("f"))

    def loss_of() -> Any:
        mean, spread = net[0](x).chunk(2, 1)
        made = net[1](mean + T.randn_like(mean) * (0.5 * spread).exp())
        likely = T.nn.functional.binary_cross_entropy_with_logits(made, x, reduction="sum")
        return likely - 0.5 * (1 + spread - mean * mean - spread.exp()).sum()

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("two networks against each other, 64 x 784")
def adversaries(T: Any, rng: Any) -> tuple[Any, Step]:
    maker, judge = mlp(T, [32, 128, 784], "ReLU"), mlp(T, [784, 128, 1], "LeakyReLU")
    first, second = T.optim.Adam(maker.parameters()), T.optim.Adam(judge.parameters())
    real, loss = numbers(T, rng, 64, 784), T.nn.functional.binary_cross_entropy_with_logits

    def step() -> Any:
        ones, zeros = T.ones(64, 1), T.zeros(64, 1)
        made = T.tanh(maker(T.randn(64, 32)))
        second.zero_grad()
        judged = loss(judge(real), ones) + loss(judge(made.detach()), zeros)
        judged.backward()
        second.step()
        first.zero_grad()
        fooled = loss(judge(made), ones)
        fooled.backward()
        first.step()
        return judged.detach() + fooled.detach()

    return T.nn.ModuleList([maker, judge]), step


@program("graph of 500 nodes, 2 convolutions")
def graph(T: Any, rng: Any) -> tuple[Any, Step]:
    net = T.nn.ModuleList([T.nn.Linear(64, 32), T.nn.Linear(32, 7)])
    source, target, x, y = (*(classes(T, rng, 500, 2500) for _ in range(2)), numbers(T, rng, 500, 64),
                            classes(T, rng, 7, 500))  # fmt: skip

    def spread(h: Any) -> Any:
        return T.zeros(500, h.shape[1]).index_add(0, target, h[source]) * 0.2

    loss_of = lambda: T.nn.functional.cross_entropy(spread(net[1](T.relu(spread(net[0](x))))), y)  # noqa: E731
    return training(T, net, T.optim.Adam(net.parameters()), loss_of)
