"""Functions and modules to be traced, each made with PyTorch's names in a library `m`, and arguments for them."""

from __future__ import annotations

import math
import operator
from typing import Any

PROGRAMS: dict[str, Any] = {}


def program(make: Any) -> Any:
    PROGRAMS[make.__name__] = make
    return make


@program
def network(m):
    class Network(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = m.nn.Conv2d(3, 4, 3)
            self.seq = m.nn.Sequential(m.nn.BatchNorm2d(4), m.nn.ReLU())
            self.scale = m.nn.Parameter(m.ones(4))
            self.register_buffer("shift", m.zeros(1))
            self.plain = m.ones(2)
            self.layers = m.nn.ModuleList([m.nn.Linear(4, 4) for _ in range(2)])

        def forward(self, x, factor=2.0, *, flag=True):
            y = m.nn.functional.relu(self.seq(self.conv(x))).mean([2, 3])
            for layer in self.layers:
                y = y + layer(y)
            a, b = m.cat([y, y * factor], dim=1).chunk(2, dim=1)
            a = a[:, 1:3] * self.plain
            y = (m.flatten(y, 1) * self.scale + self.shift).view(x.shape[0], -1).softmax(dim=-1)
            y = m.nn.functional.layer_norm(2 - -y @ y.t(), (x.size(0),))
            y += 1
            return {"y": y, "parts": [a, b, None, (1,)], "more": abs(self.scale) > 0}

    return Network(), (m.arange(96.0).reshape(1, 3, 4, 8) / 96,)


@program
def operators(m):
    def function(x, y):
        z = x + y - 1 + (2 - x) * 3 / y + 4 / x + x**2 + 2**x + x // 2 % 3 + 7 // x + 7 % x
        z = z @ y.T + (x.to(m.int64) << 1 >> 1 & 3 | 4 ^ 1) + ~(x < y) + (x == y) + (x != y) + (x <= 1) + (x >= 1)
        return -z + +z[..., None, 0] + abs(z)

    return function, (m.tensor([[1.0, 2.0], [3.0, 4.0]]), m.tensor([[2.0, 1.0], [1.0, 2.0]]))


@program
def arguments(m):
    def function(x, y=3, *rest, **named):
        return m.relu(x) + y + rest[0] * named["a"] + math.sqrt(x.size(0))

    return function, (m.ones(4), 2, m.ones(4), {"a": 2})


@program
def functionals(m):
    f = m.nn.functional

    def function(x, w):
        x = f.dropout(f.leaky_relu(x, 0.1), 0.5, False)
        x = f.linear(x, w) + f.gelu(x) + f.log_softmax(x, dim=-1)
        return f.mse_loss(f.softplus(x), w) + f.cross_entropy(x, m.tensor([0, 1]))

    return function, (m.tensor([[1.0, -2.0], [3.0, 4.0]]), m.tensor([[2.0, 1.0], [1.0, 2.0]]))


@program
def containers(m):
    def function(d, pair):
        first, second = pair
        return {"sum": d["x"] + d["y"][0], "rest": (first, [second, slice(None), ...])}

    return function, ({"x": m.ones(2), "y": [m.ones(2)]}, (m.ones(1), m.ones(3)))


@program
def constants(m):
    def function(x):
        return x * m.tensor([1.0, 2.0]).exp() + m.tensor([3.0, 4.0])[x.long()]

    return function, (m.tensor([0.0, 1.0]),)


@program
def methods(m):
    def function(x):
        return x.clone().clamp_(min=0).to(m.float64).unsqueeze(0).expand(2, -1).sum(dim=0, keepdim=True).T.contiguous()

    return function, (m.tensor([-1.0, 2.0]),)


@program
def shared_layer(m):
    class Shared(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = m.nn.Linear(2, 2)
            self.second = self.first
            self.named = m.nn.ModuleDict({"a-b": m.nn.GELU()})

        def twice(self, x):
            return self.second(self.first(x))

        def forward(self, x):
            return self.named["a-b"](self.twice(x)) + self.first.weight.sum()

    return Shared(), (m.ones(1, 2),)


@program
def transformer(m):
    class Block(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = m.nn.MultiheadAttention(4, 2, batch_first=True)
            self.norm = m.nn.LayerNorm(4)

        def forward(self, x):
            attended, _ = self.attention(x, x, x, need_weights=False)
            return self.norm(x + attended)

    return Block(), (m.arange(24.0).reshape(2, 3, 4) / 24,)


@program
def inserted(m):
    graph = m.fx.Graph()
    x = graph.placeholder("x")
    y = graph.placeholder("y", default_value=2)
    layer = graph.call_module("blocks.0", (x,))
    with graph.inserting_before(layer):
        doubled = graph.call_method("mul", (x, y))
    layer.replace_input_with(x, doubled)
    shift = graph.get_attr("blocks.shift")
    graph.output(graph.call_function(operator.add, (layer, shift)))
    return m.fx.GraphModule({"blocks.0": m.nn.Linear(2, 2), "blocks.shift": m.ones(2)}, graph), (m.ones(2, 2),)
