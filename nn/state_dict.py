"""Saving a module's state to a dict of tensors, and loading it back with every mismatch reported at once."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lite import Tensor, no_grad

from ._protocol import AnyModule
from .hooks import hooks_of
from .parameter import Parameter, Uninitialized

PARAMETER, BUFFER, VOLATILE, MODULE = (
    "parameter",
    "buffer",
    "non-persistent buffer",
    "module",
)  # kinds of members
EXTRA = "_extra_state"  # the key of what `get_extra_state` returns
_KEPT_BY = {"c": "biufc", "f": "biuf"}  # kinds of values by the kind of dtype that loses no part of them; else integers


class IncompatibleKeys(NamedTuple):
    """What `Module.load_state_dict` returns: the names that did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def get_extra_state(module: AnyModule) -> Any:
    """Return what `state_dict` should hold beside the tensors; a class that overrides it has such a thing."""
    raise RuntimeError(f"{type(module).__name__}: get_extra_state is not defined")


def set_extra_state(module: AnyModule, state: Any) -> None:
    """Take back what `get_extra_state` returned; a class that has the one has the other."""
    raise RuntimeError(f"{type(module).__name__}: set_extra_state is not defined")


def own_state(module: AnyModule) -> list[tuple[str, Tensor]]:
    """Return what a module itself contributes to the state dict: parameters, then persistent buffers."""
    return [(n, value) for kind in (PARAMETER, BUFFER) for n, value in module._members(kind) if value is not None]


def save_state(
    module: AnyModule, destination: OrderedDict[str, Any], prefix: str, keep_vars: bool
) -> OrderedDict[str, Any]:
    """Fill `destination` with the state of a module and everything below it."""
    for _, hook in hooks_of(module, "save_pre"):
        hook.hook(module, prefix, keep_vars)
    if not hasattr(destination, "_metadata") and type(destination) is not dict:
        destination._metadata = OrderedDict()  # type: ignore[attr-defined]
    told = {"version": module._version}
    getattr(destination, "_metadata", {})[prefix.removesuffix(".")] = told
    module._save_to_state_dict(destination, prefix, keep_vars)
    if type(module).get_extra_state is not get_extra_state:
        destination[prefix + EXTRA] = module.get_extra_state()
    for name, child in module._members(MODULE):
        if child is not None:
            child.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
    for _, hook in hooks_of(module, "save"):
        if hook.hook(module, destination, prefix, told) is not None:
            raise RuntimeError(f"{type(module).__name__}.state_dict: state_dict post-hook must return None")
    return destination


def load_state(module: AnyModule, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Match a state dict with a module's state; write only if everything fits."""
    if not isinstance(given, Mapping):
        raise TypeError(f"load_state_dict: state_dict must be a mapping, got {type(given).__name__}")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    tree = [(f"{path}." if path else "", m) for path, m in module.named_modules(remove_duplicate=False)]
    states: dict[str, dict[str, Any]] = {}  # of each module, what is left for it: hooks may edit it
    by_hand: set[str] = set()  # the modules that read what is theirs themselves
    for prefix, m in tree:
        state = states[prefix] = _left_for(prefix, states, given)
        m._upgrade_state(state, prefix)
        for _, hook in hooks_of(m, "load_pre"):
            hook.hook(m, state, prefix, _told(given, prefix), strict, missing, unexpected, errors)
        if type(m)._load_from_state_dict is not Stateful._load_from_state_dict and not _asks_for_ours(
            m, state, prefix, _told(given, prefix), strict, missing, unexpected, errors
        ):
            by_hand.add(prefix)
    places: dict[str, tuple[AnyModule, str, Tensor, Any]] = {}
    values: dict[str, np.ndarray[Any, Any]] = {}
    extras: list[tuple[AnyModule, Any]] = []
    for prefix, m in tree:
        if prefix in by_hand:
            continue
        state, extra = states[prefix], prefix + EXTRA
        own = {prefix + n: (n, value) for n, value in own_state(m)}
        for key, (n, current) in own.items():
            if key not in state:
                missing.append(key)
            else:
                places[key] = m, n, current, state[key]
                _read(key, state[key], current, values, errors)
        takes_extra = type(m).set_extra_state is not set_extra_state
        if takes_extra and extra in state:
            extras.append((m, state[extra]))
        elif takes_extra:
            missing.append(extra)
        children = {name for name, _ in m._members(MODULE)}
        known = {*own, extra} if takes_extra else own
        unexpected += [key for key in state if key not in known and not _goes_to(children, key[len(prefix) :])]
    result = IncompatibleKeys(missing, unexpected)
    for _, m in reversed(tree):
        for _, hook in hooks_of(m, "load_post"):
            hook.hook(m, result)
    _raise_if_wrong(type(module).__name__, result, errors, strict)
    for key, value in values.items():
        _write(*places[key], value, assign)
    for m, value in extras:
        m.set_extra_state(value)
    return result


def _left_for(prefix: str, states: dict[str, dict[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """A module's part of what the module above left for it."""
    if not prefix:
        return dict(given)
    above = prefix[:-1].rpartition(".")[0]
    return {k: v for k, v in states[f"{above}." if above else ""].items() if k.startswith(prefix)}


def _goes_to(children: set[str], name: str) -> bool:
    """Whether one of the children will read it, or refuse it."""
    child, dot, _ = name.partition(".")
    return bool(dot) and child in children


def _told(state: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What a state dict tells of a module besides: its version; nothing where it is a plain dict."""
    return dict((getattr(state, "_metadata", None) or {}).get(prefix.removesuffix("."), {}))


def _asks_for_ours(module: AnyModule, state: dict[str, Any], prefix: str, metadata: dict[str, Any], *rest: Any) -> bool:
    """Call the `_load_from_state_dict` that a class has of its own; return whether it called its base's, too."""
    module._load_from_state_dict(state, prefix, metadata, *rest)
    return "asked" in metadata


def _replace(hook: Callable[..., Any], module: Any, state: Any, prefix: str, metadata: Any) -> None:
    """Call a hook, and put what it returns in the state dict's place; at this level, it is copied with its module."""
    found = hook(module, state, prefix, metadata)
    if found is not None and found is not state:
        kept = dict(found)
        state.clear()
        state.update(kept)


def _untold(hook: Callable[..., Any], module: Any, *rest: Any) -> Any:
    """Call a hook that is not told the module."""
    return hook(*rest)


def _read(key: str, value: Any, current: Tensor, values: dict[str, np.ndarray[Any, Any]], errors: list[str]) -> None:
    """Turn one given value into an array of the right shape, or note what is wrong with it."""
    if isinstance(value, Uninitialized):
        if not isinstance(current, Uninitialized):
            errors.append(f"{key}: the shape of an uninitialized tensor is not known yet in the checkpoint, but here.")
        return
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)  # PyTorch's have detach, too
    except Exception as error:  # whatever a foreign type raises
        errors.append(f"{key}: a {type(value).__name__} cannot be read as an array ({error}).")
        return
    if array.shape == (1,) and not isinstance(current, Uninitialized) and current.shape == ():
        array = array[0]  # as PyTorch wrote numbers before 0.4
    if array.dtype.kind not in _KEPT_BY.get(current.dtype.kind, "biu"):
        errors.append(f"{key}: values of dtype {array.dtype} cannot be stored as {current.dtype}.")
    elif not isinstance(current, Uninitialized) and array.shape != current.shape:
        errors.append(
            f"size mismatch for {key}: copying a param with shape {array.shape} from checkpoint, "
            f"the shape in current model is {current.shape}."
        )
    else:
        values[key] = array


def _write(
    module: AnyModule, name: str, current: Tensor, given: Any, array: np.ndarray[Any, Any], assign: bool
) -> None:
    if not assign:
        if isinstance(current, Uninitialized):
            current.materialize(array.shape)
        with no_grad():
            current.copy_(array)
        return
    value = given.detach() if isinstance(given, Tensor) else Tensor(array)
    setattr(module, name, Parameter(value, current.requires_grad) if isinstance(current, Parameter) else value)


def _raise_if_wrong(who: str, keys: IncompatibleKeys, errors: list[str], strict: bool) -> None:
    lines = list(errors)
    if strict:
        for title, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            quoted = [f'"{name}"' for name in names]
            if quoted:
                lines.insert(0, f"{title} key(s) in state_dict: {', '.join(quoted)}.")
    if lines:
        raise RuntimeError("\n\t".join([f"Error(s) in loading state_dict for {who}:", *lines]))


class Stateful:
    """What has a state dict: a base of `Module`."""

    def state_dict(
        self: AnyModule,
        *,
        destination: OrderedDict[str, Any] | None = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> OrderedDict[str, Any]:
        """Return all parameters and persistent buffers by their dotted names.

        Parameters
        ----------
        destination : OrderedDict, optional
            Filled and returned in place of a new one.
        prefix : str
            Put before every name.
        keep_vars : bool
            Return the parameters themselves; by default detached tensors that share their memory.

        Returns
        -------
        OrderedDict of str to Tensor
        """
        return save_state(self, OrderedDict() if destination is None else destination, prefix, keep_vars)

    def load_state_dict(
        self: AnyModule, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy the values of a state dict into the parameters and buffers, converted to their dtypes.

        Parameters
        ----------
        state_dict : mapping of str to Tensor, ndarray or anything `numpy.asarray` takes
            PyTorch's tensors are such.
        strict : bool
            Whether missing and unexpected names are errors. Misshapen values always are.
        assign : bool
            Put the given values (with their dtype) in the place of the old ones instead of copying.

        Returns
        -------
        IncompatibleKeys
            ``missing_keys`` and ``unexpected_keys``.

        Raises
        ------
        RuntimeError
            With everything that is missing, unexpected or misshapen. Nothing has been written then, where
            PyTorch copies what fits first.
        """
        return load_state(self, state_dict, strict, assign)

    # --- what subclasses override, and register, under PyTorch's names --------------------------------------------

    _version = 1
    dump_patches = False
    call_super_init = False

    def _save_to_state_dict(self: AnyModule, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put the module's own parameters and buffers into a state dict."""
        for name, value in own_state(self):
            destination[prefix + name] = value if keep_vars or isinstance(value, Uninitialized) else value.detach()

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool, missing_keys: list[str],
        unexpected_keys: list[str], error_msgs: list[str],
    ) -> None:  # fmt: skip
        """Read the module's own parameters and buffers; an override edits `state_dict` before it calls this one.

        What it finds is written once all modules have been asked, and if everything fits.
        """
        local_metadata["asked"] = True

    def _register_state_dict_hook(self: AnyModule, hook: Callable[..., Any]) -> Any:
        """`register_state_dict_post_hook`, of a hook that may return another state dict."""
        return self.register_state_dict_post_hook(functools.partial(_replace, hook))

    def _register_load_state_dict_pre_hook(self: AnyModule, hook: Callable[..., Any], with_module: bool = False) -> Any:
        """`register_load_state_dict_pre_hook`, of a hook that is not told the module unless it asks."""
        return self.register_load_state_dict_pre_hook(hook if with_module else functools.partial(_untold, hook))

    get_extra_state = get_extra_state
    set_extra_state = set_extra_state
