"""`further_checks`: what PyTorch's gradcheck looks at beside the values of gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...autograd import grad
from ...rules import wrap
from ...transforms.vjp_calls import push
from ...transforms.vmap import vmap
from .probe import Probe
from .report import GradcheckError


def further_checks(probe: Probe, undefined: bool, dtypes: bool, batched: bool, forward: bool, seed: int) -> None:
    """Raise where a gradient has the wrong form.

    Parameters
    ----------
    probe : Probe
    undefined : bool
        Gradients of zero, and of some outputs only, give what they must.
    dtypes : bool
        Gradients have their input's dtype.
    batched : bool
        `vmap` over the backward pass equals one pass for each vector.
    forward : bool
        The Jacobian-vector product, by two backward passes, agrees with the vector-Jacobian product.
    seed : int

    Raises
    ------
    GradcheckError
    """
    random = np.random.default_rng(seed)
    checks = [(undefined, _undefined), (dtypes, _dtypes), (batched, _batched), (forward, _forward)]
    wanted = [check for asked, check in checks if asked]
    outputs = [o for o in probe.outputs() if o.requires_grad] if wanted else []
    for check in wanted if outputs else []:
        for message in check(outputs, probe, random):
            raise GradcheckError(f"gradcheck: {message}")


def _vector(random: Any, like: Any) -> Any:
    real = random.standard_normal(like.shape)
    values = real + 1j * random.standard_normal(like.shape) if like.dtype.kind == "c" else real
    return wrap(np.asarray(values, like.dtype))


def _pull(outputs: list[Any], probe: Probe, vectors: list[Any]) -> list[Any]:
    found = grad(outputs, probe.leaves, vectors, retain_graph=True, allow_unused=True)
    return [np.zeros(x.shape, x.dtype) if g is None else g._data for g, x in zip(found, probe.leaves)]


def _undefined(outputs: list[Any], probe: Probe, random: Any) -> Iterator[str]:
    zeros = [wrap(np.zeros(o.shape, o.dtype)) for o in outputs]
    for name, g in zip(probe.names, _pull(outputs, probe, zeros)):
        if np.any(g != 0):
            yield f"{name}: backward not multiplied by grad_output: a gradient of zeros gave {np.abs(g).max():.3g}"
    for k in range(len(outputs) if len(outputs) > 1 else 0):
        vectors = [_vector(random, o) for o in outputs]
        vectors[k] = zeros[k]
        others = [i for i in range(len(outputs)) if i != k]
        some = _pull([outputs[i] for i in others], probe, [vectors[i] for i in others])
        for name, a, b in zip(probe.names, some, _pull(outputs, probe, vectors)):
            if not np.allclose(a, b):
                yield f"{name}: an undefined gradient of output {k} is not the same as a gradient of zeros"


def _dtypes(outputs: list[Any], probe: Probe, random: Any) -> Iterator[str]:
    for name, leaf, g in zip(probe.names, probe.leaves, _pull(outputs, probe, [_vector(random, o) for o in outputs])):
        if g.dtype != leaf.dtype:
            yield f"{name}: the gradient must have the input's dtype {leaf.dtype}, got {g.dtype}"


def _batched(outputs: list[Any], probe: Probe, random: Any) -> Iterator[str]:
    pairs = [[_vector(random, o) for o in outputs] for _ in range(2)]
    each = [_pull(outputs, probe, vectors) for vectors in pairs]

    def one(*vectors: Any) -> tuple[Any, ...]:
        found = grad(outputs, probe.leaves, vectors, retain_graph=True, allow_unused=True, materialize_grads=True)
        return tuple(found)

    together = vmap(one)(*(wrap(np.stack([a._data, b._data])) for a, b in zip(*pairs)))
    for i, name in enumerate(probe.names):
        if not np.allclose(together[i]._data, np.stack([g[i] for g in each])):
            yield f"{name}: batched gradients differ from those of one vector at a time"


def _forward(outputs: list[Any], probe: Probe, random: Any) -> Iterator[str]:
    weights = [_vector(random, o) for o in outputs]
    backward = _pull(outputs, probe, weights)
    product: Callable[..., Any] = push(outputs, probe.leaves)
    for i, name in enumerate(probe.names):
        tangents = [wrap(np.zeros(x.shape, x.dtype)) for x in probe.leaves]
        tangents[i] = _vector(random, probe.leaves[i])
        ahead = product(tangents, False)
        there = sum(float(np.vdot(w._data, d._data).real) for w, d in zip(weights, ahead))
        here = float(np.vdot(tangents[i]._data, backward[i]).real)
        size = sum(float(np.abs(w._data * d._data).sum()) for w, d in zip(weights, ahead))
        if not abs(there - here) <= 1e4 * np.finfo(probe.leaves[i].dtype).eps * max(size, abs(here)):
            yield f"{name}: forward mode gives {there:.8g} along a random direction, and backward mode {here:.8g}"
