"""What tells the recorder what the engine does: it stands in the engine's places, see `swaps`."""

from __future__ import annotations

import functools
import operator
import sys
from typing import Any

import numpy as np

from ... import autograd, rules
from ...engine import accumulate as accumulation
from ...engine import views
from ...graph import Node, caller, library, line_of
from ...kernels.elementwise import half_precision
from ...ops.indexing import index_keys
from ...ops.indexing.index import masked_fill
from ...ops.random.generator import Generator
from ...promotion import NUMBERS, held
from ...rules import Op
from .calls import as_arrays, holds_tensor
from .layout_only import looks_at_layout_only
from .recording import LOCAL, Recorder, recorded
from .tables import HOOKS_OF_CALLS, RECORDED, TAKE_TENSORS


def helper(function: Any, traced: Any, name: str) -> Any:
    """A helper that rows' public functions call; some take Tensors for their arrays."""
    arrays = name in TAKE_TENSORS

    @functools.wraps(function)
    def helper(*args: Any, **kwargs: Any) -> Any:
        recorder = _recorder()
        if recorder is None:
            return function(*args, **kwargs)
        if not looks_at_layout_only(sys._getframe(1), RECORDED):
            recorder.refuse(f"{name} at {line_of(caller(2))} gives an array whose values are read")
        if arrays:
            args, kwargs = tuple(map(rules_unwrap, args)), {k: rules_unwrap(v) for k, v in kwargs.items()}
        return traced(*args, **kwargs)

    helper.recorded = function  # type: ignore[attr-defined]
    return helper


@functools.cache  # recordings are compared by their functions
def in_half(plain: Any) -> Any:
    """What a fast call makes of a function for float16: see `half_precision`."""

    @functools.wraps(plain, assigned=("__name__",), updated=())
    def function(*args: Any) -> Any:
        return half_precision.by_single(plain, *args) if len(args) == 1 else half_precision.of_two(plain, *args)

    return function


def fast(traced: Any, halved: Any) -> Any:
    """What a fast call calls, and what it calls for float16: with arrays it gives an array."""

    @functools.wraps(traced)
    def function(*args: Any, **kwargs: Any) -> Any:
        recorder = _recorder()
        if recorder is not None:
            frame = sys._getframe(1)
            given = [frame.f_locals.get(n) for n in ("input", "other", "args")]
            if not holds_tensor(given) and not looks_at_layout_only(frame, RECORDED):
                recorder.refuse(f"{traced.__name__} at {line_of(caller(2))} gives an array, whose values may be read")
        if any(type(v) is np.ndarray and v.dtype == np.float16 for v in args):  # of Tensors: of arrays NumPy's own
            frame = sys._getframe(1)
            if frame.f_code is half_precision.of_two.__code__ or holds_tensor([frame.f_locals.get("input")]):
                return halved(*args, **kwargs)
        return traced(*args, **kwargs)

    function.recorded = traced.recorded  # type: ignore[attr-defined]
    return function


def scaling(plain: Any, traced: Any, halved: Any) -> Any:
    """A product or quotient, and what is called for float16 beside a number, which keeps its digits there."""

    @functools.wraps(traced)
    def function(*args: Any) -> Any:
        half = any(type(v) is np.ndarray and v.dtype == np.float16 for v in args)
        return (halved if half and _has_number(args) else traced)(*args)

    function.recorded = plain  # type: ignore[attr-defined]
    return function


def _has_number(args: tuple[Any, ...]) -> bool:
    return any(type(v) in (int, float) for v in args) or half_precision.scaled_by(*args) is not None


def of_arrays_watched(op: Op, values: Any, out: Any) -> Any:
    """A row that is called with arrays gives an array: whoever has it may read it."""
    recorder = _recorder()
    if recorder is not None and not looks_at_layout_only(sys._getframe(1), RECORDED):
        recorder.refuse(f"{op.name} at {line_of(caller(2))} gives an array, not a Tensor, whose values may be read")
    return of_arrays(op, values, out)


of_arrays = Op._of_arrays


def effect(function: Any, name: str) -> Any:
    @functools.wraps(function)
    def effect(*args: Any, **kwargs: Any) -> Any:
        recorder = LOCAL.recorder
        if recorder is None or recorder.depth:
            return function(*args, **kwargs)
        recorder.gradients_set.add(None)
        return recorder.effect(function, name, args, kwargs)

    effect.recorded = function  # type: ignore[attr-defined]
    return effect


def again(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    recorder = _recorder()
    return function(*args, **kwargs) if recorder is None else recorder.effect(function, function.__name__, args, kwargs)


def _recorder() -> Recorder | None:
    recorder = LOCAL.recorder
    return None if recorder is None or recorder.depth else recorder


def random_state(function: Any) -> Any:
    """The library may look at the state of random numbers, and put back what is there anyway."""
    look = Generator.state_dict

    @functools.wraps(function)
    def random_state(self: Any, *args: Any) -> Any:
        recorder = _recorder()
        if recorder is not None:
            same = args[0] == look(self) if args else library[sys._getframe(1).f_code.co_filename]
            if not same:
                recorder.refuse(f"random numbers are set, or their state is read, at {line_of(caller(2))}")
        return function(self, *args)

    return random_state


def refusing(function: Any, what: str) -> Any:
    @functools.wraps(function)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        if (recorder := _recorder()) is not None:
            recorder.refuse(f"{what} runs in Python")
        return function(*args, **kwargs)

    refusing.recorded = function  # type: ignore[attr-defined]
    return refusing


def hooks_refused(function: Any, hooks_of: Any) -> Any:
    """The way around a module that has hooks: those of its calls are refused, those of state dicts do not run."""

    @functools.wraps(function)
    def hooks_refused(module: Any, args: Any, kwargs: Any) -> Any:
        if (recorder := _recorder()) is not None and any(
            True for kind in HOOKS_OF_CALLS for _ in hooks_of(module, kind)
        ):
            recorder.refuse("a hook on a module runs in Python")
        return function(module, args, kwargs)

    return hooks_refused


def door(function: Any, name: str) -> Any:
    @functools.wraps(function)
    def door(*args: Any, **kwargs: Any) -> Any:
        if (recorder := _recorder()) is not None:
            recorder.refuse(
                f"{name.strip('_')}() at {line_of(caller(2))} reads a tensor's value, which may decide what Python "
                "does; return the tensor, and read it outside"
            )
        return function(*args, **kwargs)

    return door


def unwrap_watched(value: Any) -> Any:
    recorder = _recorder()
    if recorder is not None and isinstance(value, rules.Tensor):
        frame = sys._getframe(1)
        code = frame.f_code
        if code is not _PLAIN_CALL and not looks_at_layout_only(frame, RECORDED):
            recorder.refuse(f"{code.co_name} at {line_of(caller(2))} works on values in NumPy, outside of the table")
    return rules_unwrap(value)


rules_unwrap = rules.unwrap


def index_part(part: Any) -> Any:
    """An index: positions go to the row as they are; how many a mask has, and what a number is, depends on values."""
    recorder, value = _recorder(), rules_unwrap(part)
    if recorder is None:
        return plain_part(part)
    if type(part) in (list, tuple, range):
        return recorder.call("row", plain_part, "index", (part,), {})
    if isinstance(part, rules.Tensor) and (value.dtype.kind == "b" or not value.ndim):
        recorder.refuse(f"an index at {line_of(caller(2))} selects by values; where() keeps shapes")
    recorder.depth += 1
    try:
        return plain_part(value)
    finally:
        recorder.depth -= 1


plain_part = index_keys._plain


def set_item(tensor: Any, key: Any, value: Any) -> None:
    """A number written where a mask is: a choice, whose shapes do not depend on how many places there are."""
    if _recorder() is not None and isinstance(key, rules.Tensor) and type(value) in NUMBERS:
        mask, shape = key._data, tensor._data.shape
        if mask.dtype == np.bool_ and mask.shape == shape[: mask.ndim]:
            whole = key if mask.ndim == len(shape) else key[(..., *(None,) * (len(shape) - mask.ndim))]
            views.write(tensor, masked_fill, (whole, held(value, tensor._data.dtype, "setitem")), "setitem")
            return
    put_item(tensor, key, value)


put_item = rules.Tensor.__setitem__
_PLAIN_CALL: Any = next(c for c in rules.without_gradient.__code__.co_consts if getattr(c, "co_name", "") == "plain")


def through_graph_watched(node: Node, rule: Any, g: Any, saved: tuple[Any, ...], edges: Any = None) -> Any:
    """A rule that records itself gets Tensors also for values without gradients: what it makes of them is seen."""
    if _recorder() is None or not hasattr(rule.op, "function"):  # a custom Function is called once, as it is
        return through_graph(node, rule, g, saved, edges)
    before, LOCAL.wraps = LOCAL.wraps, True
    try:
        return through_graph(node, rule, g, saved, edges)
    except (AttributeError, TypeError):  # a rule that is for arrays only
        LOCAL.wraps = False
        return through_graph(node, rule, g, saved, edges)
    finally:
        LOCAL.wraps = before


through_graph = autograd._through_graph


def tensor_watched(array: Any, node: Node | None) -> Any:
    if node is None and LOCAL.wraps and type(array) is np.ndarray and array.size and array.dtype.kind in "biuf":
        return rules.wrap(array)
    return tensor(array, node)


tensor = autograd._tensor


def added(before: Any, d: Any) -> Any:
    if isinstance(before, (np.ndarray, np.generic, rules.Parts)):
        return _add(before, d)
    return before + d  # `autograd.Pieces`, which add up what is left of them by themselves, and Tensors


_add = recorded(operator.add, "add", "rule")


def accumulate_watched(found: dict[Node, Any], node: Node, create: bool) -> None:
    recorder = _recorder()
    if recorder is None:
        accumulation.accumulate(found, node, create)
        return
    if create:
        recorder.refuse(f"backward(create_graph=True) at {line_of(caller(2))}; autograd.grad(create_graph=True) can be")
        accumulation.accumulate(found, node, create)
        return
    g = found[node] = as_arrays(found[node])
    recorder.gradients_set.add(id(node))
    recorder.kept.append(node)

    def accumulate(node: Any, g: Any) -> Any:
        accumulation.accumulate({node: g}, node, False)
        return node.grad._data

    recorder.call("leaf", accumulate, "accumulate", (node, g), {})
    recorder.calls[-1].function = accumulation.accumulate
    del found[node]


def own_watched(found: dict[Node, Any], node: Node) -> Any:
    if (recorder := _recorder()) is None:
        return own(found, node)
    g = as_arrays(found.pop(node))
    return conjugate_watched(recorder.call("row", np.array, "copy", (g,), {}) if type(g) is np.ndarray else g)


own = accumulation.own


def conjugate_watched(g: Any) -> Any:
    """The conjugate of complex gradients; of real ones there is none."""
    if (recorder := _recorder()) is None or type(g) is not np.ndarray or g.dtype.kind != "c":
        return conjugate(g)
    return recorder.call("row", np.conjugate, "conjugate", (g,), {})


conjugate = rules.conjugate


def seeds_watched(outputs: Any, *args: Any) -> Any:
    if (recorder := _recorder()) is not None and LOCAL.recorder is not None:
        for out in outputs:
            if isinstance(out, rules.Tensor) and (node := views.node_of(out)) is not None:
                recorder.consumed.add(node)
    return seeds(outputs, *args)


def get_grad(tensor: Any) -> Any:
    found = grad.fget(tensor)
    if (recorder := _recorder()) is not None:
        node = views.node_of(tensor)
        if None not in recorder.gradients_set and id(node) not in recorder.gradients_set:
            recorder.gradients_seen[id(tensor)] = tensor, found is None
    return found


def set_grad(tensor: Any, value: Any) -> None:
    if (recorder := _recorder()) is None:
        grad.fset(tensor, value)
        return
    if value is not None:
        recorder.refuse(f"a gradient is set at {line_of(caller(2))}")
        grad.fset(tensor, value)
        return
    recorder.gradients_set.add(id(views.node_of(tensor)))
    recorder.effect(grad.fset, "grad = None", (tensor, None), {})


grad = rules.Tensor.grad
seeds = autograd._seeds
