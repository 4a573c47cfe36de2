"""The replay of a recording: a function that does the same without the graph, one line of Python for each call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import rules
from ..engine.accumulate import accumulate
from .guards.python_state import Python
from .recorder.calls import GEOMETRY, Call, LeafNode, PartsOf, Ref, Refused
from .recorder.recording import Recorder

_ALIASES = frozenset({"to", "unbroadcast", "cast", "view", "copy"})  # helpers without any effect of their own


class Results:
    """What a function returned, with references in place of tensors.

    Parameters
    ----------
    value : tree
    tensors : dict
        id -> the text of an argument.
    state : Python
        Whose tensors may be returned themselves.
    recorder : Recorder
    linked : Tensor, optional
        A result whose graph is needed outside.
    saved : list of int
        The values that its node keeps.
    """

    def __init__(
        self, value: Any, tensors: dict[int, str], state: Python, recorder: Recorder, linked: Any, saved: list[int]
    ) -> None:
        self._tensors, self._recorder, self._linked, self._saved = tensors, recorder, linked, saved
        self._state = {id(t) for t in state.tensors.values()}
        self.refs: list[Ref] = []
        self._made: dict[int, str] = {}
        self.lines: list[str] = []
        self.values: dict[str, Any] = {}
        self.text = self._of(value)

    def _of(self, value: Any) -> str:
        kind = type(value)
        if isinstance(value, rules.Tensor):
            return self._tensor(value)
        if kind in (type(None), bool, int, str) or (kind is float and value - value == 0):
            return repr(value)
        if kind is tuple:
            return f"({''.join(self._of(v) + ', ' for v in value)})"
        if kind is list:
            return f"[{', '.join(map(self._of, value))}]"
        if kind is dict and all(type(k) in (str, int) for k in value):
            return f"{{{', '.join(f'{k!r}: {self._of(v)}' for k, v in value.items())}}}"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self._bound(kind)}({', '.join(map(self._of, value))})"
        raise Refused(f"it returns a {kind.__name__}; tensors, numbers and containers of them can be")

    def _bound(self, value: Any) -> str:
        name = f"r{len(self.values)}"
        self.values[name] = value
        return name

    def _tensor(self, tensor: Any) -> str:
        if id(tensor) in self._tensors:
            return self._tensors[id(tensor)]
        if id(tensor) in self._state:
            self._tensors[id(tensor)] = self._bound(tensor)
            return self._tensors[id(tensor)]
        if type(tensor) is not rules.Tensor:
            raise Refused(f"it returns a new {type(tensor).__name__}")
        node = tensor._node if tensor._view is None else rules.CURRENT(tensor)
        if node is not None and tensor is not self._linked and leads_on(node, self._recorder.consumed):
            raise Refused("its result requires grad, and its graph would be needed outside; call backward() inside, "
                          "return it detached, or call the function under no_grad()")  # fmt: skip
        if id(tensor) not in self._made:
            ref = self._recorder.reference(tensor._data)
            self.refs.append(ref)
            self._made[id(tensor)] = name = f"w{len(self._made)}"
            self.lines.append(f"{name} = wrap(asarray({{{ref.index}}}))")
            if tensor is self._linked:
                names = "".join(f"q{i}, " for i in range(len(self._saved)))
                self.lines += [f"q{i} = {{{index}}}" for i, index in enumerate(self._saved)]
                self.lines.append(f"link({name}, ({names}), tensors)")
                self.refs += map(Ref, self._saved)
        return self._made[id(tensor)]


def parents_of(node: Any) -> Any:
    """The nodes that a node sends gradients to."""
    for parent, _, _ in node.edges:
        yield from (p for p in (parent if type(parent) is tuple else (parent,)) if p is not None)


def leads_on(node: Any, consumed: set[Any]) -> bool:
    """Whether a backward pass could be made from a node: not through one that had its pass inside."""
    stack, seen = [node], {node}
    while stack:
        here = stack.pop()
        if here in consumed or type(here.edges) is str:
            continue
        if here.edges == ():
            return True
        new = [p for p in parents_of(here) if p not in seen]
        seen.update(new)
        stack += new
    return False


class Source:
    """The text of a replay."""

    def __init__(self, recorder: Any, results: Any) -> None:
        self._recorder = recorder
        self.bound: dict[str, Any] = {"wrap": rules.wrap, "asarray": np.asarray, "accumulate": accumulate}
        self.bound |= {"Parts": rules.Parts, **results.values}
        self._names: dict[int, str] = {}
        self.calls = 0
        self._made: dict[int, int] = {}
        self._reset: set[Any] = set()
        self._results = results
        self._last = self._last_uses(results)

    def compose(self) -> None:
        """Write the text."""
        lines: list[str] = []
        for number, call in enumerate(self._recorder.calls):
            lines += self._line(number, call, self._last)
            gone = [self._value(i) for i in self._last.get(number, ()) if self._nbytes(i) >= WORTH]
            if gone:
                lines.append(f"{' = '.join(gone)} = None")
        self._finish(lines + [self._returned(line, self._value) for line in self._results.lines])

    def _returned(self, line: str, value: Callable[[int], str]) -> str:
        head, found, rest = line.partition("{")
        if not found:
            return line
        index, _, rest = rest.partition("}")
        return f"{head}{value(int(index))}{rest}"

    def _finish(self, lines: list[str]) -> None:
        arguments = sum(v.kind == "argument" for v in self._recorder.values)
        names = "".join(f"a{i}, " for i in range(arguments))
        head = [f"({names}) = arrays"] if arguments else []
        inside = "\n".join(f"    {line}" for line in [*head, *lines, f"return {self._results.text}"])
        self.text = f"def replay(arrays, tensors):\n{inside}\n"

    def _nbytes(self, index: int) -> int:
        return int(self._recorder.values[index].array.nbytes)

    def function(self) -> Callable[[Any, Any], Any]:
        """Compile it."""
        namespace: dict[str, Any] = {"__name__": __name__, **self.bound}  # NumPy warns in this file's name
        exec(compile(self.text, __file__, "exec"), namespace)
        made: Callable[[Any, Any], Any] = namespace["replay"]
        return made

    def _last_uses(self, results: Any) -> dict[int, list[int]]:
        """Call -> the values that nobody needs after it."""
        used: dict[int, int] = {}
        for number, call in enumerate(self._recorder.calls):
            for ref in references((call.args, call.kwargs)):
                used[ref.index] = number
            for _, index in call.outs:
                used[index] = max(number, used.get(index, 0))
                self._made.setdefault(index, number)
        for ref in results.refs:
            used.pop(ref.index, None)
        self._unused = {index for index, number in used.items() if self._made.get(index) == number}
        last: dict[int, list[int]] = {}
        for index, number in used.items():
            if self._recorder.values[index].kind == "made":
                last.setdefault(number, []).append(index)
        return last

    def _bind(self, value: Any, prefix: str = "c") -> str:
        name = f"{prefix}{len(self.bound)}"
        self.bound[name] = value
        return name

    def _value(self, index: int) -> str:
        found = self._names.get(index)
        if found is None:
            value = self._recorder.values[index]
            found = f"a{value.number}" if value.kind == "argument" else f"v{index}"
            if value.kind in ("state", "constant"):
                found = self._bind(value.array, "s")
            self._names[index] = found
        return found

    def argument(self, value: Any) -> str:
        """The text of an argument."""
        kind = type(value)
        if kind is Ref:
            return self._value(value.index)
        if kind in (type(None), bool, int, str) or (kind is float and value - value == 0):
            return repr(value)
        if kind is tuple:
            if not any(references(value)):
                return self._bind(value)
            return f"({''.join(self.argument(v) + ', ' for v in value)})"
        if kind is list:
            return f"[{', '.join(map(self.argument, value))}]"
        if kind is PartsOf:
            return f"Parts({self.argument(value.values)})"
        if kind is LeafNode:
            return self._bind(value.node) if value.argument is None else f"tensors[{value.argument}]._node"
        if isinstance(value, tuple) and kind.__name__ not in GEOMETRY:
            return f"{self._bind(kind)}({''.join(self.argument(v) + ', ' for v in value)})"
        if any(references(value)):
            raise Refused(f"an array inside of a {kind.__name__} is an argument")
        return self._bind(value)

    def _line(self, number: int, call: Call, last: dict[int, list[int]]) -> list[str]:
        new = [(path, i) for path, i in call.outs if self._recorder.values[i].number == number]
        if call.name in _ALIASES and not new:
            return []
        self.calls += 1
        if call.kind == "leaf":
            return self._leaf(call, new, last.get(number, ()))
        text, tail = self.expression(call), "._data" if call.kind == "effect" else ""
        if not new:
            return [text]
        if new[0][0] == ():
            return [f"{self._value(new[0][1])} = {text}{tail}"]
        lines = [f"t = {text}"]
        for path, index in new:
            steps = "".join(".values" if step == "values" else f"[{step!r}]" for step in path)
            lines.append(f"{self._value(index)} = t{steps}{tail}")
        return [*lines, "t = None"]

    def expression(self, call: Call) -> str:
        """The text of a call."""
        if call.kind == "effect":
            function, args = self._bind(call.function, "e"), self._bind(call.args)
            return f"{function}(*{args}, **{self._bind(call.kwargs)})" if call.kwargs else f"{function}(*{args})"
        given = [self.argument(a) for a in call.args]
        given += [f"{name}={self.argument(v)}" for name, v in call.kwargs.items()]
        return f"{self._bind(call.function, 'f')}({', '.join(given)})"

    def _leaf(self, call: Call, new: list[Any], dying: Any) -> list[str]:
        node, g = call.args
        text, value = self.argument(node), self.argument(g)
        lines = [f"{text}.grad = None"] if node.made is not None and node.made not in self._reset else []
        self._reset.add(node.made)
        lines += [f"n = {text}", f"found = {{n: {value}}}"]
        if g.index in dying:
            lines.append(f"{value} = None")  # so that it may be taken over as it is
        lines.append("accumulate(found, n, False)")
        return [*lines, *(f"{self._value(i)} = n.grad._data" for _, i in new if i not in self._unused)]


WORTH = 1 << 10  # bytes that are worth a line to give them back early


def references(value: Any) -> Any:
    """The references in a tree of arguments."""
    if type(value) is Ref:
        yield value
    elif isinstance(value, (tuple, list)):  # arrays of geometry are no references
        for v in value:
            yield from references(v)
    elif type(value) is dict:
        for v in value.values():
            yield from references(v)
    elif type(value) is PartsOf:
        yield from references(value.values)
    elif type(value) is slice:
        yield from references((value.start, value.stop, value.step))
