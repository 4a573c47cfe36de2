"""The engine in 100 lines of code, and a network that it trains: everything has the name that it has in the library.

    the table     `differentiable`, `Op`, `Rule`    tinygrad_lite/rules.py
    the graph     `Node`, `tick`                    tinygrad_lite/graph.py
    the tensor    `Tensor`                          tinygrad_lite/_tensor.py
    the pass      `backward`, `grad`                tinygrad_lite/autograd.py
                  `unbroadcast`                     tinygrad_lite/engine/accumulate.py
    a few rows                                      tinygrad_lite/ops/
    an optimizer  `Optimizer`, `Adam`               optim/optimizer.py, optim/adam_family/adam.py

A row of the library's own table works here as it stands. What is left out: dtypes, views and in-place writes,
operations with several results, hooks, freeing what is no longer needed, errors that help, and speed.
"""

import inspect
from heapq import heappop, heappush
from itertools import count

import numpy as np

# --- the table: a function, and for each argument the rule by which a gradient g of the result goes back to it --------

TABLE = {}


class Rule:
    """How g goes back to one argument: ``vjp(g, *saved)``. The names of its parameters say what is saved for it."""

    def __init__(self, arg, vjp):
        self.arg, self.vjp = arg, vjp
        self.names = list(inspect.signature(vjp).parameters)[1:]


class Op:
    """One row: a function of arrays that can be called with Tensors."""

    def __init__(self, function, rules):
        self.function, self.rules = function, [Rule(arg, vjp) for arg, vjp in rules.items()]
        of_ufunc = lambda x: ..., lambda x, y: ...
        self.signature = inspect.signature(of_ufunc[function.nin - 1] if isinstance(function, np.ufunc) else function)

    def __call__(self, *args, **kwargs):
        """Compute on the arrays, and record how to go back to those Tensors that have a node."""
        call = self.signature.bind(*args, **kwargs)
        call.apply_defaults()
        nodes = {name: value.node for name, value in call.arguments.items() if isinstance(value, Tensor)}
        known = {name: value.data if name in nodes else value for name, value in call.arguments.items()}
        out = Tensor(self.function(*known.values()))
        known |= {f"{name}_shape": np.shape(value) for name, value in known.items()} | {"out": out.data}
        edges = [(nodes[r.arg], r, [known[name] for name in r.names]) for r in self.rules if nodes.get(r.arg)]
        out.node = Node(edges, out.shape) if edges else None
        return out


def differentiable(function, numpy=None, **rules):
    """Add a row; NumPy's calls of `numpy`, or of the function itself, with Tensors end up in it."""
    op = TABLE[numpy or function] = Op(function, rules)
    return op


# --- the graph: what a tensor remembers of its making -----------------------------------------------------------------

tick = count(1).__next__


class Node:
    """One recorded operation, or a leaf. Edges are (parent, rule, saved): nodes, never the Tensors themselves."""

    def __init__(self, edges, shape):
        self.edges, self.shape, self.seq, self.grad = edges, shape, tick(), None


class Tensor(np.lib.mixins.NDArrayOperatorsMixin):
    """An array and its node. Operators and NumPy's functions look for their row in the table."""

    def __init__(self, data, node=None, requires_grad=False):
        self.data = np.asarray(data)
        self.shape = self.data.shape
        self.node = Node([], self.shape) if requires_grad else node

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return TABLE[ufunc](*args, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        return TABLE[function](*args, **kwargs)


# --- the pass: youngest node first, so that a gradient is complete before it goes further back ------------------------


def _run(output, create_graph):
    """The gradient of each leaf below a scalar output."""
    one = np.ones_like(output.data)
    grads, heap, found = {output.node: Tensor(one) if create_graph else one}, [(-output.node.seq, output.node)], {}
    while heap:
        g = grads.pop(node := heappop(heap)[1])
        if not node.edges:
            found[node] = g
        for parent, rule, saved in node.edges:
            d = rule.vjp(g, *(_through_graph(node, rule, saved) if create_graph else saved))
            d = unbroadcast(d, parent.shape)
            if parent not in grads:
                heappush(heap, (-parent.seq, parent))
            grads[parent] = grads[parent] + d if parent in grads else d
    return found


def _through_graph(node, rule, saved):
    """The saved values as Tensors: so the rule records itself, and its result can be differentiated again."""
    sources = {"out": node} | {r.arg: parent for parent, r, _ in node.edges}
    return [Tensor(v, sources.get(name)) if isinstance(v, np.ndarray) else v for name, v in zip(rule.names, saved)]


def unbroadcast(g, shape):
    """Sum a gradient back over the dimensions that broadcasting added or stretched."""
    extra = tuple(i for i in range(-len(g.shape), 0) if i < -len(shape) or g.shape[i] != shape[i])  # from the end
    return np.reshape(np.sum(g, axis=extra), shape) if extra else g


def grad(output, inputs, create_graph=False):
    """Gradients of a scalar with respect to leaves, returned."""
    found = _run(output, create_graph)
    return [found[x.node] for x in inputs]


def backward(output):
    """Gradients of a scalar, added to the `grad` of the leaves' nodes."""
    for node, g in _run(output, False).items():
        node.grad = g if node.grad is None else node.grad + g


# --- a few rows -------------------------------------------------------------------------------------------------------

differentiable(np.add, x=lambda g: g, y=lambda g: g)
differentiable(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
differentiable(np.subtract, x=lambda g: g, y=lambda g: -1.0 * g)
differentiable(np.tanh, x=lambda g, out: g * (1 - out * out))
differentiable(np.transpose, a=lambda g: np.transpose(g))
differentiable(np.matmul, x=lambda g, y: g @ np.transpose(y), y=lambda g, x: np.transpose(x) @ g)  # of matrices
differentiable(np.logaddexp, x=lambda g, x, out: g * np.exp(x - out), y=lambda g, y, out: g * np.exp(y - out))
differentiable(lambda a, shape: np.reshape(a, shape), numpy=np.reshape, a=lambda g, a_shape: np.reshape(g, a_shape))


differentiable(
    lambda a, axis=None: np.sum(a, axis),
    numpy=np.sum,
    a=lambda g, a_shape, axis: np.reshape(g, np.sum(np.ones(a_shape), axis, keepdims=True).shape) * np.ones(a_shape),
)

# --- an optimizer: what it remembers for each parameter, and one formula ----------------------------------------------


class Optimizer:
    """Whatever all optimizers have; a subclass says `state`, `scalars` and `update`."""

    def __init__(self, params, **hyper):
        self.params, self.t = list(params), 0
        self.kept = [[np.zeros_like(p.data) for _ in self.state] for p in self.params]
        vars(self).update(hyper)

    def zero_grad(self):
        for p in self.params:
            p.node.grad = None

    def step(self):
        self.t += 1
        for p, kept in zip(self.params, self.kept):
            p.data[...], *kept[:] = self.update(p.data, p.node.grad, *kept, **self.scalars(self.t))


class Adam(Optimizer):
    """A running mean of the gradient over a running root mean square; both begin at 0, which `scalars` corrects."""

    lr, beta1, beta2, eps = 0.001, 0.9, 0.999, 1e-8
    state = ("exp_avg", "exp_avg_sq")

    def scalars(self, t):
        return {"a": self.lr / (1 - self.beta1**t), "r": 1 / np.sqrt(1 - self.beta2**t)}

    def update(self, p, g, m, v, a, r):
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        return p - a * m / (r * np.sqrt(v) + self.eps), m, v


# --- a network ----------------------------------------------------------------------------------------------------


def main(steps: int = 301, seed: int = 0) -> dict:
    """Learn which points lie inside a circle; print the loss, and how many of them are right in the end."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((512, 2))
    t = np.where((x * x).sum(axis=1, keepdims=True) < 1.4, 1.0, -1.0)
    w, v = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((2, 32), (32, 1)))
    b, c = (Tensor(np.zeros(n), requires_grad=True) for n in (32, 1))
    adam, losses = Adam([w, b, v, c], lr=0.02), []
    for step in range(steps):
        y = np.tanh(x @ w + b) @ v + c
        loss = np.sum(np.logaddexp(0.0, -t * y)) * (1 / len(t))
        adam.zero_grad()
        backward(loss)
        adam.step()
        losses.append(float(loss.data))
        if step % 100 == 0:
            print(f"step {step:3d}  loss {losses[-1]:.3f}")
    right = float(np.mean((y.data > 0) == (t > 0)))
    print(f"{right:.1%} of the points on the right side")
    return {"losses": losses, "right": right}


if __name__ == "__main__":
    main()
