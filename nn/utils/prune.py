"""Pruning: parameters multiplied by masks of zeros and ones, as ``torch.nn.utils.prune`` has it.

A pruned parameter ``weight`` becomes ``weight_orig``, which is trained, and a buffer ``weight_mask``; their product is
``weight`` again, made anew before each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from tinygrad_lite import Tensor, from_numpy, linalg, no_grad, ones, ones_like, rand, randperm
from tinygrad_lite.engine.errors import InputError

from ..hooks import Hook
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip

_M = TypeVar("_M", bound=Module)


def _validate_pruning_amount_init(amount: Any) -> None:
    """Raise unless an amount is a share, or a number that is not negative; which number there may be is asked later."""
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise TypeError(f"prune: amount must be a number, got {amount!r}")
    if amount < 0 or (isinstance(amount, float) and not amount <= 1.0):
        raise InputError(f"prune: amount must not be negative, and as a share must be in [0, 1], got {amount!r}")


def _validate_pruning_amount(amount: float, tensor_size: int) -> None:
    """Raise where more are to be pruned than there are."""
    if isinstance(amount, int) and amount > tensor_size:
        raise InputError(f"prune: amount must be at most {tensor_size}, which there are to prune, got {amount}")


def _compute_nparams_toprune(amount: float, tensor_size: int) -> int:
    """How many of so many are pruned: a share, or a number."""
    return amount if isinstance(amount, int) else round(amount * tensor_size)


def _count(amount: float, size: int) -> int:
    _validate_pruning_amount_init(amount)
    _validate_pruning_amount(amount, size)
    return _compute_nparams_toprune(amount, size)


class BasePruningMethod:
    """A way to choose what is pruned, and the hook that multiplies by its mask before each call.

    A subclass defines ``compute_mask(t, default_mask)`` and `PRUNING_TYPE`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.nn.utils import prune
    >>> class Negative(prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...
    ...     def compute_mask(self, t, default_mask):
    ...         return default_mask * (t > 0)
    >>> layer = nn.Linear(2, 1)
    >>> _ = layer.weight.data.copy_(tg.tensor([[1.0, -1.0]]))
    >>> _ = Negative.apply(layer, "weight")
    >>> layer.weight.abs().tolist(), [name for name, _ in layer.named_parameters()]
    ([[1.0, 0.0]], ['bias', 'weight_orig'])
    """

    PRUNING_TYPE = "unstructured"  # or "structured", with the dimension `dim`; "global"
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for the importance scores `t`, of which `default_mask` leaves some out already."""
        raise NotImplementedError(f"{type(self).__name__}: compute_mask(t, default_mask) is missing")

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The product of what is trained and the mask."""
        name = self._tensor_name
        product: Tensor = getattr(module, f"{name}_orig") * getattr(module, f"{name}_mask")
        return product

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **options: Any
    ) -> BasePruningMethod:
        """Prune a parameter, beside what earlier calls have pruned of it; return the method, or all of them."""
        made = cls(*args, **options)
        made._tensor_name = name
        whole = getattr(module, name)
        scores = whole if importance_scores is None else importance_scores
        if tuple(scores.shape) != tuple(whole.shape):
            raise InputError(f"prune: importance_scores must have shape {whole.shape}, got {scores.shape}")
        before = _method(module, name)
        mask = ones_like(whole.detach()) if before is None else getattr(module, f"{name}_mask")
        method = made
        if before is not None:
            method = before if isinstance(before, PruningContainer) else PruningContainer(before)
            method.add_pruning_method(made)
            _forget(module, before)
        with no_grad():
            mask = method.compute_mask(scores.detach(), mask).to(whole.dtype)
        if before is None:
            delattr(module, name)
            kept = whole if isinstance(whole, Parameter) else Parameter(whole.detach())
            module.register_parameter(f"{name}_orig", kept)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A pruned copy of a tensor, by this method alone."""
        mask = ones_like(t) if default_mask is None else default_mask
        product: Tensor = t * self.compute_mask(t if importance_scores is None else importance_scores, mask).to(t.dtype)
        return product

    def remove(self, module: Module) -> None:
        """Make the pruning permanent: the product becomes the parameter."""
        name = self._tensor_name
        product, kept = self.apply_mask(module), getattr(module, f"{name}_orig")
        for each in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, each)
        kept.data = product.detach()
        setattr(module, name, kept)


class PruningContainer(BasePruningMethod):
    """Several methods that prune one parameter, one after the other; each sees what is left.

    Parameters
    ----------
    *args : BasePruningMethod

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> first, second = prune.Identity(), prune.L1Unstructured(2)
    >>> first._tensor_name = second._tensor_name = "weight"
    >>> len(prune.PruningContainer(first, second))
    2
    """

    def __init__(self, *args: Any) -> None:
        self._methods: tuple[Any, ...] = ()
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"prune: a container takes methods of pruning, got {type(method).__name__}")
        if getattr(self, "_tensor_name", method._tensor_name) != method._tensor_name:
            raise InputError(f"prune: a container for {self._tensor_name!r} cannot prune {method._tensor_name!r}")
        self._tensor_name = method._tensor_name
        self._methods = (*self._methods, method)

    def __len__(self) -> int:
        return len(self._methods)

    def __iter__(self) -> Any:
        return iter(self._methods)

    def __getitem__(self, index: int) -> Any:
        return self._methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, for what the others have left."""
        method = self._methods[-1]
        default_mask = default_mask.to(t.dtype)
        left: Any = default_mask == 1
        if method.PRUNING_TYPE == "unstructured":
            mask: Tensor = default_mask.clone()
            mask[left] = method.compute_mask(t[left], default_mask[left]).to(mask.dtype)
            return mask
        if method.PRUNING_TYPE != "structured":
            found: Tensor = method.compute_mask(t, default_mask)
            return found
        dim = method.dim % t.ndim
        keep = np.flatnonzero(left.numpy().any(axis=tuple(i for i in range(t.ndim) if i != dim)))
        index: Any = (slice(None),) * dim + (keep,)
        mask = default_mask.clone()
        mask[index] = method.compute_mask(t[index], default_mask[index]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prune nothing, and have a mask.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> prune.Identity().prune(tg.tensor([3.0, -1.0]))
    tensor([ 3., -1.])
    """

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask as it is."""
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prune elements by chance.

    Parameters
    ----------
    amount : int or float
        How many, or which share.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> int((prune.RandomUnstructured(3).prune(tg.ones(5)) == 0).sum())
    3
    """

    def __init__(self, amount: float) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without those that were drawn."""
        return _without(default_mask, rand(t.numel()), _count(self.amount, t.numel()))


class L1Unstructured(BasePruningMethod):
    """Prune the elements of the smallest absolute values.

    Parameters
    ----------
    amount : int or float
        How many, or which share.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> prune.L1Unstructured(1).prune(tg.tensor([3.0, 1.0, 2.0]))
    tensor([3., 0., 2.])
    """

    def __init__(self, amount: float) -> None:
        _validate_pruning_amount_init(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without the smallest."""
        return _without(default_mask, t.abs().reshape(-1), _count(self.amount, t.numel()))


def _without(mask: Tensor, scores: Any, count: int) -> Tensor:
    """The mask without the elements of the lowest scores."""
    found: Any = mask.reshape(-1).clone()  # flat first: a transposed mask has no flat view to write to
    if count:
        found[scores.detach().topk(count, largest=False).indices] = 0
    product: Tensor = found.reshape(mask.shape)
    return product


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"
    amount: float
    dim: int

    def _scores(self, t: Tensor) -> Any:
        """What each channel is worth; subclasses say so."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask without whole channels."""
        if t.ndim < 2:
            raise InputError(f"prune: a structured method needs at least two dimensions, got shape {t.shape}")
        size = t.shape[self.dim]
        count = _count(self.amount, size)
        channels: Any = _without(ones(size), self._scores(t), count)
        shape = [1] * t.ndim
        shape[self.dim] = size
        product: Tensor = default_mask * channels.reshape(shape).to(default_mask.dtype)
        return product


class RandomStructured(_Structured):
    """Prune channels by chance.

    Parameters
    ----------
    amount : int or float
    dim : int
        The dimension of the channels.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> int((prune.RandomStructured(1, dim=0).prune(tg.ones(3, 2)) == 0).sum())
    2
    """

    def __init__(self, amount: float, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount, self.dim = amount, dim

    def _scores(self, t: Tensor) -> Any:
        return randperm(t.shape[self.dim])


class LnStructured(_Structured):
    """Prune the channels of the smallest norms.

    Parameters
    ----------
    amount : int or float
    n : int, float, inf or "fro"
        The norm.
    dim : int
        The dimension of the channels.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> prune.LnStructured(1, 2, dim=0).prune(tg.tensor([[3.0, 4.0], [1.0, 1.0]]))
    tensor([[3., 4.],
            [0., 0.]])
    """

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        _validate_pruning_amount_init(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def _scores(self, t: Tensor) -> Any:
        rows = t.movedim(self.dim, 0).reshape(t.shape[self.dim], -1)
        return linalg.vector_norm(rows, 2.0 if self.n == "fro" else float(self.n), dim=1)


class CustomFromMask(BasePruningMethod):
    """Prune by a mask that is given.

    Parameters
    ----------
    mask : Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.nn.utils import prune
    >>> prune.CustomFromMask(tg.tensor([1, 0])).prune(tg.tensor([3.0, 2.0]))
    tensor([3., 0.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The product of both masks."""
        product: Tensor = default_mask * self.mask.to(default_mask.dtype)
        return product


def _hooks(module: Module) -> list[tuple[int, Hook]]:
    return [] if module._hooks is None else list(module._hooks.tables["forward_pre"].items())


def _method(module: Module, name: str) -> Any:
    """What prunes a parameter of a module, or None."""
    found = [each.hook for _, each in _hooks(module) if isinstance(each.hook, BasePruningMethod)]
    return next((method for method in found if method._tensor_name == name), None)


def _forget(module: Module, method: Any) -> None:
    for key, each in _hooks(module):
        if each.hook is method:
            del module._hooks.tables["forward_pre"][key]  # type: ignore[union-attr]


def identity(module: _M, name: str) -> _M:
    """Give a parameter a mask of ones; see `Identity`. Return the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: _M, name: str, amount: float) -> _M:
    """Prune elements of a parameter by chance; see `RandomUnstructured`. Return the module."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: _M, name: str, amount: float, importance_scores: Tensor | None = None) -> _M:
    """Prune the elements of a parameter of the smallest absolute values, or scores. Return the module."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: _M, name: str, amount: float, dim: int) -> _M:
    """Prune channels of a parameter by chance; see `RandomStructured`. Return the module."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(
    module: _M, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> _M:
    """Prune the channels of a parameter of the smallest norms; see `LnStructured`. Return the module."""
    LnStructured.apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: _M, name: str, mask: Tensor) -> _M:
    """Prune a parameter by a mask; see `CustomFromMask`. Return the module."""
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Any,
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one vector.

    Parameters
    ----------
    parameters : iterable of (Module, str)
    pruning_method : class
        Derived from `BasePruningMethod`, with `PRUNING_TYPE` "unstructured".
    importance_scores : dict, optional
        Scores of some of the parameters.
    **kwargs
        What the class takes, such as ``amount``.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.nn.utils import prune
    >>> first, second = nn.Linear(3, 2), nn.Linear(2, 2)
    >>> prune.global_unstructured([(first, "weight"), (second, "weight")], prune.L1Unstructured, amount=4)
    >>> int((first.weight == 0).sum() + (second.weight == 0).sum())
    4
    """
    pairs, scores = list(parameters), importance_scores or {}
    if not issubclass(pruning_method, BasePruningMethod) or pruning_method.PRUNING_TYPE != "unstructured":
        raise InputError(f"global_unstructured: pruning_method must be unstructured, got {pruning_method.__name__}")
    given = [scores.get(pair, getattr(*pair)).detach() for pair in pairs]
    masks = [getattr(module, f"{name}_mask", ones_like(each)) for (module, name), each in zip(pairs, given)]
    method = PruningContainer()
    method._tensor_name = "temporary"
    one = pruning_method(**kwargs)
    one._tensor_name = "temporary"
    method.add_pruning_method(one)
    flat: Any = np.concatenate([each.reshape(-1).numpy() for each in given])
    before: Any = np.concatenate([each.reshape(-1).numpy() for each in masks])
    mask = np.asarray(method.compute_mask(from_numpy(flat), from_numpy(before)).numpy())
    ends = np.cumsum([each.numel() for each in given])
    for (module, name), each, part in zip(pairs, given, np.split(mask, ends[:-1])):
        custom_from_mask(module, name, from_numpy(part.reshape(each.shape)))


def remove(module: _M, name: str) -> _M:
    """Make the pruning of a parameter permanent. Return the module.

    Parameters
    ----------
    module : Module
    name : str

    Returns
    -------
    Module

    Raises
    ------
    ValueError
        If it is not pruned.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.nn.utils import prune
    >>> layer = prune.remove(prune.l1_unstructured(nn.Linear(3, 2), "weight", amount=1), "weight")
    >>> sorted(layer.state_dict())
    ['bias', 'weight']
    """
    method = _method(module, name)
    if method is None:
        raise InputError(f"prune.remove: {name!r} of this {type(module).__name__} is not pruned")
    method.remove(module)
    _forget(module, method)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one below it, is pruned."""
    return any(isinstance(each.hook, BasePruningMethod) for one in module.modules() for _, each in _hooks(one))
