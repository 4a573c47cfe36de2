"""`check_module`: the contract of a layer, and `ContractError`, which holds all that it breaks."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import rules
from ..autograd import grad, no_grad
from ..rules import wrap
from ..transforms import pytree
from .checks import gradcheck_module
from .modules import double, pure

__all__ = ["Breach", "ContractError", "check_module"]


@dataclass(frozen=True)
class Breach:
    """One point of the contract that a module breaks.

    Parameters
    ----------
    kind : str
        "gradients", "batch leakage", "unused parameter", "not deterministic in evaluation", "state dict",
        "input written to" or "batch size".
    text : str
        A sentence that says what was seen.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> print(tg.testing.Breach("batch leakage", "row 0 of the output depends on row 1 of input 0"))
    batch leakage: row 0 of the output depends on row 1 of input 0
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


class ContractError(AssertionError):
    """A module breaks the contract of a layer.

    Parameters
    ----------
    message : str
    breaches : sequence of Breach, optional
        All of them.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> issubclass(tg.testing.ContractError, AssertionError)
    True
    """

    def __init__(self, message: str = "", breaches: Sequence[Breach] = ()) -> None:
        super().__init__(message)
        self.breaches = tuple(breaches)


def check_module(
    module: Any,
    *inputs: Any,
    batch_dim: int | None = 0,
    allow_zero: bool | Collection[str] = False,
    report: bool = False,
    **keywords: Any,
) -> Any:
    """Check what a layer promises: gradients, independent samples, determinism, state dicts, inputs left alone.

    In evaluation, which row of the output depends on which row of an input is read off derivatives in float64: one
    backward pass for each row, with random weights.

    Parameters
    ----------
    module : Module
        It is copied, and not changed.
    *inputs : Tensor or array
        Of its call.
    batch_dim : int or None
        The dimension of inputs and outputs that counts samples, which must not see each other in evaluation, and of
        which there may be 0 or 1; None if there is none.
    allow_zero : bool or collection of str
        Names of parameters and inputs whose gradient may be zero everywhere.
    report : bool
        Return the breaches rather than raise.
    **keywords
        Of its call.

    Returns
    -------
    tuple of Breach
        Empty, or with `report`.

    Raises
    ------
    ContractError
        With all breaches.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> tg.testing.check_module(nn.Linear(3, 2), tg.randn(4, 3))
    ()
    >>> class Centred(nn.Module):
    ...     def forward(self, x):
    ...         return x - x.mean(0)
    >>> print(tg.testing.check_module(Centred(), tg.randn(4, 3), report=True)[0])
    batch leakage: in evaluation, row 0 of the output depends on row 1 of input 0
    """
    found: list[Breach] = []
    call = (module, inputs, keywords)
    for breaches in (
        _inputs_written(*call), _not_deterministic(*call), _state_dict(*call), _unused(*call, allow_zero),
        _gradients(*call, allow_zero),
        *(() if batch_dim is None else (_leaks(*call, batch_dim), _sizes(*call, batch_dim))),
    ):  # fmt: skip
        try:
            found.extend(breaches)
        except Exception as error:
            found.append(Breach("call", f"{type(error).__name__}: {error}"))
    found = list(dict.fromkeys(found))
    if found and not report:
        lines = "\n".join(f"  {breach}" for breach in found)
        raise ContractError(f"{type(module).__name__} breaks the contract of a layer:\n{lines}", found)
    return tuple(found)


Call = tuple[Any, Sequence[Any], Mapping[str, Any]]


def _tensors(tree: Any) -> list[Any]:
    return [t for t in pytree.leaves(tree) if isinstance(t, rules.Tensor)]


def _copied(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], mode: bool = False) -> Call:
    """A float64 copy of module and arguments, in evaluation or training."""
    module = copy.deepcopy(module).double()
    return module.train(mode), double(list(inputs)), double(dict(keywords))


def _inputs_written(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> Iterator[Breach]:
    for mode in (True, False):
        module, args, named = _copied(module, inputs, keywords, mode)
        before = [np.array(t._data) for t in _tensors([args, named])]
        with no_grad():
            pure(module, args, named)()
        for i, (tensor, value) in enumerate(zip(_tensors([args, named]), before)):
            if not np.array_equal(tensor._data, value, equal_nan=True):
                yield Breach("input written to", f"the module overwrites input {i}")


def _not_deterministic(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> Iterator[Breach]:
    module, args, named = _copied(module, inputs, keywords)
    with no_grad():
        first, second = _tensors(module(*args, **named)), _tensors(module(*args, **named))
    if not all(np.array_equal(a._data, b._data, equal_nan=True) for a, b in zip(first, second)):
        yield Breach("not deterministic in evaluation", "two calls in evaluation give different results")
    if not all(np.isfinite(t._data).all() for t in first if t.dtype.kind in "fc"):
        yield Breach("not finite", "the output holds infinities or NaN")


def _state_dict(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any]) -> Iterator[Breach]:
    module, args, named = _copied(module, inputs, keywords)
    other = copy.deepcopy(module)
    with no_grad():
        for tensor in (*other.parameters(), *other.buffers()):
            if tensor.dtype.kind in "fc":
                tensor._data[...] += 0.5
        other.load_state_dict(module.state_dict())
        pairs = zip(_tensors(module(*args, **named)), _tensors(other(*args, **named)))
        if not all(np.array_equal(a._data, b._data, equal_nan=True) for a, b in pairs):
            yield Breach("state dict", "a copy that has loaded the state dict gives other results")


def _unused(
    module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], allowed: bool | Collection[str]
) -> Iterator[Breach]:
    reached: set[str] = set()
    for mode in (True, False):
        copied, args, named = _copied(module, inputs, keywords, mode)
        outputs = [t for t in _tensors(pure(copied, args, named)()) if t.requires_grad]
        names, parameters = zip(*copied.named_parameters()) if list(copied.parameters()) else ((), ())
        wanted = [p for p in parameters if p.requires_grad]
        if outputs and wanted:
            ones = [wrap(np.ones(o.shape, o.dtype)) for o in outputs]
            found = iter(grad(outputs, wanted, ones, allow_unused=True))
            reached |= {n for n, p in zip(names, parameters) if p.requires_grad and next(found) is not None}
    for name, parameter in module.named_parameters():
        spared = allowed is True or (not isinstance(allowed, bool) and name in allowed)
        if parameter.requires_grad and name not in reached and not spared:
            yield Breach("unused parameter", f"no output depends on {name}")


def _gradients(
    module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], allowed: bool | Collection[str]
) -> Iterator[Breach]:
    unused = {b.text.rpartition(" ")[2] for b in _unused(module, inputs, keywords, allowed)}
    for finding in gradcheck_module(module, *inputs, keywords=keywords, allow_zero=allowed, report=True):
        if not finding.passed and finding.name not in unused:
            yield Breach("gradients", f"in {finding.mode} mode, {finding}")


def _leaks(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], dim: int) -> Iterator[Breach]:
    """Rows of the output that depend on other rows of an input: by a backward pass for each row."""
    module, args, named = _copied(module, inputs, keywords)
    leaves = [t.requires_grad_() for t in _tensors(args) if t.dtype.kind in "fc" and t.ndim > dim]
    if not leaves:
        return
    random = np.random.default_rng(0)
    for out in (t for t in _tensors(module(*args, **named)) if t.requires_grad and t.ndim > dim):
        for row in range(out.shape[dim]):
            weights = np.zeros(out.shape, out.dtype)
            place = (slice(None),) * dim + (row,)
            weights[place] = random.standard_normal(weights[place].shape)
            found = grad(out, leaves, wrap(weights), retain_graph=True, allow_unused=True)
            for i, g in enumerate(found):
                if g is None or g.shape[dim] != out.shape[dim]:
                    continue
                others = tuple(k for k in range(g.ndim) if k != dim)
                seen = np.abs(g._data).max(axis=others, initial=0.0)
                strange = [k for k in np.flatnonzero(seen) if k != row]
                if strange:
                    text = f"in evaluation, row {row} of the output depends on row {int(strange[0])} of input {i}"
                    yield Breach("batch leakage", text)
                    return


def _sizes(module: Any, inputs: Sequence[Any], keywords: Mapping[str, Any], dim: int) -> Iterator[Breach]:
    """A batch of one gives the first row of the whole batch's results, and an empty one gives none."""
    module, args, named = _copied(module, inputs, keywords)
    with no_grad():
        whole = [t for t in _tensors(module(*args, **named)) if t.ndim > dim]
        batched = [t for t in _tensors(args) if t.ndim > dim]
        size = batched[0].shape[dim] if batched else 0
        for count in (1, 0):
            place = (slice(None),) * dim + (slice(0, count),)

            def cut(value: Any, place: Any = place) -> Any:
                same = isinstance(value, rules.Tensor) and value.ndim > dim and value.shape[dim] == size
                return value[place] if same else value

            try:
                part = _tensors(module(*pytree.mapped(cut, args), **pytree.mapped(cut, named)))
            except Exception as error:
                yield Breach("batch size", f"a batch of {count} is refused: {type(error).__name__}: {error}")
                continue
            for a, b in zip((t for t in part if t.ndim > dim), whole):
                if b.shape[dim] == size and a.shape != b[place].shape:
                    yield Breach("batch size", f"a batch of {count} gives shape {tuple(a.shape)}")
                elif b.shape[dim] == size and not np.allclose(a._data, b[place]._data, 1e-9, 1e-12, equal_nan=True):
                    yield Breach(
                        "batch leakage", "in evaluation, a sample alone gives another result than in its batch"
                    )
