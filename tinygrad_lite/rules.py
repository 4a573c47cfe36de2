"""The table: every differentiable function with the vector-Jacobian product (vjp) of each argument.

    differentiable(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
    differentiable(np.tanh,     x=lambda g, out: g * (1 - out * out))

    @differentiable(x=lambda g, out, axis: out * (g - np.sum(g * out, axis=axis, keepdims=True)))
    def softmax(x, axis=-1): ...

The keyword is the argument that is differentiated. The parameters of its rule are exactly what is kept for the backward
pass: `g` (the gradient of the result, always first), `out` (the result), an argument by its name, or ``NAME_shape`` for
the shape of an argument without its values. Rules are plain NumPy on plain arrays. For higher derivatives the very same
rules are called with Tensors, which NumPy's dispatch sends back into this table. So a rule never looks at values
(``if x > 0``), never calls `float()` and never writes to its arguments. Summing a gradient back over broadcast
dimensions, and casting it to its input's dtype, is the engine's work.

Complex numbers: PyTorch's gradient of a real L is G = dL/dRe(z) + i dL/dIm(z), and a rule would have to conjugate what
it multiplies with. Its conjugate, ``g = conj(G)``, is multiplied by f'(z) just as for real numbers. So that is what
runs through the graph: a formula without conj, abs, real and imag holds as it stands, only the engine's doors conjugate
(`backward`, hooks, `Function`), and nothing is paid by real numbers. Rows marked as `Op.complex` are right for complex
numbers, all others refuse them.

To understand the library, read in this order: `examples/engine_in_100_lines.py` (all of this in small, under the same
names), this file, `graph.py`, `autograd.py`, one file of `ops/`, such as `ops/pointwise/arithmetic.py`,
`optim/adam_family/adam.py`, `nn/modules/linear.py`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from types import MethodType
from typing import Any, overload

import numpy as np

from . import promotion
from .engine.blame import blame
from .engine.quiet import SILENT, quietly, restore, silence
from .graph import OFF, Node, _getframe, caller, mode, tick
from .kernels.elementwise.fused import fused
from .kernels.single_precision import elementwise_rule, in_single, rule_in_single
from .tensors import tensor_type

ndarray = np.ndarray
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)
_C128 = np.dtype(np.complex128)
_new_node = Node.__new__
Tensor: Any = None  # the class; _tensor.py binds it when it is defined
_new: Any = object.__new__

TABLE: dict[Callable[..., Any], Op] = {}  # function -> its row; also what NumPy's dispatch looks up
CURRENT: Callable[[Any], Any]  # the up-to-date node of a view
VIEW_OF: Callable[..., Any]  # what a result remembers of the tensor whose memory it shares
INTO: Callable[..., Any]  # calls a function and writes what it returns to ``out=``


def bind(tensor: type, current: Callable[[Any], Any], view_of: Callable[..., Any], into: Callable[..., Any]) -> None:
    """Tell the recorder which class wraps results, how views find their base and their node, and what ``out=`` does."""
    global Tensor, CURRENT, VIEW_OF, INTO
    Tensor, CURRENT, VIEW_OF, INTO = tensor, current, view_of, into


class Rule:
    """The vjp of one argument (or of several at once), and what it needs.

    Attributes
    ----------
    op : Op
    arg : tuple of str
        The differentiated arguments; one, or several for a joint rule.
    positions : tuple of int
    vjp : callable
        ``vjp(g, *saved)``.
    names : tuple of str
        Names of the saved values, in order.
    joint : bool
        One call returns a gradient for each of `arg`.
    """

    __slots__ = ("op", "arg", "_positions", "vjp", "names", "joint", "pick")
    _positions: tuple[int, ...] | None

    def __init__(self, op: Op, arg: tuple[str, ...], vjp: Callable[..., Any], joint: bool) -> None:
        code = inspect.unwrap(vjp).__code__
        self.op, self.arg, self.vjp, self.joint = op, arg, vjp, joint
        self.pick: Callable[..., tuple[Any, ...]] = self._prepare
        self._positions = None
        self.names = code.co_varnames[1 : code.co_argcount]
        if code.co_argcount < 1 or code.co_varnames[0] != "g":
            raise TypeError(f"{op.name}: a rule's first parameter must be g, got {code.co_varnames[:1]}")
        if op.single:
            self.vjp = vjp = elementwise_rule(vjp, not op._of_one) if op.single == "each" else rule_in_single(vjp)
        if op.twin is not None:  # the twin is replayed on its inputs
            self.names = (*self.names, "inputs")
            self.vjp = lambda g, *saved: vjp(g, *saved[:-1])

    @property
    def positions(self) -> tuple[int, ...]:
        """Where the differentiated arguments stand."""
        found = self._positions
        if found is None:
            found = self._positions = tuple(self.op.parameters.index(a) for a in self.arg)
        return found

    def unpacked(self, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        """The saved values themselves, where they may be kept as something else."""
        return saved

    def _prepare(self, *values: Any) -> tuple[Any, ...]:
        """On first use, compile ``pick(*arguments, out, *aux) -> saved``."""
        self.pick = _picker(self.op.parameters, self.op.aux, self.names, self.op.name, self.op.inputs)
        saved: tuple[Any, ...] = self.pick(*values)
        return saved


def _goes_stale(name: str) -> bool:
    """Whether a saved value of this name may be overwritten; where none can be, no line need be noted for the error."""
    return not name.endswith("_shape") and name not in ("axis", "keepdims", "ddof")


_PLAIN = frozenset({type(None), bool, int, float, complex, str, slice, type(Ellipsis)})


def _plain(options: tuple[Any, ...]) -> bool:
    """Whether arguments are neither Tensors nor arrays, and hold none."""
    return all([type(v) in _PLAIN or (type(v) is tuple and _PLAIN.issuperset(map(type, v))) for v in options])  # noqa: C419


def result_number(name: str) -> int | None:
    """Which of several results a rule asks for: the third one by `out_2`."""
    return int(name[4:]) if name.startswith("out_") and name[4:].isdigit() else None


_pickers: dict[Any, Callable[..., tuple[Any, ...]]] = {}


def _picker(
    params: tuple[str, ...], aux: tuple[str, ...], names: tuple[str, ...], who: str, inputs: tuple[str, ...]
) -> Callable[..., Any]:
    key = (params, aux, names, inputs)
    if (found := _pickers.get(key)) is None:
        known = (*params, "out", *aux)

        def value(name: str) -> str:
            if name in known:
                return name
            if name == "inputs":
                return f"({', '.join(inputs)},)"
            if name.endswith("_shape") and name[:-6] in known:
                return f"_shape({name[:-6]})"
            if result_number(name) is not None:
                return f"out[{name[4:]}]"
            raise TypeError(f"{who}: a rule may ask for {', '.join(known)}, NAME_shape or out_NUMBER, got {name!r}")

        source = f"lambda {', '.join(known)}: ({''.join(value(n) + ', ' for n in names)})"
        found = _pickers[key] = eval(source, {"_shape": _shape})
    return found


def _shape(value: Any) -> Any:
    if type(value) is ndarray:
        return value.shape
    if type(value) in (tuple, list):
        return tuple(_shape(v) for v in value)
    return np.shape(value)


class Op:
    """One row of the table: a function of arrays, lifted to Tensors.

    Called with Tensors it computes on their arrays and records the graph; called with arrays only, it is the plain
    function.

    Attributes
    ----------
    complex : bool or callable
        Whether the rules hold for complex numbers, too; a function is called in place of this one where they do not.
    together : callable or None
        ``together(gradients, saved)``: the sum of what the only rule returns for each of several results of one input.
    promotes : tuple of str
        The arguments that are cast to one dtype, see `promotion`.
    ordered : bool
        Complex numbers are refused.
    booleans : bool
        Booleans are computed as integers, which NumPy's function refuses.
    """

    complex: bool | Callable[..., Any] = False
    promotes: tuple[str, ...] = ()
    ordered: bool = False
    booleans: bool = False
    together: Callable[[list[Any], list[tuple[Any, ...]]], Any] | None = None
    twin: Callable[..., Any] | None = None
    saves = True

    def __init__(
        self,
        function: Callable[..., Any],
        rules: dict[str, Callable[..., Any]],
        joint: Sequence[tuple[tuple[str, ...], Callable[..., Any]]] = (),
        aux: tuple[str, ...] = (),
        twin: Callable[..., Any] | None = None,
        name: str | None = None,
        view: bool = False,
        single: bool | str = False,
        compiled: bool = False,
    ) -> None:
        if compiled:
            rules = {arg: fused(vjp) for arg, vjp in rules.items()}
        self.function, self.aux, self.twin, self.view, self.single = function, aux, twin, view, single
        self.name = name or str(getattr(function, "__name__", function))
        self.__name__ = self.__qualname__ = self.name
        self.__doc__ = getattr(function, "__doc__", None)
        self.__wrapped__ = function
        self._signature: tuple[tuple[str, ...], tuple[Any, ...], dict[str, int]] | None = None
        first = getattr(inspect.unwrap(function), "__code__", None)
        self._of_one = bool(first and len(rules) == 1 and not joint and not aux and first.co_varnames[:1] == (*rules,))
        self.rules = [Rule(self, (arg,), vjp, False) for arg, vjp in rules.items()]
        self.rules += [Rule(self, args, vjp, True) for args, vjp in joint]
        self.gradient_args = {a for rule in self.rules for a in rule.arg}
        self.saves = any(map(_goes_stale, (name for rule in self.rules for name in rule.names)))
        only = self.rules[0] if len(self.rules) == 1 else None
        self._only = only if only is not None and not only.joint else None
        if compiled:
            self.function = fused(function)
        if single:
            self.function = in_single(self.function, bool(aux), single == "each")

    # --- arguments -----------------------------------------------------------------------------------------------

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the function's arguments, in order."""
        return self._bound()[0]

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The arguments that the twin is called with: all, or those it names where it takes fewer."""
        if self.twin is None:
            return ()
        taken = tuple(inspect.signature(self.twin).parameters)
        if len(taken) == len(self.parameters):
            return self.parameters
        if not self.gradient_args <= set(taken) <= set(self.parameters):
            raise TypeError(f"{self.name}: the twin must take {sorted(self.gradient_args)} and others of "
                            f"{self.parameters}, got {taken}")  # fmt: skip
        return taken

    @cached_property
    def _promoted(self) -> tuple[int, ...]:
        return tuple(i for i, name in enumerate(self.parameters) if name in self.promotes)

    def _bound(self) -> tuple[tuple[str, ...], tuple[Any, ...], dict[str, int]]:
        if self._signature is None:
            if isinstance(self.function, np.ufunc):
                names: tuple[str, ...] = ("x",) if self.function.nin == 1 else ("x", "y")
                defaults: tuple[Any, ...] = (inspect.Parameter.empty,) * len(names)
            else:
                parameters = inspect.signature(self.function).parameters.values()
                names = tuple(p.name for p in parameters)
                defaults = tuple(p.default for p in parameters)
            unknown = self.gradient_args - set(names)
            if unknown:
                raise TypeError(f"{self.name}: rules name {sorted(unknown)}, but the arguments are {names}")
            self._signature = names, defaults, {n: i for i, n in enumerate(names)}
        return self._signature

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in order, defaults filled in."""
        names, defaults, index = self._bound()
        if len(args) > len(names):
            raise TypeError(f"{self.name}() takes {len(names)} arguments, got {len(args)}")
        values = list(args) + list(defaults[len(args) :])
        for key, value in kwargs.items():
            i = index.get(key, -1)
            if i < 0:
                raise TypeError(f"{self.name}() got an unexpected keyword argument {key!r}; it has {', '.join(names)}")
            if i < len(args):
                raise TypeError(f"{self.name}() got multiple values for argument {key!r}")
            values[i] = value
        if kwargs or len(args) < len(names):
            for name, value in zip(names[len(args) :], values[len(args) :]):
                if value is inspect.Parameter.empty:
                    raise TypeError(f"{self.name}() missing required argument {name!r}")
        return tuple(values)

    # --- the call ------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> tensor_type.Tensor:
        if kwargs and (out := kwargs.pop("out", None)) is not None:
            return INTO(out, self.name, self, *args, **kwargs)
        return self.record(self.arguments(args, kwargs))

    def record(self, values: tuple[Any, ...]) -> Any:
        """Compute, and note how to go back. `values` are all arguments in order."""
        if self._of_one and isinstance(values[0], Tensor):
            options = values[1:]
            if _PLAIN.issuperset(map(type, options)) or _plain(options):
                return self._with_options(values[0], options)
        nodes: dict[int, Any] = {}
        data: list[Any] = []
        lifted = scalars = False
        for i, value in enumerate(values):
            if isinstance(value, Tensor):
                lifted = True
                source = value._node if value._view is None else CURRENT(value)
                if source is not None:
                    nodes[i] = source
                value = value._data
            elif type(value) in (list, tuple):
                ours = [isinstance(v, Tensor) for v in value]
                if True in ours:
                    found = [(CURRENT(v) if v._view else v._node) if t else None for v, t in zip(value, ours)]
                    lifted, value = True, tuple([v._data if t else v for v, t in zip(value, ours)])
                    if found.count(None) < len(found):
                        nodes[i] = tuple(found)
            elif type(value) is not ndarray and isinstance(value, np.generic):
                scalars = True
            data.append(value)
        token = None if self.view else silence(SILENT)
        try:
            if lifted:
                if scalars:  # beside a Tensor they decide no width
                    data = [promotion.number(v) for v in data]
                if self.promotes:
                    promotion.cast_at(self.name, data, self._promoted)
            out = self.function(*data)
        except Exception as error:
            raise blame(error, self.name, self.parameters, values, self) from None
        finally:
            if token is not None:
                restore(token)
        if not lifted:
            return self._of_arrays(values, out[0] if self.aux else out)
        aux: tuple[Any, ...] = ()
        if self.aux:
            out, *rest = out
            aux = tuple(rest)
        if type(out) is tuple or type(out) is list:
            return self._several(tuple(out), nodes, data)
        if type(out) is not ndarray:
            out = np.asarray(out)
        if out.dtype is _F64 or out.dtype is _C128:
            out = narrow(self.function, data, out) if not aux else out
        result = _new(Tensor)
        result._data, result._node, result._view = out, None, None
        if nodes and (kind := out.dtype.kind) in "fc" and (not OFF or mode.records(self.name, nodes.values(), out)):
            if self.complex is not True and (kind == "c" or _from_complex(nodes.values())):
                return self.of_complex(values)
            result._node = self._node(self._edges(nodes, data, out, aux), out)
        if self.view and (out.base is not None or out is data[0]) and isinstance(values[0], Tensor):
            result._view = VIEW_OF(values[0], self, values[1:], out)
        return result

    def _with_options(self, input: Any, options: tuple[Any, ...]) -> Any:
        """`record` for one Tensor and options, where nothing is to be looked for: saves a quarter of its time."""
        parent, x = input._node if input._view is None else CURRENT(input), input._data
        token = None if self.view else silence(SILENT)
        try:
            out = self.function(x, *options)
        except Exception as error:
            raise blame(error, self.name, self.parameters, (input, *options), self) from None
        finally:
            if token is not None:
                restore(token)
        if type(out) is not ndarray:
            if type(out) is tuple or type(out) is list:
                return self._several(tuple(out), {} if parent is None else {0: parent}, [x, *options])
            out = np.asarray(out)
        if out.dtype is _F64 or out.dtype is _C128:
            out = narrow(self.function, [x, *options], out)
        result = _new(Tensor)
        result._data, result._node, result._view = out, None, None
        if parent is not None and out.dtype.kind in "fc" and (not OFF or mode.records(self.name, parent, out)):
            if self.complex is not True and "c" in (out.dtype.kind, parent.dtype.kind):
                return self.of_complex((input, *options))
            rule: Any = self._only
            result._node = self._node(((parent, rule, rule.pick(x, *options, out)),), out)
        if self.view and (out.base is not None or out is x):
            result._view = VIEW_OF(input, self, options, out)
        return result

    def _of_arrays(self, values: tuple[Any, ...], out: Any) -> Any:
        """The result where no argument is a Tensor. NumPy takes any object for an array of one."""
        for part in out if isinstance(out, (tuple, list)) else (out,):
            if np.asarray(part).dtype.kind not in "biufc":
                raise blame(TypeError("no array of numbers"), self.name, self.parameters, values, self)
        return out

    def _node(self, edges: tuple[Any, ...], out: Any) -> Node:
        node = _new_node(Node)
        node.edges, node.seq = edges, tick()
        node.shape, node.dtype = (out.shape, out.dtype) if type(out) is ndarray else (None, None)  # of several results
        node.hooks, node.where = None, caller(3) if self.saves or OFF else None
        if OFF:
            mode.made(node)
        return node

    def _edges(self, nodes: dict[int, Any], data: list[Any], out: Any, aux: tuple[Any, ...]) -> tuple[Any, ...]:
        rule = self._only
        if rule is not None and len(nodes) == 1 and (parent := nodes.get((rule._positions or rule.positions)[0])):
            return ((parent, rule, rule.pick(*data, out, *aux)),)
        edges: list[tuple[Any, Rule, tuple[Any, ...]]] = []
        known = 0
        for rule in self.rules:
            positions = rule._positions or rule.positions
            if rule.joint:
                parents = tuple([nodes.get(i) for i in positions])
                wanted = len(parents) - parents.count(None)
                if wanted:
                    known += wanted
                    edges.append((parents, rule, rule.pick(*data, out, *aux)))
            elif positions[0] in nodes:
                known += 1
                edges.append((nodes[positions[0]], rule, rule.pick(*data, out, *aux)))
        if known < len(nodes):
            self._refuse(nodes)
        return tuple(edges)

    def _refuse(self, nodes: dict[int, Any]) -> None:
        for i in nodes:
            if self.parameters[i] not in self.gradient_args:
                raise NotImplementedError(
                    f"{self.name}: no gradient is known with respect to {self.parameters[i]!r}, which requires grad; "
                    f"detach() it, or add the rule: differentiable({self.name}, {self.parameters[i]}=lambda g: ...)"
                )

    def _several(self, outs: tuple[Any, ...], nodes: dict[int, Any], data: list[Any]) -> tuple[Any, ...]:
        """Wrap several results: one node for the operation, and one for each result that picks its gradient."""
        if nodes and mode.enabled and self.complex is not True and _from_complex((*nodes.values(), *outs)):
            raise _not_complex(self.name)
        recorded = nodes and mode.records(self.name, nodes, *outs)
        node = self._node(self._edges(nodes, data, outs, ()), outs) if recorded else None
        results = []
        for i, out in enumerate(outs):
            out = np.asarray(out)
            result = _new(Tensor)
            result._data, result._node, result._view = out, None, None
            if node is not None and out.dtype.kind in "fc":
                result._node = part_of(node, i, len(outs), out)
            results.append(result)
        return tuple(results)

    def of_complex(self, values: tuple[Any, ...]) -> Any:
        """The function that has the right gradient for complex numbers, in place of this one, which has not."""
        if callable(self.complex):
            return self.complex(*values)
        raise _not_complex(self.name)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """An Op in a class body is a method, as a function is."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        try:
            names = self.parameters
        except (TypeError, ValueError):  # rules that do not fit the function: the first call says so
            names = ("...",)
        return f"<differentiable {self.name}({', '.join(names)})>"


class Parts:
    """Gradients of the results of an operation that has several; None where no gradient arrived."""

    __slots__ = ("values", "dtype")
    shape = None

    def __init__(self, values: tuple[Any, ...]) -> None:
        self.values, self.dtype = values, None

    def __add__(self, other: Parts) -> Parts:
        return Parts(tuple(b if a is None else a if b is None else a + b for a, b in zip(self.values, other.values)))


def _part(g: Any, index: int, count: int) -> Parts:
    return Parts(tuple(g if i == index else None for i in range(count)))


def part_of(node: Node, index: int, count: int, out: Any) -> Node:
    """The node of one result among several of an operation: it picks its gradient."""
    part = _new_node(Node)
    part.edges, part.hooks, part.where, part.seq = ((node, PART, (index, count)),), None, node.where, tick()
    part.shape, part.dtype = out.shape, out.dtype
    return part


def _from_complex(sources: Iterable[Any]) -> bool:
    """Whether one of the tensors that require grad is complex."""
    for n in sources:
        if n is None:
            continue
        if _from_complex(n) if type(n) is tuple else n.dtype.kind == "c":
            return True
    return False


def _not_complex(name: str) -> Exception:
    return NotImplementedError(
        f"{name}: no gradient is known for complex numbers; detach() the input, or compute with its real and imag parts"
    )


@quietly
def narrow(function: Callable[..., Any], data: list[Any], out: Any) -> Any:
    """What NumPy made float64 (or float16) of integers is the default dtype's, or that of the floats beside them."""
    floats = [v.dtype for v in data if isinstance(v, ndarray) and v.dtype.kind in "fc"]
    exact = [isinstance(v, ndarray) and v.dtype.kind in "iub" for v in data]
    if _F64 in floats or _C128 in floats or not any(exact):
        return out
    if any(v is _F64 or v is _C128 or v is np.float64 or v is float for v in data):
        return out
    if not floats:
        return promotion.to_floats(function, data, out)[1]
    target = np.result_type(*floats)
    if out.dtype.kind == "c":
        target = np.result_type(target, np.complex64)
    return np.asarray(function(*(v.astype(target) if e else v for v, e in zip(data, exact)))).astype(target, copy=False)


def _in_c_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with results in C order; NumPy's lie in the order of the arguments, PyTorch's not everywhere."""

    @functools.wraps(function)
    def contiguous(*args: Any) -> Any:
        out = function(*args)
        if type(out) is ndarray:
            return out if out.flags.c_contiguous else out.copy()
        if type(out) is tuple:
            return tuple([np.asarray(v, order="C") if type(v) is ndarray else v for v in out])
        return out

    return contiguous


# --- making rows ----------------------------------------------------------------------------------------------------


@overload
def differentiable(function: Callable[..., Any], /, **options: Any) -> Op: ...
@overload
def differentiable(**options: Any) -> Callable[[Callable[..., Any]], Op]: ...
def differentiable(
    function: Callable[..., Any] | None = None,
    /,
    *,
    joint: Sequence[tuple[tuple[str, ...], Callable[..., Any]]] = (),
    aux: tuple[str, ...] = (),
    twin: Callable[..., Any] | None = None,
    name: str | None = None,
    view: bool = False,
    numpy: Callable[..., Any] | None = None,
    complex: bool | Callable[..., Any] = False,
    together: Callable[[list[Any], list[tuple[Any, ...]]], Any] | None = None,
    promotes: tuple[str, ...] = (),
    contiguous: bool = False,
    single: bool | str = False,
    compiled: bool = False,
    **rules: Callable[..., Any],
) -> Op | Callable[[Callable[..., Any]], Op]:
    """Add a function to the table; also a decorator.

    Parameters
    ----------
    function : callable
        Works on NumPy arrays. An existing NumPy function (`np.tanh`) is registered for NumPy's dispatch, too. It
        may take a list of arrays as one argument (as `np.concatenate` does); its rule then returns a list of gradients.
    **rules : callable
        ``argument=lambda g, ...: gradient``; the parameters say what is kept for the backward pass: arguments, `out`,
        the result, or of several results one, as the third by `out_2`.
    joint : sequence of (arguments, rule)
        Rules that compute the gradients of several arguments in one call and return them as a tuple.
    aux : tuple of str
        The function returns ``(out, *aux)``; rules may ask for these by name. Such a row needs a `twin`, since an
        intermediate value carries no graph of its own.
    twin : callable, optional
        The same mathematics in differentiable functions. Higher derivatives of a fused kernel are taken through it. It
        takes the same arguments in the same order, or fewer of the same names: those that its result depends on.
    name : str, optional
    view : bool
        The result may share memory with the first argument.
    numpy : callable, optional
        The NumPy function that this one stands in for in NumPy's dispatch.
    complex : bool or callable
        Whether the rules hold for complex numbers, too, as a formula without conj, abs, real and imag does; or what to
        call in place of this function, where they do not and a gradient is needed.
    together : callable, optional
        For a row of one rule whose result is a small part of its argument: ``together(gradients, saved)``, the sum of
        what the rule returns for each gradient and its saved values, none of which may be a Tensor's. So a tensor that
        is cut into many parts costs one array of its size on the way back, not one for each.
    promotes : tuple of str
        The arguments that meet in one dtype, which is PyTorch's: see `promotion`.
    contiguous : bool
        The result is in C order whatever the order of the arguments, where PyTorch promises it. Without this it keeps
        the order in which NumPy leaves it, which for elementwise functions is the arguments', as in PyTorch.
    single : bool or "each"
        Arguments of float16 are handed to the function and to the rules as float32, and the result is rounded: for
        whatever adds up many numbers, or leaves float16's range on the way. "each": each element of a result depends on
        the arguments at that element only, so that many are cast in blocks, or by a loop made of the function's text.
    compiled : bool
        The function and its rules are elementwise formulas: for large arrays each is compiled to one loop, made of its
        own text and that of the functions it calls. It may use arithmetic, comparisons, `np.where`, `np.minimum`,
        `np.clip`, `np.exp`, `np.log`, `np.tanh` and the like, and other rows. float64 is compiled where no exponential
        or logarithm is called; all else runs in NumPy.

    Returns
    -------
    Op
        Callable with Tensors (records the graph) and with arrays (plain).

    Examples
    --------
    >>> import numpy as np, tinygrad_lite as tg
    >>> from tinygrad_lite.rules import differentiable
    >>> @differentiable(x=lambda g, x: g * 3 * x * x)
    ... def cube(x):
    ...     return x * x * x
    >>> t = tg.tensor([1.0, 2.0], requires_grad=True)
    >>> cube(t).sum().backward()
    >>> t.grad
    tensor([ 3., 12.])
    """
    if function is None:
        options: dict[str, Any] = {"joint": joint, "aux": aux, "twin": twin, "name": name, "view": view, "numpy": numpy}
        options |= {
            "complex": complex,
            "together": together,
            "promotes": promotes,
            "contiguous": contiguous,
            "single": single,
            "compiled": compiled,
        }
        return lambda f: differentiable(f, **options, **rules)
    if aux and twin is None:
        raise TypeError(f"{getattr(function, '__name__', function)}: a row with aux= needs twin=, or its second "
                        "derivative would miss what flows through them")  # fmt: skip
    key = numpy or function
    if key in TABLE and (isinstance(key, np.ufunc) or str(key.__module__).startswith("numpy")):
        raise ValueError(f"differentiable: {key!r} has a row already, for all users; wrap it in a function of yours")
    op = Op(function, rules, joint, aux, twin, name, view, single, compiled)
    op.complex, op.together, op.promotes = complex, together, promotes
    if contiguous:
        op.function = _in_c_order(op.function)
    TABLE[key] = TABLE[op] = op
    return op


FAST: dict[Callable[..., Any], Callable[..., Any]] = {}
_POSITIONS = ("input", "other", "third", "fourth")


def without_gradient(function: Callable[..., Any]) -> Callable[..., tensor_type.Tensor]:
    """A function whose result carries no gradient (comparisons, `argmax`): unwrap, compute, wrap."""

    def plain(*args: Any, **kwargs: Any) -> Any:
        token = silence(SILENT)
        try:
            return wrap(function(*map(unwrap, args), **{k: unwrap(v) for k, v in kwargs.items()}))
        except Exception as error:
            names = (*_POSITIONS[: len(args)], *kwargs)
            raise blame(error, plain.__name__, names, (*args, *kwargs.values()), plain) from None
        finally:
            restore(token)

    plain.__name__ = plain.__qualname__ = getattr(function, "__name__", "plain")
    plain.__doc__, plain.__module__ = function.__doc__, _getframe(1).f_globals["__name__"]
    FAST[function] = plain
    return plain


def unwrap(value: Any) -> Any:
    """Arrays in place of Tensors, also inside tuples and lists."""
    if isinstance(value, Tensor):
        return value._data
    if type(value) in (tuple, list):
        return type(value)(unwrap(v) for v in value)
    return value


def conjugate(g: Any) -> Any:
    """From PyTorch's gradient to what runs through the graph, and back: see the top of this file."""
    return np.conjugate(g) if g.dtype.kind == "c" else g


def wrap(value: Any) -> Any:
    """Tensors in place of arrays (and NumPy scalars), without a graph."""
    plain = type(value) is ndarray
    if plain or isinstance(value, (ndarray, np.generic)):
        result = _new(Tensor)
        result._data, result._node, result._view = value if plain else np.asarray(value), None, None
        return result
    return tuple(map(wrap, value)) if isinstance(value, (tuple, list)) else value


def stand_in(name: str) -> Op:
    """What a rule of no row says it belongs to: a custom `Function`, or several rules that are called as one."""
    op = Op.__new__(Op)
    op.name = name
    return op


PART = Rule.__new__(Rule)  # the gradient of one result among several
PART.op, PART.arg, PART._positions, PART.joint = Op(_part, {}, name="part"), ("g",), (0,), False
PART.vjp, PART.names = _part, ("index", "count")
