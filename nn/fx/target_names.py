"""`qualified_name`: where a function is found by the code that a graph becomes, and the names of nodes."""

from __future__ import annotations

import builtins
import functools
import inspect
import keyword
import operator
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import tinygrad_lite as tg
from tinygrad_lite import Tensor

from .. import functional

_SPACES = ("", "nn.functional", "linalg", "special", "fft")  # the first that has a function names it
RESERVED = {"inf", "nan", "NoneType", "torch", "device", "tinygrad_lite"}  # what generated code finds under these names


@functools.cache
def places() -> dict[int, str]:
    """Public functions by identity, and their names within the library, where `nn.functional` has what is neural."""
    found: dict[int, str] = {}
    for space in _SPACES:
        module = functools.reduce(getattr, filter(None, space.split(".")), tg)
        for name, value in vars(module).items():
            if name in module.__all__ and callable(value) and not isinstance(value, type):
                neural = space == "nn.functional" and ".ops.neural." in str(value.__module__)
                if neural or id(value) not in found:
                    found[id(value)] = f"{space}.{name}".lstrip(".")
    return found


def qualified_name(function: Callable[..., Any]) -> str:
    """The dotted name of a function, as ``torch.relu`` or ``operator.add``."""
    if (within := places().get(id(function))) is not None:
        return f"{tg.__name__}.{within}"
    name = str(getattr(function, "__name__", type(function).__name__))
    if getattr(builtins, name, None) is function:
        return f"builtins.{name}"
    if getattr(operator, name, None) is function:
        return f"operator.{name}"
    module = getattr(function, "__module__", None) or "builtins"
    if module.partition(".")[0] == "tinygrad_lite":
        if getattr(tg, name, None) is function:  # made on demand
            return f"{tg.__name__}.{name}"
        module = module.replace("tinygrad_lite", tg.__name__, 1).replace(".nn.fx", ".fx")
    return f"{module}.{name}"


def is_method(function: Callable[..., Any]) -> bool:
    """Whether a function of the library is a tensor's method only."""
    return id(function) not in places() and vars(Tensor).get(function.__name__) is function


_AS_GIVEN = set(  # of `nn.functional`: PyTorch's are C++, and its graphs have their arguments as they were given
    "adaptive_avg_pool1d avg_pool1d avg_pool2d avg_pool3d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_tbc"
    " conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity elu_ gelu hardshrink hardtanh_ leaky_relu_"
    " linear logsigmoid native_channel_shuffle one_hot pairwise_distance pdist pixel_shuffle pixel_unshuffle prelu"
    " relu_ rrelu_ scaled_dot_product_attention selu_ softplus softshrink threshold_".split()
)


def as_pytorch_hands_on(function: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call as they stand in PyTorch's graphs.

    Those of its functions that are Python hand on by name, with its value, whatever has a default.
    """
    name = places().get(id(function), "").rpartition(".")[2]
    if name == "einsum" and len(args) == 2 and isinstance(args[1], (tuple, list)):
        return (args[0], *args[1]), kwargs
    if name in _AS_GIVEN or getattr(functional, name, places) is not function:
        return args, kwargs
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:  # the call itself will say so
        return args, kwargs
    parameters = bound.signature.parameters.values()
    if any(p.kind not in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters):
        return args, kwargs
    given = bound.arguments
    theirs = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]  # others are this library's
    defaults = {p.name: p.default for p in theirs if p.default is not p.empty}
    needed = [p.name for p in theirs if p.name not in defaults]
    return tuple(given[name] for name in needed), {**defaults, **{k: v for k, v in given.items() if k not in needed}}


def importable(function: Callable[..., Any]) -> bool:
    """Whether `qualified_name` leads to the function again."""
    root, _, rest = qualified_name(function).partition(".")
    found: Any = tg if root == tg.__name__ else sys.modules.get(root)
    for part in rest.split("."):
        found = getattr(found, part, None)
    return found is function


def name_of_target(target: Any) -> str:
    """What a node is called after: ``conv1`` after a module, ``relu`` after a function."""
    text = target if isinstance(target, str) else str(getattr(target, "__name__", type(target).__name__))
    if text.startswith("__") and text.endswith("__") and len(text) > 4:
        text = text[2:-2]
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text).lower() if text.isidentifier() else text.lower()


class Namespace:
    """Names that are in use, none of which is Python's or hides what generated code needs."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.last: defaultdict[str, int] = defaultdict(int)

    def new(self, wanted: str, of: Any = None) -> str:
        """A name like the one that is wanted, with a number behind it where that is taken."""
        wanted = re.sub(r"[^0-9a-zA-Z_]+", "_", wanted) or "_unnamed"
        if wanted[0].isdigit():
            wanted = f"_{wanted}"
        base, number = wanted, 0
        if found := re.fullmatch(r"(.*)_(\d+)", wanted):
            base, number = found[1], int(found[2])
        number = number or self.last[base]
        name = wanted
        while name in self.used or self._illegal(name, of):
            number += 1
            name = f"{base}_{number}"
        self.used.add(name)
        self.last[base] = number
        return name

    @staticmethod
    def _illegal(name: str, of: Any) -> bool:
        if keyword.iskeyword(name) or name in RESERVED:
            return True
        return hasattr(builtins, name) and getattr(builtins, name) is not of
