"""Steps of programs that courses and tutorials have: regressions, policies, GAT, seq2seq, characters, and others."""

from __future__ import annotations

from typing import Any

from networks import mlp

from .common import Step, joined, labels, numbers, training


def line(T: Any) -> Step:
    """A straight line through 15 points."""
    x, y = numbers(T, 15, 1), numbers(T, 15, 1)
    return training(T, T.nn.Linear(1, 1), lambda model: T.nn.functional.mse_loss(model(x), y), "SGD")


def curve(T: Any) -> Step:
    """A parabola through 100 points, by 1-10-1."""
    x = T.unsqueeze(T.linspace(-1, 1, 100), dim=1)
    y, criterion = x.pow(2), T.nn.MSELoss()
    return training(T, mlp(T, [1, 10, 1]), lambda model: criterion(model(x), y), "SGD")


def by_hand(T: Any) -> Step:
    """Two layers of matrices without a module or an optimizer, 64 rows."""
    x, y = numbers(T, 64, 100), numbers(T, 64, 10)
    w1, w2 = (T.randn(*s).mul_(0.1).requires_grad_() for s in ((100, 50), (50, 10)))

    def run() -> None:
        loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
        loss.backward()
        with T.no_grad():
            w1.sub_(1e-5 * w1.grad)
            w2.sub_(1e-5 * w2.grad)
            w1.grad.zero_()
            w2.grad.zero_()

    return run


def reinforce(T: Any) -> Step:
    """An episode of 20 states, each through the policy by itself, then one step."""
    model, F = mlp(T, [4, 128, 2]), T.nn.functional
    optimizer, states = T.optim.Adam(model.parameters(), lr=1e-2), numbers(T, 20, 4).numpy()

    def run() -> None:
        kept, returns, R = [], list[float](), 0.0
        for state in states:
            probabilities = F.softmax(model(T.from_numpy(state).float().unsqueeze(0)), dim=1)
            drawn = T.distributions.Categorical(probabilities)
            action = drawn.sample()
            kept.append(drawn.log_prob(action))
        for _ in kept:
            R = 1.0 + 0.99 * R
            returns.insert(0, R)
        scaled = T.tensor(returns)
        scaled = (scaled - scaled.mean()) / (scaled.std() + 1e-8)
        optimizer.zero_grad()
        T.cat([-k * r for k, r in zip(kept, scaled)]).sum().backward()
        optimizer.step()

    return run


def ppo(T: Any) -> Step:
    """One minibatch of proximal policy optimization with continuous actions."""
    nn = T.nn
    model = joined(T, critic=mlp(T, [8, 64, 64, 1], "Tanh"), actor=mlp(T, [8, 64, 64, 2], "Tanh"))
    model.logstd = nn.Parameter(T.zeros(1, 2))
    states, actions, advantages, returns = (numbers(T, 64, *s) for s in ((8,), (2,), (), ()))
    before = numbers(T, 64)
    optimizer = T.optim.Adam(model.parameters(), lr=3e-4, eps=1e-5)

    def run() -> None:
        mean = model.actor(states)
        policy = T.distributions.Normal(mean, model.logstd.expand_as(mean).exp())
        ratio = (policy.log_prob(actions).sum(1) - before).exp()
        scaled = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        policy_loss = T.max(-scaled * ratio, -scaled * T.clamp(ratio, 0.8, 1.2)).mean()
        value_loss = 0.5 * ((model.critic(states).view(-1) - returns) ** 2).mean()
        loss = policy_loss - 0.01 * policy.entropy().sum(1).mean() + 0.5 * value_loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()

    return run


def gat(T: Any) -> Step:
    """Attention along the edges of a graph of 200 nodes, 4 heads."""
    nn, F = T.nn, T.nn.functional

    class Head(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int) -> None:
            super().__init__()
            self.W, self.a = nn.Parameter(T.randn(a, b) * 0.1), nn.Parameter(T.randn(2 * b, 1) * 0.1)

        def forward(self, x: Any, adj: Any) -> Any:
            h = T.mm(x, self.W)
            n = h.shape[1]
            e = F.leaky_relu(T.matmul(h, self.a[:n, :]) + T.matmul(h, self.a[n:, :]).T, 0.2)
            attention = F.softmax(T.where(adj > 0, e, -9e15 * T.ones_like(e)), dim=1)
            return F.elu(T.matmul(F.dropout(attention, 0.6), h))

    model = joined(T, heads=nn.ModuleList([Head(64, 8) for _ in range(4)]), out=Head(32, 7))
    x, adj, y = numbers(T, 200, 64), (numbers(T, 200, 200) > 1.5).float() + T.eye(200), labels(T, 7, 200)

    def loss(model: Any) -> Any:
        h = T.cat([head(x, adj) for head in model.heads], dim=1)
        return F.nll_loss(F.log_softmax(model.out(h, adj), dim=1), y)

    return training(T, model, loss)


def seq2seq(T: Any) -> Step:
    """One sentence of 10 words, word for word through a GRU and a decoder with attention."""
    nn, F, n = T.nn, T.nn.functional, 128
    model = joined(
        T, source=nn.Embedding(200, n), encoder=nn.GRU(n, n), target=nn.Embedding(200, n), score=nn.Linear(2 * n, 12),
        combine=nn.Linear(2 * n, n), decoder=nn.GRU(n, n), out=nn.Linear(n, 200),
    )  # fmt: skip
    source, target = labels(T, 200, 10), labels(T, 200, 10)

    def loss(model: Any) -> Any:
        h, seen, total = T.zeros(1, 1, n), T.zeros(12, n), T.zeros(1)
        for i in range(10):
            out, h = model.encoder(model.source(source[i]).view(1, 1, -1), h)
            seen[i] = out[0, 0]
        for i in range(10):
            word = F.dropout(model.target(target[i - 1]).view(1, 1, -1), 0.1)
            weights = F.softmax(model.score(T.cat((word[0], h[0]), 1)), dim=1)
            applied = T.bmm(weights.unsqueeze(0), seen.unsqueeze(0))
            word = F.relu(model.combine(T.cat((word[0], applied[0]), 1)).unsqueeze(0))
            out, h = model.decoder(word, h)
            total = total + F.nll_loss(F.log_softmax(model.out(out[0]), dim=1), target[i].view(1))
        return total

    return training(T, model, loss, "SGD")


def characters(T: Any) -> Step:
    """Three characters before the next one: embeddings, batch norm written out, tanh; 32 rows."""
    F = T.nn.functional
    model = T.nn.Module()
    for name, shape in {"C": (27, 10), "W1": (30, 100), "gain": (1, 100), "bias": (1, 100), "W2": (100, 27),
                        "b2": (27,)}.items():  # fmt: skip
        setattr(model, name, T.nn.Parameter(T.randn(*shape) * 0.1))
    x, y, running = labels(T, 27, 32, 3), labels(T, 27, 32), [T.zeros(1, 100), T.ones(1, 100)]

    def run() -> None:
        h = model.C[x].view(32, -1) @ model.W1
        mean, std = h.mean(0, keepdim=True), h.std(0, keepdim=True)
        h = T.tanh(model.gain * (h - mean) / std + model.bias)
        with T.no_grad():
            running[0] = 0.999 * running[0] + 0.001 * mean
            running[1] = 0.999 * running[1] + 0.001 * std
        loss = F.cross_entropy(h @ model.W2 + model.b2, y)
        for p in model.parameters():
            p.grad = None
        loss.backward()
        for p in model.parameters():
            p.data += -0.1 * p.grad

    return run


def character_rnn(T: Any) -> Step:
    """A GRU fed one character at a time, 30 of them, 32 rows."""
    nn, F = T.nn, T.nn.functional
    model = joined(T, embed=nn.Embedding(100, 64), gru=nn.GRU(64, 64, 2), out=nn.Linear(64, 100))
    x, y = labels(T, 100, 32, 30), labels(T, 100, 32, 30)

    def loss(model: Any) -> Any:
        h, total = T.zeros(2, 32, 64), T.zeros(())
        for c in range(30):
            out, h = model.gru(model.embed(x[:, c]).view(1, 32, -1), h)
            total = total + F.cross_entropy(model.out(out.view(32, -1)), y[:, c])
        return total / 30

    return training(T, model, loss)


def sentence(T: Any) -> Step:
    """One sentence of 12 words through an encoder of 2 layers of 128, trained."""
    nn = T.nn
    layer = nn.TransformerEncoderLayer(128, 4, 256, batch_first=True)
    model = joined(T, embed=nn.Embedding(100, 128), encoder=nn.TransformerEncoder(layer, 2), out=nn.Linear(128, 100))
    x, y = labels(T, 100, 1, 12), labels(T, 100, 12)
    return training(T, model, lambda m: nn.functional.cross_entropy(m.out(m.encoder(m.embed(x))).view(-1, 100), y))


def sentence_by_hand(T: Any) -> Step:
    """The same, attention and layer norm written out."""
    nn, F = T.nn, T.nn.functional

    class Norm(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Parameter(T.ones(128)), nn.Parameter(T.zeros(128))

        def forward(self, x: Any) -> Any:
            return self.a * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + self.b

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.linears = nn.ModuleList([nn.Linear(128, 128) for _ in range(4)])
            self.ff, self.norms = mlp(T, [128, 256, 128]), nn.ModuleList([Norm(), Norm()])
            self.drop = nn.Dropout(0.1)

        def forward(self, x: Any, mask: Any) -> Any:
            h = self.norms[0](x)
            q, k, v = (w(h).view(1, -1, 4, 32).transpose(1, 2) for w in self.linears[:3])
            scores = T.matmul(q, k.transpose(-2, -1)) / 32**0.5
            weights = self.drop(F.softmax(scores.masked_fill(mask == 0, -1e9), dim=-1))
            x = x + self.drop(self.linears[3](T.matmul(weights, v).transpose(1, 2).contiguous().view(1, -1, 128)))
            return x + self.drop(self.ff(self.norms[1](x)))

    model = joined(T, embed=nn.Embedding(100, 128), layers=nn.ModuleList([Layer(), Layer()]), out=nn.Linear(128, 100))
    x, y, mask = labels(T, 100, 1, 12), labels(T, 100, 12), T.ones(1, 1, 1, 12)

    def loss(model: Any) -> Any:
        h = model.embed(x) * 128**0.5
        for layer in model.layers:
            h = layer(h, mask)
        return F.cross_entropy(model.out(h).view(-1, 100), y)

    return training(T, model, loss)


def factors(T: Any) -> Step:
    """Ratings of 512 pairs by embeddings and biases."""
    nn = T.nn
    model = joined(T, user=nn.Embedding(1000, 20), item=nn.Embedding(800, 20), user_bias=nn.Embedding(1000, 1),
                   item_bias=nn.Embedding(800, 1))  # fmt: skip
    user, item, rating = labels(T, 1000, 512), labels(T, 800, 512), numbers(T, 512)

    def loss(model: Any) -> Any:
        found = (model.user(user) * model.item(item)).sum(1)
        return ((found + model.user_bias(user).squeeze() + model.item_bias(item).squeeze() - rating) ** 2).mean()

    return training(T, model, loss)


def speech(T: Any) -> Step:
    """A bidirectional LSTM over 50 frames and CTC."""
    nn, F = T.nn, T.nn.functional
    model = joined(T, lstm=nn.LSTM(20, 32, bidirectional=True), out=nn.Linear(64, 12))
    x, y = numbers(T, 50, 8, 20), labels(T, 11, 8, 10) + 1

    def loss(model: Any) -> Any:
        out = model.out(model.lstm(x)[0]).log_softmax(2)
        return F.ctc_loss(out, y, T.full((8,), 50, dtype=T.long), T.full((8,), 10, dtype=T.long))

    return training(T, model, loss)
