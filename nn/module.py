"""`Module`: a tree of parameters, buffers and submodules with a forward computation.

Everything assigned to a module lives in its ordinary ``__dict__``, so that reading ``self.weight`` costs what
reading any attribute costs; beside it stands one record of what is registered, name -> kind. Parameters,
buffers and children are views of these two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Protocol, TypeVar

from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError

from ._checks import check_input
from ._hyperparameters import checked
from .hooks import Hooked, call_with_hooks
from .members import Members, Pickled, arrange, calls_getattr, kept, read_by_getattr, register, unbound
from .module_placement import Placed
from .module_text import bracketed, indented
from .parameter import Buffer, Parameter
from .state_dict import BUFFER, MODULE, PARAMETER, VOLATILE, Stateful

_M = TypeVar("_M", bound="Module")
_P = ParamSpec("_P")
_R = TypeVar("_R", covariant=True)
_BUFFERS = (BUFFER, VOLATILE)
_LAYERS = f"{__package__}.modules."


class _Forward(Protocol[_P, _R]):
    def forward(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...


class Module(Placed, Stateful, Hooked, Pickled):
    """Base class of all layers and models.

    A subclass calls ``super().__init__()``, assigns its parameters and submodules as attributes and defines
    ``forward``. Calling the module calls ``forward`` with its hooks around it.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode; set through `train` and `eval`.

    Notes
    -----
    Deviation from PyTorch: `load_state_dict` writes nothing at all when something does not fit.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, size):
    ...         super().__init__()
    ...         self.gain = nn.Parameter(tg.ones(size))
    ...
    ...     def forward(self, x):
    ...         return x * self.gain
    >>> scale = Scale(2)
    >>> scale(tg.tensor([1.0, 2.0]))
    tensor([1., 2.], grad_fn=<MulBackward0>)
    >>> [name for name, _ in scale.named_parameters()]
    ['gain']
    """

    training: bool
    _kinds: dict[str, str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if calls_getattr(cls):
            read_by_getattr()
        unbound(cls)
        if "__init__" in vars(cls) and cls.__module__.startswith(_LAYERS):
            cls.__init__ = checked(cls, cls.__init__)  # type: ignore[method-assign]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if (args or kwargs) and not self.call_super_init:
            raise TypeError(
                f"{type(self).__name__}: Module.__init__ takes no arguments where call_super_init is False, got "
                f"{', '.join([*map(repr, args), *kwargs])}"
            )
        self.__dict__["_kinds"] = {}
        self.__dict__["training"] = True
        if self.call_super_init:  # of other classes beside, which are to be told what this one is
            super().__init__(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass that is called defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    if TYPE_CHECKING:

        @property
        def __call__(self: _Forward[_P, _R]) -> Callable[_P, _R]:
            """What `forward` takes and returns."""
    else:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            try:
                if self._hooks is None:
                    if kwargs:
                        return self.forward(*args, **kwargs)
                    return self.forward(*args)  # 20 ns cheaper
                return call_with_hooks(self, args, kwargs)
            except (AttributeError, TypeError):
                check_input(self, args, _LAYERS)
                raise

    # --- registration -----------------------------------------------------------------------------

    def _register(self, name: str, value: Any, kind: str) -> None:
        register(self, name, value, kind)

    def _register_new(self, name: str, value: Any, kind: str, allowed: tuple[str, ...]) -> None:
        """Register under a name that is free, or already of an allowed kind."""
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if hasattr(self, name) and self.__dict__.get("_kinds", {}).get(name) not in allowed:
            raise KeyError(f"{type(self).__name__}: attribute {name!r} already exists")
        self._register(name, value, kind)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None reserves the name (as ``bias=False`` does).

        Parameters
        ----------
        name : str
        param : Parameter or None

        Raises
        ------
        KeyError
            If the name is taken, empty or contains a dot.
        TypeError
            If `param` is no Parameter.
        """
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign {type(param).__name__} as parameter {name!r} (nn.Parameter or None expected)"
            )
        self._register_new(name, param, PARAMETER, (PARAMETER,))

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state but is not trained, such as a running mean.

        Parameters
        ----------
        name : str
        tensor : Tensor or None
        persistent : bool
            Whether it is part of `state_dict`.

        Raises
        ------
        KeyError
            If the name is taken, empty or contains a dot.
        TypeError
            If `tensor` is no Tensor.
        """
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign {type(tensor).__name__} as buffer {name!r} (Tensor or None expected)")
        self._register_new(name, tensor, BUFFER if persistent else VOLATILE, _BUFFERS)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name; containers add theirs by it, so that a class may have its own."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._register_new(name, module, MODULE, (MODULE,))

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._register(name, value, PARAMETER)
        elif isinstance(value, Module):
            self._register(name, value, MODULE)
        elif isinstance(value, Buffer):
            self._register(name, value, BUFFER if value.persistent else VOLATILE)
        else:
            kinds = self.__dict__.get("_kinds")
            kind = kinds.get(name) if kinds else None
            if kind is None:
                object.__setattr__(self, name, value)
                if name == "__class__":
                    arrange(self)
            elif value is None or (kind in _BUFFERS and isinstance(value, Tensor)):
                self.__dict__[kept(self.__dict__, name)] = value
            else:
                self._refuse(name, value, kind)

    def _refuse(self, name: str, value: Any, kind: str) -> NoReturn:
        expected = {PARAMETER: "nn.Parameter", MODULE: "nn.Module"}.get(kind, "Tensor")
        raise TypeError(
            f"{type(self).__name__}: cannot assign {type(value).__name__} as {kind} {name!r} "
            f"({expected} or None expected)"
        )

    def __delattr__(self, name: str) -> None:
        if name in self._kinds:
            del self._kinds[name], self.__dict__[kept(self.__dict__, name)]
        else:
            object.__delattr__(self, name)

    # --- what is registered -----------------------------------------------------------------------

    def _members(self, *kinds: str) -> list[tuple[str, Any]]:
        """Own registered names and values of some kinds, None included, in the order of registration."""
        own = self.__dict__
        return [(name, own[kept(own, name)]) for name, kind in self._kinds.items() if kind in kinds]

    @property
    def _parameters(self) -> MutableMapping[str, Parameter | None]:
        return Members(self, PARAMETER)

    @_parameters.setter
    def _parameters(self, members: Mapping[str, Any]) -> None:
        Members.replace(self._parameters, members)  # type: ignore[arg-type]

    @property
    def _buffers(self) -> MutableMapping[str, Tensor | None]:
        return Members(self, *_BUFFERS)

    @_buffers.setter
    def _buffers(self, members: Mapping[str, Any]) -> None:
        Members.replace(self._buffers, members)  # type: ignore[arg-type]

    @property
    def _modules(self) -> MutableMapping[str, Module | None]:
        return Members(self, MODULE)

    @_modules.setter
    def _modules(self, members: Mapping[str, Any]) -> None:
        Members.replace(self._modules, members)  # type: ignore[arg-type]

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Yield this module and all below it with their dotted names, parents first.

        Parameters
        ----------
        memo : set of Module, optional
            Modules to leave out; those yielded are added.
        prefix : str
            Put before every name.
        remove_duplicate : bool
            Yield a module that is reached twice only once.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._members(MODULE):
            if child is not None:
                yield from child.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Yield this module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield the direct submodules with their names, each once."""
        seen: set[Module] = set()
        for name, child in self._members(MODULE):
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        for _, child in self.named_children():
            yield child

    def _named(
        self, kinds: tuple[str, ...], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        return self._named_members(lambda module: module._members(*kinds), prefix, recurse, remove_duplicate)

    def _named_members(
        self,
        get_members_fn: Callable[[Module], Iterable[tuple[str, Any]]],
        prefix: str = "",
        recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:
        """What a function finds in this module and those below it, with dotted names: PyTorch's name of it."""
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        seen: set[int] = set()
        for path, module in modules:
            for name, value in get_members_fn(module):
                if value is not None and id(value) not in seen:
                    if remove_duplicate:
                        seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Yield the parameters with their dotted names.

        Parameters
        ----------
        prefix : str
            Put before every name.
        recurse : bool
            Include those of submodules.
        remove_duplicate : bool
            Yield a shared parameter only once, under its first name.
        """
        return self._named((PARAMETER,), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters, each once: what an optimizer takes."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield the buffers with their dotted names; arguments as in `named_parameters`."""
        return self._named(_BUFFERS, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """Return the submodule of a dotted name; the empty name is the module itself.

        Raises
        ------
        AttributeError
            If there is none; the message says where the path ends.
        """
        module: Module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}` (looking for {target!r})")
            child = getattr(module, name)
            if not isinstance(child, Module):
                raise AttributeError(f"`{name}` is not an nn.Module (looking for {target!r})")
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of a dotted name; with `strict` there must be one already.

        Raises
        ------
        AttributeError
            If the path does not lead there, or the name belongs to something that is no module.
        ValueError
            If the name is empty or `module` is no Module.
        """
        if not target or not isinstance(module, Module):
            raise InputError(f"set_submodule: needs a name and a Module, got {target!r} and {type(module).__name__}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            self.get_submodule(target)
        setattr(parent, name, module)

    def _get(self, target: str, kinds: tuple[str, ...]) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if module._kinds.get(name) not in kinds:
            raise AttributeError(f"{type(module).__name__} has no {kinds[0]} `{name}` (looking for {target!r})")
        return getattr(module, name)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name, or raise AttributeError."""
        return self._get(target, (PARAMETER,))

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of a dotted name, or raise AttributeError."""
        return self._get(target, _BUFFERS)

    # --- what is done to the whole tree -----------------------------------------------------------

    def apply(self: _M, fn: Callable[[Module], object]) -> _M:
        """Call ``fn(module)`` for every submodule, children first, and then for this module."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: _M, mode: bool = True) -> _M:
        """Put this module and all below it in training mode (or, with False, in evaluation mode)."""
        if not isinstance(mode, bool):
            raise InputError(f"training mode is expected to be boolean, got {mode!r}")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: _M) -> _M:
        """Put this module and all below it in evaluation mode."""
        return self.train(False)

    def requires_grad_(self: _M, requires_grad: bool = True) -> _M:
        """Set whether the parameters require gradients, in place: ``False`` freezes the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif (grad := parameter.grad) is not None:
                parameter.grad = grad = grad.detach() if grad.requires_grad else grad
                grad.zero_()

    # --- saving and loading: see `Stateful` -----------------------------------------------------

    def _upgrade_state(self, state: dict[str, Any], prefix: str) -> None:
        """Make room for older files: edit `state` in place before it is matched."""

    # --- repr -------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """Return what a subclass wants to show between the parentheses of its repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(child))}" for name, child in self._members(MODULE)]
        return bracketed(type(self).__name__, lines, children)
