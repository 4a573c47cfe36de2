"""`register_parametrization`, `cached`: parameters that are functions of other parameters.

`register_parametrization` moves a module's parameter into ``module.parametrizations`` and puts a property in its
place, which computes it. The module gets a class of its own, made for the property.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinygrad_lite import Tensor, no_grad
from tinygrad_lite.engine.errors import InputError

from ..module import Module
from ..modules.containers.container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_depth = 0  # of the blocks of `cached` that we are in
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Compute each parametrized tensor only once inside the block.

    Yields
    ------
    None

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 2))
    >>> with nn.utils.parametrize.cached():
    ...     layer.weight is layer.weight
    True
    >>> layer.weight is layer.weight
    False
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _cache.clear()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, in the order of their application, and the tensor or tensors they start from.

    Parameters
    ----------
    modules : sequence of Module
    original : Tensor or Parameter
        What was there before.
    unsafe : bool
        Do without checks of shape and dtype.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    >>> layer.parametrizations.weight
    ParametrizationList(
      (0): _WeightNorm()
    )
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        self.is_tensor = True
        self.ntensors = 1
        trained = isinstance(original, Parameter)
        with no_grad():
            new = self._inverse(original.detach(), lenient=True)
        _check_inverse(new, original, unsafe)
        if isinstance(new, Tensor):
            original.data = new
            self._keep("original", original, trained)
        else:
            self.is_tensor, self.ntensors = False, len(new)
            for i, part in enumerate(new):
                made = Parameter(part, original.requires_grad) if trained else part
                self._keep(f"original{i}", made, trained)

    def _keep(self, name: str, value: Any, trained: bool) -> None:
        if trained:
            self.register_parameter(name, value)
        else:
            self.register_buffer(name, value)

    def _inverse(self, value: Tensor, lenient: bool = False) -> Any:
        """What to start from; `lenient`, a parametrization that raises NotImplementedError starts from the value."""
        found: Any = value
        for module in reversed(list(self)):
            if hasattr(module, "right_inverse"):
                try:
                    found = module.right_inverse(found)
                except NotImplementedError:
                    if not lenient:
                        raise
        return found

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrization gives this value, where the parametrizations can."""
        with no_grad():
            for module in self:
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse: the tensor cannot "
                        "be assigned to"
                    )
            new = self._inverse(value.detach())
            parts = (new,) if self.is_tensor else tuple(new)
            if len(parts) != self.ntensors:
                raise InputError(f"right_inverse: must return {self.ntensors} tensors, got {len(parts)}")
            for own, part in zip(self._originals(), parts):
                if not self.unsafe and (own.shape, own.dtype) != (part.shape, part.dtype):
                    raise InputError(
                        f"right_inverse: must keep shape {own.shape} and dtype {own.dtype}, "
                        f"got {part.shape} and {part.dtype}"
                    )
                own.copy_(part)

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    original: Any

    def forward(self) -> Tensor:
        """Compute the tensor."""
        first, *others = list(self)
        x: Tensor = first(*self._originals())
        for module in others:
            x = module(x)
        return x


def _computed(name: str) -> property:
    def get(self: Any) -> Tensor:
        if not _depth:
            return self.parametrizations[name]()
        key = id(self), name
        found = _cache.get(key)
        if found is None:
            found = _cache[key] = self.parametrizations[name]()
        return found

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


class _Parametrized:
    """What the classes made here have besides the module's own."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        names = list(self.parametrizations)  # type: ignore[attr-defined]
        return _remade, (type(self).__bases__[1], names), self.__dict__.copy()


def _own_class(cls: type) -> type:
    return type(f"Parametrized{cls.__name__}", (_Parametrized, cls), {"__module__": cls.__module__})


def _remade(cls: type, names: list[str]) -> Any:
    own = _own_class(cls)
    for name in names:
        setattr(own, name, _computed(name))
    return object.__new__(own)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrized tensors, or one of this name."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def _container(module: Module) -> Any:
    return module._modules["parametrizations"]


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before it was parametrized."""
    return type(module).__bases__[1] if is_parametrized(module) else type(module)


def _check(name: str, parametrization: Module, before: Tensor, after: Any) -> None:
    who = f"register_parametrization: {type(parametrization).__name__} of {name!r}"
    if not isinstance(after, Tensor):
        raise InputError(f"{who}: must return a tensor, got {type(after).__name__}")
    for what, old, new in (("shape", before.shape, after.shape), ("dtype", before.dtype, after.dtype)):
        if new != old:
            raise InputError(
                f"{who}: Registering a parametrization may not change the {what} of the tensor unless unsafe=True, "
                f"got {new} for {old}"
            )


def _check_inverse(found: Any, original: Tensor, unsafe: bool) -> None:
    """Refuse what no parametrization can start from, and another dtype than the tensor's, which PyTorch keeps."""
    who = "register_parametrization: right_inverse"
    parts = found if isinstance(found, Sequence) else (found,)
    if not all(isinstance(part, Tensor) for part in parts):
        came = ", ".join(type(part).__name__ for part in parts)
        raise InputError(f"{who} must return a Tensor or a Sequence of Tensors, got {came}")
    if not unsafe and isinstance(found, Tensor) and found.dtype != original.dtype:
        raise InputError(f"{who} may not change the dtype unless unsafe=True, got {found.dtype} for {original.dtype}")


def _check_onto(name: str, parametrization: Any, before: Tensor) -> None:
    """Refuse a parametrization that cannot follow others: it must take a tensor to one like it, and back."""
    after = parametrization(before)
    _check(name, parametrization, before, after)
    if hasattr(parametrization, "right_inverse"):
        back = parametrization.right_inverse(after)
        if not isinstance(back, Tensor) or (back.shape, back.dtype) != (before.shape, before.dtype):
            raise InputError(
                f"register_parametrization: {name!r} is parametrized already, so right_inverse must return a tensor of "
                f"shape {before.shape} and dtype {before.dtype}, got "
                + (f"{back.shape} and {back.dtype}" if isinstance(back, Tensor) else type(back).__name__)
            )


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make a parameter or buffer of a module a function of what it was.

    Parameters
    ----------
    module : Module
    tensor_name : str
    parametrization : Module
        Called with the original tensor; where its ``right_inverse`` returns several tensors, with all of them.
    unsafe : bool
        Allow that shape or dtype change.

    Returns
    -------
    Module
        The same.

    Raises
    ------
    ValueError
        If there is no such tensor, the parametrization changes shape or dtype, or its ``right_inverse`` returns no
        tensors.

    Notes
    -----
    Deviations from PyTorch: parametrized modules can be pickled.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.utils.parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        parts: Any = _container(module)[tensor_name]
        if not unsafe:
            with no_grad():
                _check_onto(tensor_name, parametrization, getattr(module, tensor_name))
        parts.append(parametrization)
        parts.unsafe |= unsafe
        return module
    original = {**module._parameters, **module._buffers}.get(tensor_name)
    if original is None:
        raise InputError(
            f"register_parametrization: {type(module).__name__} does not have a parameter or buffer {tensor_name!r}"
        )
    before = original.detach().clone()
    made = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        with no_grad():
            try:
                _check(tensor_name, parametrization, before, made())
            except BaseException:  # an interrupt, too: the tensor is as it was, or parametrized
                original.data = before
                raise
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _own_class(type(module))
        module.register_module("parametrizations", ModuleDict())
    setattr(type(module), tensor_name, _computed(tensor_name))
    _container(module)[tensor_name] = made
    return module


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Turn a parametrized tensor into a plain one again.

    Parameters
    ----------
    module : Module
    tensor_name : str
    leave_parametrized : bool
        Keep the computed value, or the original one.

    Returns
    -------
    Module
        The same.

    Raises
    ------
    ValueError
        If the tensor is not parametrized, or has no single original to go back to.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    >>> _ = nn.utils.parametrize.remove_parametrizations(layer, "weight")
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise InputError(
            f"remove_parametrizations: {type(module).__name__} does not have a parametrization on {tensor_name!r}"
        )
    container = _container(module)
    parts: Any = container[tensor_name]
    if not leave_parametrized and not parts.is_tensor:
        raise InputError("remove_parametrizations: leave_parametrized=False needs a single original tensor")
    originals = parts._originals()
    with no_grad():
        value = parts() if leave_parametrized else originals[0]
    trained = isinstance(originals[0], Parameter)
    if parts.is_tensor:
        kept = originals[0]  # the same object: an optimizer that holds it still does
        kept.data = value.detach()
    else:
        kept = Parameter(value, any(o.requires_grad for o in originals)) if trained else value.detach()
    delattr(type(module), tensor_name)
    del container[tensor_name]
    if not len(container):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[1]
    if trained:
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    return module


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a module the parametrizations of another one, and share the parameters that they start from.

    Parameters
    ----------
    from_module, to_module : Module
    tensor_name : str, optional
        Of the only tensor to transfer. Default: all that are parametrized.

    Returns
    -------
    Module
        The second. Nothing is done to it where the first has no parametrizations.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> first, second = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.Linear(3, 2)
    >>> _ = nn.utils.parametrize.transfer_parametrizations_and_params(first, second)
    >>> second.parametrizations.weight.original1 is first.parametrizations.weight.original1
    True
    """
    if is_parametrized(from_module):
        given = _container(from_module)
        for name in list(given) if tensor_name is None else [tensor_name]:
            if not hasattr(to_module, name):
                setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
            for parametrization in given[name]:
                register_parametrization(to_module, name, parametrization, unsafe=given[name].unsafe)
            made = _container(to_module)[name]
            for part in (
                ["original"] if given[name].is_tensor else [f"original{i}" for i in range(given[name].ntensors)]
            ):
                setattr(made, part, getattr(given[name], part))
    return to_module
