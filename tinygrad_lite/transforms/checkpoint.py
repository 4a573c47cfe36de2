"""`tg.checkpoint`: trade time for memory. What a part of the model saves for its backward pass is computed again there.

The part runs as always and its graph is built as always, but the nodes keep tickets in place of saved values. When the
backward pass asks for the first of them, the part runs once more and all tickets are redeemed, each once. So gradients
reach whatever the part uses, its arguments as well as parameters it just mentions, to any order, and parts may nest.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import autograd, rules
from ..graph import OFF, Node, Stamp, last_write, line_of, mode, stale, tick
from ..ops.random.generator import default_generator, fork_rng
from ..rules import Rule, wrap
from ..tensors.tensor_type import Tensor
from . import pytree

__all__ = ["checkpoint", "checkpoint_sequential", "set_checkpoint_early_stop"]


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] | None = None,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Tensor:
    """Call a function, and keep nothing of what its backward pass needs: that is computed again when it is needed.

    Parameters
    ----------
    function : callable
        Must do the same when it is called again. What it writes (running statistics) is written twice.
    *args
        Its arguments, Tensors or not.
    use_reentrant : bool, optional
        Accepted and ignored: gradients flow as in PyTorch's ``use_reentrant=False``.
    preserve_rng_state : bool
        Draw the same random numbers again (of the default generator), so that dropout drops the same.
    context_fn : callable, optional
        Returns two context managers, one for the call and one for its repetition.
    determinism_check : "default" or "none"
        Whether the repetition must make results of the same shapes. The operations must be the same in any case.
    debug : bool
        Accepted and ignored.
    early_stop : bool
        The repetition ends with the last operation of which values are needed: what `function` does after it is not
        done again. See `set_checkpoint_early_stop`.
    **kwargs
        Its keyword arguments.

    Returns
    -------
    object
        What `function` returns.

    Raises
    ------
    RuntimeError
        In the backward pass: if the repetition does something else, and if a value that it needs has been overwritten.

    Notes
    -----
    What a custom `autograd.Function` saves is kept.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> y = tg.checkpoint(lambda x: (x.sin() * x).exp(), x)
    >>> y.sum().backward()
    >>> x.grad
    tensor([3.2054, 0.4746])
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"checkpoint: determinism_check must be 'default' or 'none', got {determinism_check!r}")
    first, again = context_fn() if context_fn is not None else (contextlib.nullcontext(), contextlib.nullcontext())
    packers = mode.packers
    if not mode.enabled or (packers and isinstance(packers[-1], Discard)):  # the part around it keeps nothing anyway
        with first:
            return function(*args, **kwargs)
    frame = Frame(function, args, kwargs, preserve_rng_state, again, determinism_check == "default")
    frame.ends_early = _ends_early[-1] if _ends_early else early_stop
    try:
        with first, packing(Discard(frame, packers[-1] if packers else None)):
            result = function(*args, **kwargs)
        frame.finished = True
        return result
    except _Enough:  # the repetition of a part around this one
        frame.ends_early = True
        raise


_ends_early: list[bool] = []


class set_checkpoint_early_stop:
    """A ``with`` block in which all calls of `checkpoint` have this `early_stop`, whenever their repetition comes.

    Parameters
    ----------
    enable : bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> def part(x):
    ...     y = x.exp()
    ...     print("last line")
    ...     return y
    >>> with tg.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     y = tg.checkpoint(part, tg.ones(1, requires_grad=True))
    last line
    >>> y.backward()
    last line
    """

    def __init__(self, enable: bool) -> None:
        if type(enable) is not bool:
            raise TypeError(f"set_checkpoint_early_stop: enable must be a bool, got {enable!r}")
        self.enable = enable

    def __enter__(self) -> None:
        _ends_early.append(self.enable)

    def __exit__(self, *_: object) -> None:
        _ends_early.pop()


class _Enough(BaseException):
    """Leaves a function that is repeated, when all that is needed of it has been computed; no Exception, as programs
    go on after these.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame


@contextlib.contextmanager
def packing(packer: Callable[[Node], None]) -> Iterator[None]:
    """Announce nodes to `packer` instead of whoever did so far."""
    mode.packers.append(packer)
    OFF.add(packer)
    try:
        yield
    finally:
        OFF.discard(packer)
        mode.packers.pop()


class Ticket:
    """Stands for the values of one edge: the number of the node among the part's, and of the edge."""

    __slots__ = ("frame", "key")

    def __init__(self, frame: Frame, key: tuple[int, int]) -> None:
        self.frame, self.key = frame, key


class Redeemed(Rule):
    """A rule whose saved values are a ticket."""

    __slots__ = ()

    def unpacked(self, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        """See `Rule.unpacked`."""
        ticket: Ticket = saved[0]
        return ticket.frame.values(ticket.key)


class Frame:
    """One call of a part: how to repeat it, and what its repetition has saved."""

    def __init__(self, function: Any, args: Any, kwargs: Any, preserve: bool, context: Any, same_shapes: bool) -> None:
        self.function, self.context, self.same_shapes = function, context, same_shapes
        self.given = pytree.mapped(_kept, (args, kwargs))
        self.state = default_generator.state_dict() if preserve else None
        self.start = tick()
        self.made: list[tuple[str, Any]] = []  # name and shape of each node
        self.when: list[int] = []  # and its time
        self.saved: dict[tuple[int, int], Node] = {}
        self.last, self.ends_early = -1, False  # the last node of which a value is needed; whether the rest is left out
        self.finished = False  # until then it is the function itself that asks for values: of what it has done so far

    def values(self, key: tuple[int, int]) -> tuple[Any, ...]:
        """What an edge saved; each is given out once, then the part is repeated again."""
        if key not in self.saved:
            self._repeat()
        if key not in self.saved:
            raise RuntimeError(
                f"checkpoint: the function must do the same when it is repeated, but did {len(self.made)} "
                f"operations at first and fewer then, at {self.made[key[0]][0]}"
            )
        node = self.saved.pop(key)
        if node.seq < last_write.clock:
            autograd._refuse_stale(node, True)
        _, rule, saved = node.edges[0]
        return rule.unpacked(saved)

    def _repeat(self) -> None:
        self._refuse_writes()
        self.saved.clear()
        args, kwargs = pytree.mapped(lambda a: a.again() if isinstance(a, Argument) else a, self.given)
        with contextlib.ExitStack() as stack:
            if self.state is not None:
                stack.enter_context(fork_rng())
                default_generator.load_state_dict(self.state)
            stack.enter_context(autograd.enable_grad())
            stack.enter_context(self.context)
            stack.enter_context(packing(Collect(self)))
            try:
                self.function(*args, **kwargs)
            except _Enough as end:
                if end.frame is not self:
                    raise

    def _refuse_writes(self) -> None:
        for a in pytree.leaves(self.given):
            mark = stale(a.array, self.start) if isinstance(a, Argument) else None
            if mark is not None:
                raise _overwritten("the function needs an argument", mark)


def _overwritten(what: str, mark: Stamp) -> RuntimeError:
    return RuntimeError(
        f"checkpoint: {what} again, but {mark.name} at {line_of(mark.where)} has overwritten it; clone() it before"
    )


class Argument:
    """A Tensor among the arguments, without its history."""

    __slots__ = ("array", "requires_grad")

    def __init__(self, tensor: Any) -> None:
        self.array, self.requires_grad = tensor._data, tensor.requires_grad

    def again(self) -> Any:
        """The same values and the same question, for the repetition."""
        tensor = wrap(self.array)
        return tensor.requires_grad_() if self.requires_grad else tensor


def _kept(value: Any) -> Any:
    return Argument(value) if isinstance(value, rules.Tensor) else value


class Discard:
    """Puts tickets in the place of what nodes save; `below` is told as well if it collects for a part around."""

    def __init__(self, frame: Frame, below: Callable[[Node], None] | None) -> None:
        self.frame, self.below = frame, below

    def __call__(self, node: Node) -> None:
        frame, edges = self.frame, node.edges
        number = len(frame.made)
        frame.made.append((node.op_name, node.shape))
        frame.when.append(node.seq)
        node.edges = tuple((p, *self._ticket(rule, saved, (number, i))) for i, (p, rule, saved) in enumerate(edges))
        if isinstance(self.below, Collect):
            self.below(node)

    def _ticket(self, rule: Rule, saved: tuple[Any, ...], key: tuple[int, int]) -> tuple[Rule, tuple[Any, ...]]:
        if next(_arrays(saved), None) is None:  # shapes and the like
            return rule, saved
        self.frame.last = key[0]
        waiting = Redeemed.__new__(Redeemed)
        waiting.op, waiting.arg, waiting.joint, waiting.names = rule.op, rule.arg, rule.joint, rule.names
        waiting._positions, waiting.pick = rule._positions, rule.pick
        vjp = rule.vjp
        waiting.vjp = lambda g, *values: vjp(g, *(waiting.unpacked(values) if _is_ticket(values) else values))
        return waiting, (Ticket(self.frame, key),)


def _is_ticket(values: tuple[Any, ...]) -> bool:
    return len(values) == 1 and type(values[0]) is Ticket


class Collect:
    """Takes what the nodes of a repetition save."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.number, self.began = frame, 0, tick()

    def __call__(self, node: Node) -> None:
        frame, number = self.frame, self.number
        self.number += 1
        came = (node.op_name, node.shape)
        if number >= len(frame.made) or (came if frame.same_shapes else came[:1]) != (
            frame.made[number] if frame.same_shapes else frame.made[number][:1]
        ):
            expected = "nothing more" if number >= len(frame.made) else "{} of shape {}".format(*frame.made[number])
            raise RuntimeError(
                "checkpoint: the function must do the same when it is repeated, "
                f"but did {came[0]} of shape {came[1]} instead of {expected} at {line_of(node.where)}"
            )
        for i, (_, rule, saved) in enumerate(node.edges):
            arrays = list(_arrays(saved))
            for array in arrays:
                mark = stale(array, frame.when[number])
                if mark is not None and mark.clock < self.began:  # as a parameter is by a step of the optimizer
                    raise _overwritten(f"{came[0]} at {line_of(node.where)} needs a value", mark)
            if arrays or _is_ticket(saved):
                values = Node()
                values.edges, values.seq, values.where = ((None, rule, saved),), node.seq, node.where
                frame.saved[number, i] = values
        if (frame.ends_early or not frame.finished) and number == frame.last:
            raise _Enough(frame)


def _arrays(values: Any) -> Iterator[Any]:
    for value in values:
        if type(value) in (tuple, list):
            yield from _arrays(value)
        elif isinstance(value, np.ndarray):
            yield value


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
) -> Tensor:
    """Call functions one after another, in segments of which all but the last are checkpointed.

    Parameters
    ----------
    functions : sequence of callable
        Such as the layers of an ``nn.Sequential``.
    segments : int
    input : Tensor
    use_reentrant : bool, optional
        Accepted and ignored.
    preserve_rng_state : bool
        As for `checkpoint`.

    Returns
    -------
    object
        What the last function returns.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.ones(2, requires_grad=True)
    >>> tg.checkpoint_sequential([tg.exp, tg.sin, tg.exp], 2, x).sum().backward()
    >>> x.grad
    tensor([-3.7373, -3.7373])
    """
    steps: Sequence[Callable[[Any], Any]] = list(functions)
    if not 1 <= segments <= max(1, len(steps)):
        raise ValueError(f"checkpoint_sequential: segments must be in [1, {len(steps)}], got {segments}")
    size = len(steps) // segments
    for i in range(segments - 1):
        input = checkpoint(_chain(steps[i * size : (i + 1) * size]), input, preserve_rng_state=preserve_rng_state)
    return _chain(steps[(segments - 1) * size :])(input)


def _chain(steps: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for step in steps:
            x = step(x)
        return x

    return run
