"""Operations of one's own, in PyTorch's style: a class with `forward` and `backward`."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..graph import OFF, Node, caller, mode, tick, written
from ..rules import Rule, conjugate, part_of, stand_in
from . import views
from .accumulate import sums_to
from .errors import ArgumentError


class Context:
    """What `forward` leaves for `backward`.

    Attributes
    ----------
    saved_tensors : tuple of Tensor
        What `save_for_backward` was given; inputs and outputs come back connected to the graph.
    needs_input_grad : tuple of bool
        Which inputs of `forward` require grad.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Doubled(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         print(isinstance(ctx, tg.autograd.FunctionCtx), ctx.needs_input_grad)
    ...         return x * 2
    >>> _ = Doubled.apply(tg.ones(1, requires_grad=True))
    True (True,)
    """

    needs_input_grad: tuple[bool, ...]

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: tuple[tuple[Any, Any], ...] = ()
        self._constant: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True
        self._count = 1
        self._node: Callable[[], Node | None] = lambda: None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for `backward`. Unlike an attribute it makes no cycle, and overwriting is noticed."""
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, rules.Tensor):
                raise TypeError(f"save_for_backward: argument {i} must be a Tensor or None, got {type(t).__name__}")
        self._to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Accepted: it is for a `jvp`, which is not called here; see `forward_ad`."""

    def mark_non_differentiable(self, *outputs: Any) -> None:
        """These outputs carry no gradient."""
        self._constant = {id(o) for o in outputs}

    def mark_dirty(self, *inputs: Any) -> None:
        """These inputs were changed in place."""
        self._dirty = {id(t) for t in inputs}

    def set_materialize_grads(self, value: bool) -> None:
        """With False, `backward` gets None rather than zeros for outputs that received no gradient."""
        self._materialize = bool(value)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The saved tensors; see the class."""
        results: list[Any] = []
        for array, source in self._saved:
            if array is None:
                results.append(None)
                continue
            t = rules.wrap(array)
            if isinstance(source, int):  # an output: its node is found or made again, or the graph would hold itself
                node = self._node()
                many = node is not None and node.shape is None
                t._node = part_of(node, source, self._count, array) if node is not None and many else node
            else:
                t._node = source
            results.append(t)
        return tuple(results)


class Function:
    """Base class of custom operations.

    Subclasses define two static methods: ``forward(ctx, *args)``, which works on Tensors without recording, and
    ``backward(ctx, *gradients)``, or `vjp`, which returns one gradient (or None) for each argument of `forward`. If
    `backward` is itself written in Tensor operations, the function can be differentiated any number of times;
    otherwise decorate it with `once_differentiable`. The variant with ``forward(*args)`` and
    ``setup_context(ctx, inputs, output)`` works, too.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> class Exp(tg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         out = x.exp()
    ...         ctx.save_for_backward(out)
    ...         return out
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (out,) = ctx.saved_tensors
    ...         return g * out
    >>> x = tg.tensor([0.0, 1.0], requires_grad=True)
    >>> Exp.apply(x).sum().backward()
    >>> x.grad
    tensor([1.0000, 2.7183])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result; to be overridden."""
        raise NotImplementedError("Function: subclasses must define the static method forward(ctx, *args)")

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Compute the gradients of the inputs; to be overridden."""
        raise NotImplementedError("Function: subclasses must define the static method backward(ctx, *gradients)")

    vjp = backward

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Fill `ctx`, where `forward` does not take it; to be overridden."""
        raise NotImplementedError("Function: setup_context is optional")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run `forward` and record it as one operation."""
        ctx = Context()
        parents = tuple(views.node_of(a) if isinstance(a, rules.Tensor) else None for a in args)
        ctx.needs_input_grad = tuple(p is not None for p in parents)
        before, mode.enabled = mode.enabled, False
        duals, mode.duals = mode.duals, None
        try:
            if cls.setup_context is not Function.setup_context:
                out = cls.forward(*args)
                cls.setup_context(ctx, args, out)
            else:
                out = cls.forward(ctx, *args)
        finally:
            mode.enabled, mode.duals = before, duals
        many = isinstance(out, (tuple, list))
        outs = tuple(out) if many else (out,)
        if ctx._dirty - {id(o) for o in outs}:
            raise RuntimeError(f"{cls.__name__}.forward: every input given to mark_dirty must be returned as an output")
        results: list[Any] = []
        for out in outs:
            results.append(_result(cls.__name__, out, args, results, ctx))
        arrays = [r._data for r in results if isinstance(r, rules.Tensor)] if OFF else []
        if any(ctx.needs_input_grad) and mode.records(cls.__name__, parents, *arrays):
            _connect(cls, ctx, args, parents, outs, results)
        return tuple(results) if many else results[0]


def _result(who: str, out: Any, args: tuple[Any, ...], before: list[Any], ctx: Context) -> Any:
    """An output as a tensor of its own: never an input itself, unless that was changed in place."""
    if not isinstance(out, rules.Tensor):
        return out
    if id(out) in ctx._dirty:
        views.begin(out, args, who)
        written(out._data, who)
        return out
    if any(isinstance(b, rules.Tensor) and np.may_share_memory(b._data, out._data) for b in before):
        return rules.wrap(views.duplicate(out._data))  # a write to one output must not change another
    result = rules.wrap(out._data)
    shared = next((a for a in args if isinstance(a, rules.Tensor) and np.may_share_memory(a._data, out._data)), None)
    if shared is not None:
        result._view = views.opaque_view(shared, who)
    return result


def _connect(
    cls: Any, ctx: Context, args: tuple[Any, ...], parents: tuple[Any, ...], outs: tuple[Any, ...], results: list[Any]
) -> None:
    """Give the results their history: one node for the call, and one for each result if there are several."""
    saved = []
    for t in ctx._to_save:
        source: Any = None
        if t is not None:
            source = next((i for i, o in enumerate(outs) if o is t), None)
            if source is None:
                source = next((p for a, p in zip(args, parents) if a is t), t._node)
        saved.append((None if t is None else t._data, source))
    ctx._saved, ctx._to_save, ctx._count = tuple(saved), (), len(outs)
    single = len(outs) == 1 and isinstance(results[0], rules.Tensor)

    rule = Rule.__new__(Rule)
    rule.op = stand_in(cls.__name__)
    rule.arg, rule.joint = tuple(map(str, range(len(args)))), True
    rule.names = ("saved tensors",)
    rule.vjp = lambda g, _: _call_backward(cls, ctx, g, parents, single, outs_like)
    outs_like = tuple((r.shape, r.dtype) if isinstance(r, rules.Tensor) else None for r in results)
    node = Node()
    node.edges = ((parents, rule, (tuple(a for a, _ in saved if a is not None),)),)
    node.hooks, node.where, node.seq = None, caller(2), tick()
    node.shape, node.dtype = (results[0].shape, results[0].dtype) if single else (None, None)
    ctx._node = weakref.ref(node)
    for i, (out, result) in enumerate(zip(outs, results)):
        if not isinstance(result, rules.Tensor) or id(out) in ctx._constant or result._data.dtype.kind not in "fc":
            continue
        mine = node if single else part_of(node, i, len(outs), result._data)
        if id(out) in ctx._dirty:
            changed = rules.wrap(result._data)
            changed._node = mine
            views.rebase(result, changed)
        else:
            result._node = mine


def _backward_of(cls: Any) -> Callable[..., Any]:
    """A class's `backward`, by either of its names."""
    if cls.vjp is Function.vjp:
        return cls.backward
    if cls.backward is not Function.backward:
        raise RuntimeError(
            f"{cls.__name__}: must define backward or vjp, not both, which may differ (Implementing both 'backward' "
            "and 'vjp' for a custom Function is not allowed.)"
        )
    return cls.vjp


def _call_backward(
    cls: Any, ctx: Context, g: Any, parents: tuple[Any, ...], single: bool, outs: tuple[Any, ...]
) -> Any:
    gradients = [g] if single else list(g.values)
    gradients += [None] * (len(outs) - len(gradients))
    create = any(isinstance(x, rules.Tensor) for x in gradients)
    for i, (x, like) in enumerate(zip(gradients, outs)):
        if x is None and like is not None and ctx._materialize:
            x = np.zeros(*like)
        gradients[i] = None if x is None else conjugate(x if isinstance(x, rules.Tensor) else rules.wrap(x))
    given = _backward_of(cls)(ctx, *gradients)
    given = given if isinstance(given, (tuple, list)) else (given,)
    if len(given) < len(parents) or any(x is not None for x in given[len(parents) :]):
        raise RuntimeError(
            f"{cls.__name__}.backward: must return {len(parents)} gradients, one per input, got {len(given)}"
        )
    results: list[Any] = []
    for i, (x, parent) in enumerate(zip(given, parents)):
        if x is None or parent is None:
            results.append(None)
            continue
        if not isinstance(x, rules.Tensor):
            raise ArgumentError(
                f"{cls.__name__}.backward: gradient {i} must be a Tensor or None, got {type(x).__name__}"
            )
        if x.shape != parent.shape and not sums_to(x.shape, parent.shape):
            raise RuntimeError(
                f"{cls.__name__}.backward: gradient {i} must have the shape {parent.shape}, got {x.shape} "
                f"(got {list(x.shape)} but expected shape compatible with {list(parent.shape)})"
            )
        results.append(conjugate(x if create else views.duplicate(x._data)))  # what user code returns may be shared
    return tuple(results)


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that a `Function.backward` is not itself differentiable: to differentiate it is an error."""

    @functools.wraps(backward)
    def once(ctx: Any, *gradients: Any) -> Any:
        before, mode.enabled = mode.enabled, False
        try:
            out = backward(ctx, *gradients)
        finally:
            mode.enabled = before
        if not before:
            return out
        return tuple(map(_refuse, out)) if isinstance(out, (tuple, list)) else _refuse(out)

    return once


class _Once(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        raise RuntimeError("once_differentiable: trying to differentiate a backward that is marked so")


def _refuse(x: Any) -> Any:
    if not isinstance(x, rules.Tensor):
        return x
    return _Once.apply(x.detach().requires_grad_(True))
