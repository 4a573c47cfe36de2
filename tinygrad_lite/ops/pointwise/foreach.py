"""`foreach`: PyTorch's ``torch._foreach_add_`` and its like, which take a list of tensors each; optimizers use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import rules
from ...engine.errors import InputError

_VALUED = ("addcmul", "addcdiv")  # whose last argument is a factor, given by keyword to one tensor

_LIMITS = {"maximum": "clamp_min", "minimum": "clamp_max"}  # what they are called where the other one is a number


def foreach(name: str) -> Callable[..., Any] | None:
    """The function of lists of tensors that PyTorch calls by a name such as ``_foreach_mul_``.

    Parameters
    ----------
    name : str
        "_foreach_" and the name of a method.

    Returns
    -------
    callable or None
        ``f(tensors, *others, **options)``: an argument that is a list has an entry for each tensor, any other one is
        the same for all. In place where the name ends with an underscore: then it returns None. None for no method.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> xs = [tg.ones(1), tg.zeros(2)]
    >>> tg._foreach_add_(xs, [tg.ones(1), tg.ones(2)], alpha=2)
    >>> tg._foreach_mul(xs, 10)
    [tensor([30.]), tensor([20., 20.])]
    """
    method = name.removeprefix("_foreach_")
    base, here = method.rstrip("_"), method.endswith("_")
    if not hasattr(rules.Tensor, base):
        return None
    call = getattr(rules.Tensor, method, None) or _into(getattr(rules.Tensor, base))

    def each(tensors: Sequence[Any], *others: Any, **options: Any) -> Any:
        if base in _VALUED and len(others) > 2:
            others, options = others[:2], {**options, "value": others[2]}
        if base == "norm" and "ord" in options:
            options["p"] = options.pop("ord")
        if base in _VALUED and "scalars" in options:
            options["value"] = options.pop("scalars")
        count = len(tensors)
        columns = [_spread(value, count, name) for value in others]
        named = {key: _spread(value, count, name, base in _VALUED) for key, value in options.items()}
        limited = base in _LIMITS and isinstance(others[0], (int, float))
        do = getattr(rules.Tensor, method.replace(base, _LIMITS[base])) if limited else call
        found = [
            do(tensor, *(column[i] for column in columns), **{key: v[i] for key, v in named.items()})
            for i, tensor in enumerate(tensors)
        ]
        return None if here else found

    each.__name__ = each.__qualname__ = name
    return each


def _into(function: Callable[..., Any]) -> Callable[..., Any]:
    """The form in place of a method that has none for one tensor."""
    return lambda tensor, *others, **options: tensor.copy_(function(tensor, *others, **options))


def _spread(value: Any, count: int, who: str, cut: bool = False) -> Sequence[Any]:
    """An argument's value for each tensor; a vector of factors is cut."""
    if cut and isinstance(value, rules.Tensor) and value.ndim == 1:
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise InputError(f"{who}: lists must be of one length, got {count} tensors and {len(value)} values")
    return value
