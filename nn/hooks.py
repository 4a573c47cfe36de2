"""Hooks: functions of the user that run before and after a module's forward, backward, saving and loading.

A module without hooks has ``_hooks`` None and `Module.__call__` goes straight to ``forward``; everything here
runs only for modules that have one. A hook for all modules makes the class's default non-empty instead, so
that hookless programs pay nothing for the feature.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tinygrad_lite import Tensor, is_grad_enabled
from tinygrad_lite._tensor import RemovableHandle
from tinygrad_lite.autograd import Function
from tinygrad_lite.engine.door import open_doors, open_doors_of

from ._protocol import AnyModule


class Hook(NamedTuple):
    """One registered function and how it wants to be called."""

    hook: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


class Hooks:
    """The hooks of one module, by kind; each kind maps the handle's number to the hook, in calling order."""

    KINDS = (
        "forward_pre",
        "forward",
        "backward_pre",
        "backward",
        "save_pre",
        "save",
        "load_pre",
        "load_post",
    )

    def __init__(self) -> None:
        self.tables: dict[str, OrderedDict[int, Hook]] = {kind: OrderedDict() for kind in self.KINDS}

    def add(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Append (or prepend) a hook of the given kind and return the handle that removes it."""
        table = self.tables[kind]
        handle = RemovableHandle(table, hook)
        if prepend:
            table.move_to_end(handle.id, last=False)
        return handle


class Hooked:
    """What can have hooks of its own: the base of `Module`."""

    _hooks: Hooks | None = None  # None sends a call straight to `forward`; see _register_for_every_module

    def _all_hooks(self) -> Hooks:
        """Its own, made where there are none."""
        hooks: Hooks | None = self.__dict__.get("_hooks")
        if hooks is None:
            hooks = self.__dict__["_hooks"] = Hooks()
        return hooks

    def _add_hook(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        return self._all_hooks().add(kind, hook, prepend)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the arguments.

        Parameters
        ----------
        hook : callable
            Returns None, the new positional arguments, or, with `with_kwargs`, ``(args, kwargs)``.
        prepend : bool
            Before the hooks that are already there.
        with_kwargs : bool
            Call ``hook(module, args, kwargs)``.
        """
        return self._add_hook("forward_pre", Hook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces the output.

        Parameters
        ----------
        hook : callable
        prepend : bool
            Before the hooks that are already there.
        with_kwargs : bool
            Call ``hook(module, args, kwargs, output)``.
        always_call : bool
            Also when ``forward`` raises; the output is then None.
        """
        return self._add_hook("forward", Hook(hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the gradients pass the module; its result replaces them.

        `grad_output` is a tuple with one entry for each output.
        """
        return self._add_hook("backward_pre", Hook(hook), prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        Both are tuples with one entry for each positional argument and output; what the hook returns replaces
        `grad_input`.
        """
        return self._add_hook("backward", Hook(hook), prepend)

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`register_full_backward_hook` under its older name, with whose gradients PyTorch's was not always right."""
        return self._add_hook("backward", Hook(hook))

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module's state is collected."""
        return self._add_hook("save_pre", Hook(hook))

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after saving; it may edit the dict in place.

        What it returns must be None.
        """
        return self._add_hook("save", Hook(hook))

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Before matching, call the hook on a shallow copy of the state dict, which it may edit in place.

        The call is ``hook(module, state_dict, prefix, {}, strict, missing_keys, unexpected_keys,
        error_msgs)``, as in PyTorch, where ``{}`` is what the state dict tells of the module: its version.
        """
        return self._add_hook("load_pre", Hook(hook))

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after matching; it may clear the lists to silence them."""
        return self._add_hook("load_post", Hook(hook))


_EVERY = {  # kind -> the dict here of the hooks of all modules, by PyTorch's name, which programs put another dict in
    **{kind: f"_global_{kind}_hooks" for kind in ("forward_pre", "forward", "backward_pre", "backward")},
    **{f"new_{kind}": f"_global_{kind}_registration_hooks" for kind in ("parameter", "buffer", "module")},
}
globals().update({name: OrderedDict() for name in _EVERY.values()})


def _of_every_module(kind: str) -> dict[int, Hook]:
    found: dict[int, Hook] = globals()[_EVERY[kind]] if kind in _EVERY else {}
    return found


def hooks_of(module: AnyModule, kind: str) -> Iterator[tuple[int, Hook]]:
    """Yield the hooks that apply to a module: first those of every module, then its own."""
    yield from list(_of_every_module(kind).items())
    if module._hooks is not None:
        yield from list(module._hooks.tables[kind].items())


def call_with_hooks(module: AnyModule, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``module.forward`` with all its forward and backward hooks around it."""
    called: set[int] = set()
    result: Any = None
    try:
        for _, hook in hooks_of(module, "forward_pre"):
            args, kwargs = _forward_pre(module, hook, args, kwargs)
        gates = _BackwardGates(module)
        args = gates.around_inputs(args)
        result = module.forward(*args, **kwargs)
        for number, hook in hooks_of(module, "forward"):
            called.add(number)
            result = _forward_post(module, hook, args, kwargs, result)
        return gates.around_output(result)
    except Exception:  # whatever it was, it is raised again; an interrupt waits for no hook
        _call_always_hooks(module, args, kwargs, result, called)
        raise


def _forward_pre(
    module: AnyModule, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not hook.with_kwargs:
        new = hook.hook(module, args)
        if new is None:
            return args, kwargs
        return (new if isinstance(new, tuple) else (new,)), kwargs
    new = hook.hook(module, args, kwargs)
    if new is None:
        return args, kwargs
    if not (isinstance(new, tuple) and len(new) == 2):
        raise RuntimeError(f"forward pre-hook must return None or a tuple (new_args, new_kwargs), got {new!r}")
    return new


def _forward_post(module: AnyModule, hook: Hook, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
    given = (args, kwargs, result) if hook.with_kwargs else (args, result)
    new = hook.hook(module, *given)
    return result if new is None else new


def _call_always_hooks(
    module: AnyModule, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any, called: set[int]
) -> None:
    """After an error: run the ``always_call`` hooks that have not run; their own errors become warnings."""
    for number, hook in hooks_of(module, "forward"):
        if not hook.always_call or number in called:
            continue
        try:
            result = _forward_post(module, hook, args, kwargs, result)
        except Exception as error:
            warnings.warn(
                f"{type(module).__name__}: a forward hook with always_call=True raised {error!r}, silenced "
                "because forward has raised already",
                stacklevel=4,
            )


class BackwardHookFunction(Function):
    """The identity on some tensors, which shows all their gradients to a function at once."""

    @staticmethod
    def forward(ctx: Any, arrived: Callable[..., tuple[Any, ...]], *tensors: Tensor) -> tuple[Tensor, ...]:
        """Pass the tensors on and keep the function."""
        ctx.arrived = arrived
        ctx.set_materialize_grads(False)
        return tuple(t.detach() for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        """Pass on what the function makes of the gradients."""
        return (None, *ctx.arrived(grads))


class _BackwardGates:
    """Identities around a module's inputs and output, where its backward hooks see and replace gradients."""

    def __init__(self, module: AnyModule) -> None:
        self.module = module
        self.pre = [hook.hook for _, hook in hooks_of(module, "backward_pre")]
        self.full = [hook.hook for _, hook in hooks_of(module, "backward")]
        self.grad_output: tuple[Any, ...] | None = None
        self.size = 0  # number of positional inputs
        self.gated = False  # is there a gate at the inputs?

    def around_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put a gate on the input tensors if a gradient will pass there."""
        self.size = len(args)
        self.gated = bool(self.full) and is_grad_enabled() and any(map(_needs_grad, args))
        return self._pass(args, self._inputs_arrived) if self.gated else args

    def around_output(self, result: Any) -> Any:
        """Put a gate on the output: a Tensor or a tuple of them."""
        if not self.full and not self.pre:
            return result
        outputs = result if isinstance(result, tuple) else (result,)
        if not any(isinstance(output, Tensor) for output in outputs):
            warnings.warn(
                f"{type(self.module).__name__}: for backward hooks to be called the output should be a "
                f"Tensor or a tuple of Tensors, got {type(result).__name__}",
                stacklevel=4,
            )
            return result
        if not (is_grad_enabled() and any(map(_needs_grad, outputs))):
            return result
        outputs = self._pass(outputs, self._output_arrived)
        if not isinstance(result, tuple):
            return outputs[0]
        return type(result)(*outputs) if hasattr(result, "_fields") else outputs

    @staticmethod
    def _pass(values: tuple[Any, ...], arrived: Callable[[tuple[Any, ...]], tuple[Any, ...]]) -> tuple[Any, ...]:
        """Send tensors through a gate; `arrived` maps the gradients of all values to new ones."""
        places = [i for i, value in enumerate(values) if _needs_grad(value)]

        def on_tensors(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            full = dict(zip(places, grads, strict=True))
            new = arrived(tuple(full.get(i) for i in range(len(values))))
            return tuple(new[i] for i in places)

        passed = BackwardHookFunction.apply(on_tensors, *(values[i] for i in places))
        new_values = dict(zip(places, passed if isinstance(passed, tuple) else (passed,), strict=True))
        return tuple(new_values.get(i, value) for i, value in enumerate(values))

    def _output_arrived(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        for function in self.pre:
            grads = self._replaced(function(self.module, grads), grads, "grad_output")
        if self.gated:
            self.grad_output = grads
        else:  # no input needs a gradient: there is nothing to wait for
            for function in self.full:
                new = function(self.module, (None,) * self.size, grads)
                if new is not None and any(grad is not None for grad in new):
                    raise RuntimeError(
                        f"{type(self.module).__name__}: a backward hook must return None where no input requires "
                        "gradient"
                    )
        return grads

    def _inputs_arrived(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:
            return grads  # they came to the inputs without passing the output
        for function in self.full:
            grads = self._replaced(function(self.module, grads, self.grad_output), grads, "grad_input")
        self.grad_output = None
        return grads

    def _replaced(self, new: Any, old: tuple[Any, ...], what: str) -> tuple[Any, ...]:
        if new is None:
            return old
        new = new if isinstance(new, tuple) else (new,)
        if len(new) != len(old):
            raise RuntimeError(
                f"{type(self.module).__name__}: a backward hook returned a wrong number of values as {what}: "
                f"got {len(new)}, but expected {len(old)}"
            )
        return new


def _needs_grad(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


class _ForEveryModule(RemovableHandle):
    """With the last of them, the way through `call_with_hooks` ends, too."""

    def remove(self) -> None:
        super().remove()
        if not any(map(_of_every_module, Hooks.KINDS)):
            Hooked._hooks = None


def _register_for_every_module(kind: str, hook: Hook) -> RemovableHandle:
    handle = _ForEveryModule(_of_every_module(kind), hook)
    if Hooked._hooks is None:
        Hooked._hooks = Hooks()  # the way through `call_with_hooks`, for all modules
    return handle


def registered(module: AnyModule, kind: str, name: str, value: Any) -> Any:
    """What is to be registered in a module under a name: the value, or what a hook returns in its place."""
    table = _of_every_module(f"new_{kind.rpartition(' ')[2]}")  # a non-persistent buffer is one
    for each in list(table.values()) if value is not None else ():
        new = each.hook(module, name, value)
        value = value if new is None else new
    return value


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, param)`` before a parameter is registered in any module.

    Parameters
    ----------
    hook : callable
        What it returns, if anything, is registered in place of the parameter.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> def show(module, name, param):
    ...     print(type(module).__name__, name, param.shape)
    >>> with nn.hooks.register_module_parameter_registration_hook(show):
    ...     layer = nn.Linear(2, 1)
    Linear weight (1, 2)
    Linear bias (1,)
    """
    return RemovableHandle(_of_every_module("new_parameter"), Hook(hook))


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` before a buffer is registered in any module.

    Parameters
    ----------
    hook : callable
        What it returns, if anything, is registered in place of the buffer.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> names = []
    >>> with nn.hooks.register_module_buffer_registration_hook(lambda module, name, buffer: names.append(name)):
    ...     layer = nn.BatchNorm1d(2)
    >>> names
    ['running_mean', 'running_var', 'num_batches_tracked']
    """
    return RemovableHandle(_of_every_module("new_buffer"), Hook(hook))


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` before a module is registered in any other.

    Parameters
    ----------
    hook : callable
        What it returns, if anything, is registered in place of the submodule.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> with nn.hooks.register_module_module_registration_hook(lambda module, name, child: nn.Identity()):
    ...     model = nn.Sequential(nn.ReLU())
    >>> model[0]
    Identity()
    """
    return RemovableHandle(_of_every_module("new_module"), Hook(hook))


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's ``forward``.

    Parameters
    ----------
    hook : callable
        What it returns replaces the arguments; see `Module.register_forward_pre_hook`.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> def show(module, args):
    ...     print(type(module).__name__, args[0].shape)
    >>> with nn.register_module_forward_pre_hook(show):
    ...     y = model(tg.zeros(1, 2))
    Sequential (1, 2)
    Linear (1, 2)
    ReLU (1, 3)
    """
    return _register_for_every_module("forward_pre", Hook(hook))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's ``forward``.

    Parameters
    ----------
    hook : callable
        What it returns replaces the output; see `Module.register_forward_hook`.
    with_kwargs : bool
        Call ``hook(module, args, kwargs, output)``.
    always_call : bool
        Also when ``forward`` raises; the output is then None.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> with nn.register_module_forward_hook(lambda module, args, output: output * 2):
    ...     nn.Identity()(tg.ones(2))
    tensor([2., 2.])
    """
    return _register_for_every_module("forward", Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the gradients pass any module.

    Parameters
    ----------
    hook : callable
        What it returns replaces the gradients; see `Module.register_full_backward_pre_hook`.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x = tg.ones(2, requires_grad=True)
    >>> with nn.register_module_full_backward_pre_hook(lambda module, grad_output: (grad_output[0] * 3,)):
    ...     nn.Identity()(x).sum().backward()
    >>> x.grad
    tensor([3., 3.])
    """
    return _register_for_every_module("backward_pre", Hook(hook))


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` when the gradients of any module's inputs are known.

    Parameters
    ----------
    hook : callable
        What it returns replaces `grad_input`; see `Module.register_full_backward_hook`.

    Returns
    -------
    RemovableHandle

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> x = tg.ones(2, requires_grad=True)
    >>> def show(module, grad_input, grad_output):
    ...     print(*grad_input)
    >>> with nn.register_module_full_backward_hook(show):
    ...     nn.Tanh()(x).sum().backward()
    tensor([0.4200, 0.4200])
    """
    return _register_for_every_module("backward", Hook(hook))


register_module_backward_hook = register_module_full_backward_hook  # the older name, as `register_backward_hook`


open_doors_of(Hooked)
open_doors(globals(), [name for name in globals() if name.startswith("register_module_")])
