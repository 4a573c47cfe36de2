"""`ModuleCompiler`, `FunctionCompiler`: from the syntax trees of a kernel's text to LLVM functions."""

from __future__ import annotations

import ast
import builtins
import importlib
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from llvmlite import ir

from .arithmetic import Writer
from .arrays import forms, strides_of
from .kinds import NONE, Array, Kind, Number, Tuple, Unsupported, plain
from .statements import Statements
from .values import ARGUMENTS, NOTHING, RESULTS, WORD, Scalar, Value, View, word
from .variables import TypesChanged

# What LLVM may do to floats, by a function's decorator: only what leaves NaN and infinity their meaning. arcp does not,
# since LLVM then takes 1 / sqrt(inf) for NaN, and it makes nothing faster here.
FLAGS: dict[str, tuple[str, ...]] = {
    "jit": ("contract", "nsz"), "inner": ("contract", "nsz"), "inlined": ("contract", "nsz"),
    "summing": ("contract", "nsz", "reassoc"), "exact": ("nsz",),
}  # fmt: skip


class ModuleCompiler:
    """The functions of one text, for the types with which they are called.

    Parameters
    ----------
    text : str
        As `Source` writes it: imports, constants, and functions with one decorator each.
    module : llvmlite's Module
        What is written into.
    """

    def __init__(self, text: str, module: Any) -> None:
        self.module = module
        self._functions: dict[str, ast.FunctionDef] = {}
        self._names: dict[str, Callable[[], Any]] = {}
        self._compiled: dict[Any, tuple[Any, Kind]] = {}
        self._number = count()
        for node in ast.parse(text).body:
            self._read(node)

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self._functions[node.name] = node
        elif isinstance(node, ast.Import):
            for name in node.names:
                self._names[name.asname or name.name] = partial(importlib.import_module, name.name)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for name in node.names:
                self._names[name.asname or name.name] = partial(_member, node.module, name.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            self._names[node.targets[0].id] = partial(self._known, node.value)
        else:
            raise Unsupported(f"{type(node).__name__} in a kernel's module")

    def _known(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.named(node.id)
        if isinstance(node, ast.Attribute):
            return getattr(self._known(node.value), node.attr)
        if isinstance(node, ast.Call):
            return self._known(node.func)(*map(ast.literal_eval, node.args))
        return ast.literal_eval(node)

    def named(self, name: str) -> Any:
        """What a name of the module stands for: a function's syntax tree, or an object."""
        if name in self._functions:
            return self._functions[name]
        if name in self._names:
            return self._names[name]()
        if hasattr(builtins, name):
            return getattr(builtins, name)
        raise Unsupported(f"the name {name}")

    def function(self, name: str) -> ast.FunctionDef:
        """A function's syntax tree."""
        return self._functions[name]

    def compiled(self, node: ast.FunctionDef, kinds: tuple[Kind, ...], positive: tuple[bool, ...]) -> tuple[Any, Kind]:
        """The LLVM function for arguments of some types, and the type of its result."""
        key = node.name, kinds, positive
        if key not in self._compiled:
            compiler = FunctionCompiler(self, node, kinds, positive)
            self._compiled[key] = compiler.internal(f"{node.name}.{next(self._number)}")
        return self._compiled[key]


def _member(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


_MOST = 50  # attempts to find the types of a function's variables


class FunctionCompiler(Statements):
    """One function, for arguments of some types.

    It is written until no variable's type changes any more: a loop may widen what stood before it.
    """

    def __init__(
        self, module: ModuleCompiler, node: ast.FunctionDef, kinds: tuple[Kind, ...], positive: tuple[bool, ...]
    ) -> None:
        decorator = node.decorator_list[0]
        self._decorator = decorator.id if isinstance(decorator, ast.Name) else ""
        if self._decorator not in FLAGS:
            raise Unsupported(f"the decorator {ast.unparse(decorator)}")
        names = [a.arg for a in node.args.args]
        if len(names) != len(kinds) or node.args.vararg or node.args.kwonlyargs or node.args.defaults:
            raise Unsupported(f"the arguments of {node.name}")
        self._module, self._node, self._names = module, node, names
        self._given = dict(zip(names, kinds))
        self._positive_given = dict(zip(names, positive))
        self._kinds: dict[str, Kind] = {name: plain(kind) for name, kind in self._given.items()}
        self._positive: dict[str, bool] = dict(self._positive_given)
        self._result: Kind | None = None
        bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self._fixed = {name for name in names if name not in bound}  # arguments that no statement changes
        self._local = bound | set(names)

    def internal(self, name: str) -> tuple[Any, Kind]:
        """Write the function, to be called by others of its module; returns it, and its result's type."""
        given = [ir.PointerType(WORD), *(form for k in self._names for form in forms(self._given[k]))]

        def bind(function: Any) -> None:
            self._words, *args = function.args  # the kernel's, which say whether it has failed
            parts = iter(args)
            for k in self._names:
                self._take(k, self.whole(self._given[k], parts, self._positive_given[k]))

        return self._settled(name, given, bind, self._return)

    def _settled(
        self, name: str, given: list[Any], bind: Callable[[Any], None], give: Callable[[list[Any]], None]
    ) -> tuple[Any, Kind]:
        """Write the function again and again, until all types are known."""
        for attempt in range(_MOST):
            known = self._result
            result = forms(known) if known is not None and give == self._return else []
            returns = ir.VoidType() if not result else result[0] if len(result) == 1 else ir.LiteralStructType(result)
            module = self._module.module
            function = ir.Function(module, ir.FunctionType(returns, given), f"{name}.{attempt}")
            function.linkage = "internal"
            if self._decorator == "inlined":
                function.attributes.add("alwaysinline")
            try:
                self._begin(function)
                bind(function)
                self._run(self._node.body)
                if self._result is None:
                    self._result = NONE
                self._check_memory()
                if forms(self._result) and not self.builder.block.is_terminated:
                    raise Unsupported(f"{self._node.name}, which may return nothing")
                if not self._once_more and (self._result == known or not forms(self._result)):
                    self._end(give)
                    return function, self._result
            except TypesChanged:
                pass
            except Unsupported:
                del module.globals[function.name]
                raise
            del module.globals[function.name]
        raise Unsupported(f"{self._node.name}, whose types do not settle")

    def _return(self, slots: list[Any]) -> None:
        values = [self.builder.load(slot) for slot in slots]
        if not values:
            self.builder.ret_void()
        elif len(values) == 1:
            self.builder.ret(values[0])
        else:
            self.builder.ret(self._struct(values))

    def _struct(self, values: list[Any]) -> Any:
        found = ir.Constant(ir.LiteralStructType([v.type for v in values]), ir.Undefined)
        for k, value in enumerate(values):
            found = self.builder.insert_value(found, value, k)
        return found

    def kernel(self, name: str) -> Kind:
        """Write the function as a kernel: its arguments are words that stand at an address.

        The first word says whether the kernel has failed, then there is room for its results, then come the arguments:
        a number, or an array's address, lengths and strides. Returns the type of the result.
        """

        def bind(function: Any) -> None:
            self._words = self.builder.inttoptr(function.args[0], ir.PointerType(WORD))
            parts = self._given_words(self._words)
            for k in self._names:
                self._take(k, self._argument(self._given[k], parts))

        inside, result = self._settled(f"{name}.inside", [WORD], bind, self._give)
        kernel = ir.Function(self._module.module, ir.FunctionType(ir.VoidType(), [WORD]), name)
        builder = ir.IRBuilder(kernel.append_basic_block())
        builder.call(inside, kernel.args)
        builder.ret_void()
        return result

    def _given_words(self, words: Any) -> Any:
        k = ARGUMENTS
        while True:
            yield self.builder.load(self.builder.gep(words, [word(k)]))
            k += 1

    def _argument(self, kind: Kind, words: Any) -> Value:
        if isinstance(kind, Array):
            data = self.pointer(next(words), kind.number)
            shape = [next(words) for _ in range(kind.ndim)]
            strides = [next(words) for _ in range(kind.ndim)]
            if kind.layout == "C":
                strides = strides_of(self.builder, kind.number, shape)
            return View(kind, data, shape, strides)
        if isinstance(kind, Number):
            return Scalar(kind, self.from_word(kind, next(words)), kind.family in "bu")
        return NOTHING

    def _give(self, slots: list[Any]) -> None:
        kinds = self._result.items if isinstance(self._result, Tuple) else [self._result]
        known = all(isinstance(kind, (Number, type(NONE))) for kind in kinds)
        if max(len(slots), len(kinds)) > ARGUMENTS - RESULTS or not known:
            raise Unsupported("a kernel's result that is neither a number nor a few")
        for k, (slot, kind) in enumerate(zip(slots, kinds)):
            value = Scalar(kind, self.builder.load(slot))  # type: ignore[arg-type]
            self.store_word(value, self.builder.gep(self._words, [word(RESULTS + k)]))
        self.builder.ret_void()

    def _begin(self, function: Any) -> None:
        entry, start = function.append_basic_block("entry"), function.append_basic_block("start")
        Writer.__init__(self, ir.IRBuilder(start), entry, FLAGS[self._decorator])
        self._start, self._exit = start, function.append_basic_block("exit")
        self._slots: dict[str, tuple[Kind, list[Any]]] = {}
        self._loops: list[tuple[Any, Any]] = []
        self.allocated, self._once_more = [], False
        self._renewed, self._shared = set(), set()
        self._results = [self.room(form) for form in forms(self._result)] if self._result is not None else []
        self._values: dict[str, Value] = {}

    def _end(self, finish: Callable[[list[Any]], None]) -> None:
        if not self.builder.block.is_terminated:
            self.builder.branch(self._exit)
        self.builder.position_at_end(self._exit)
        for kept in self.allocated:
            self.foreign("free", ir.VoidType(), [self.builder.load(kept)])
        finish(self._results)
        self.builder.position_at_end(self.entry)
        self.builder.branch(self._start)

    def failed(self, condition: Any, why: int) -> None:
        """Write that the function ends on a condition, since the kernel has failed."""
        with self.builder.if_then(condition, likely=False):
            self.builder.store(word(why), self._words)
            self.builder.branch(self._exit)
