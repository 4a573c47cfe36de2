"""`tg.autograd.functional`: Jacobians, Hessians and products with them at a point, as ``torch.autograd.functional``.

`func` is the same for functions of functions. These here take the point at once, as a Tensor or a tuple of Tensors, and
return plain numbers unless ``create_graph=True``. With ``strict=True`` an output that does not depend on an input is an
error rather than a block of zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .. import autograd, rules
from ..rules import wrap
from .vjp_calls import columns, pull, push, rows, variable

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Any  # a Tensor or a tuple of Tensors
_Blocks: TypeAlias = Callable[[Sequence[Any], Sequence[Any], bool], list[list[Any]]]

# --- the doors ------------------------------------------------------------------------------------------------------


class Point:
    """A function at a point: its inputs as fresh variables, and its outputs."""

    def __init__(self, who: str, func: Callable[..., Any], inputs: Tensors, create: bool) -> None:
        self.who, self.create, self.one = who, create, not isinstance(inputs, tuple)
        self.inputs = [variable(x, who, connected=create) for x in _tuple(inputs, who, "inputs")]
        with autograd.enable_grad():
            self.value = func(*self.inputs)
        self.outputs = _tuple(self.value, who, "outputs")

    def like_inputs(self, values: Sequence[Any]) -> Tensors:
        """One value for each input, as the caller gave them."""
        return self.outward(values[0] if self.one else tuple(values))

    def like_outputs(self, values: Sequence[Any]) -> Tensors:
        """One value for each output, as the function returns them."""
        return self.outward(tuple(values) if isinstance(self.value, tuple) else values[0])

    def outward(self, values: Any) -> Any:
        """What the caller gets: without history, unless that was asked for."""
        if isinstance(values, tuple):
            return tuple(map(self.outward, values))
        return values if self.create else values.detach()

    def scalar(self) -> Any:
        """The only output, of one element."""
        if len(self.outputs) != 1 or self.outputs[0].numel() != 1:
            came = ", ".join(str(o.shape) for o in self.outputs)
            raise RuntimeError(f"{self.who}: the function must return one Tensor of one element, got shapes {came}")
        return self.outputs[0]

    def vectors(self, v: Tensors | None, like: Sequence[Any], what: str) -> list[Any]:
        """The vectors of a product: one for each of `like`, ones for a single number if left out."""
        if v is None:
            if len(like) != 1 or like[0].numel() != 1:
                whose = (
                    "user-provided function returns" if what == "outputs" else "input to the user-provided function is"
                )
                raise RuntimeError(
                    f"{self.who}: v may be left out for {what} of one element only, got None (The vector v can only be "
                    f"None if the {whose} a single Tensor)"
                )
            return [wrap(np.ones_like(like[0]._data))]
        found = _tuple(v, self.who, "v")
        if [t.shape for t in found] != [t.shape for t in like]:
            came, theirs = f"{[t.shape for t in found]}", "The given v should contain a single Tensor."
            if len(found) == len(like):
                theirs = f"v has invalid size: should be torch.Size({list(like[0].shape)})"
            raise RuntimeError(
                f"{self.who}: v must have the shapes of {what}, {[t.shape for t in like]}, got {came} ({theirs})"
            )
        return found

    def strictly(self, strict: bool, outs: Sequence[Any], ins: Sequence[Any], what: str) -> None:
        """Refuse outputs that do not depend on all inputs."""
        for o, out in enumerate(outs if strict else ()):
            found: Sequence[Any] = [None]
            if out.requires_grad:
                found = autograd.grad(out, ins, wrap(np.ones_like(out._data)), True, allow_unused=True)
            for i, g in enumerate(found):
                if g is None:
                    theirs = f"Output {o} of the user-provided function does not require gradients."
                    if out.requires_grad:
                        theirs = f"The output of the user-provided function is independent of input {i}"
                    raise RuntimeError(
                        f"{self.who}: with strict {what} {o} must depend on input {i}, and does not ({theirs})"
                    )

    def blocks(self, find: _Blocks, outputs: Sequence[Any]) -> list[list[Any]]:
        """Derivatives of outputs by all inputs, with their history where that was asked for, also under ``no_grad``."""
        with autograd.set_grad_enabled(self.create or autograd.is_grad_enabled()):
            return find(outputs, self.inputs, self.create)

    def gradient(self, strict: bool) -> list[Any]:
        """The gradient of the scalar output, to be differentiated again."""
        out = self.scalar()
        self.strictly(strict, [out], self.inputs, "output")
        found = pull([out], self.inputs, [wrap(np.ones_like(out._data))], True, True)
        self.strictly(strict, found, self.inputs, "the gradient of input")
        return found


def _tuple(values: Any, who: str, what: str) -> list[Any]:
    found = list(values) if isinstance(values, tuple) else [values]
    for t in found:
        if not isinstance(t, rules.Tensor):
            theirs = "outputs of the user-provided function" if what == "outputs" else what
            raise TypeError(f"{who}: {what} must be a Tensor or a tuple of Tensors, got {type(t).__name__} "
                            f"(The {theirs} given to {who} must be either a Tensor or a tuple of Tensors)")  # fmt: skip
    return found


def _strategy(who: str, strategy: str, strict: bool, vectorize: bool) -> _Blocks:
    """What finds the blocks: rows, or columns."""
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(f"{who}: the strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}")
    if strict and vectorize:
        raise RuntimeError(f"{who}: strict and vectorize are not supported together; leave out vectorize")
    return columns if strategy == "forward-mode" else rows


# --- products -------------------------------------------------------------------------------------------------------


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """The value of a function, and a vector times its Jacobian.

    Parameters
    ----------
    func : callable
        Takes the inputs as arguments; returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple of Tensor
    v : Tensor or tuple of Tensor, the shapes of the outputs, optional
        May be left out for an output of one element.
    create_graph : bool
        The result can be differentiated again.
    strict : bool
        Raise where an output does not depend on an input.

    Returns
    -------
    outputs, product : Tensor or tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.vjp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    at = Point("vjp", func, inputs, create_graph)
    vectors = at.vectors(v, at.outputs, "the outputs")
    at.strictly(strict, at.outputs, at.inputs, "output")
    product = pull(at.outputs, at.inputs, vectors, create_graph, create_graph)
    return at.like_outputs(at.outputs), at.like_inputs(product)


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """The value of a function, and its Jacobian times a vector, by double backward.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As for `vjp`.
    v : Tensor or tuple of Tensor, the shapes of the inputs, optional
        May be left out for an input of one element.

    Returns
    -------
    outputs, product : Tensor or tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.jvp(lambda x: x * x, tg.tensor([1.0, 2.0]), tg.tensor([1.0, 0.0]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    at = Point("jvp", func, inputs, create_graph)
    vectors = at.vectors(v, at.inputs, "the inputs")
    at.strictly(strict, at.outputs, at.inputs, "output")
    return at.like_outputs(at.outputs), at.like_outputs(push(at.outputs, at.inputs)(vectors, create_graph))


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """The value of a scalar function, and a vector times its Hessian.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As for `vjp`; `func` returns one element.
    v : Tensor or tuple of Tensor, the shapes of the inputs, optional
        May be left out for an input of one element.

    Returns
    -------
    output : Tensor
    product : Tensor or tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.vhp(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0]), tg.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any], inputs: Tensors, v: Tensors | None = None, create_graph: bool = False,
    strict: bool = False,
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """The value of a scalar function, and its Hessian times a vector: the same as `vhp`, since it is symmetric.

    Parameters
    ----------
    func, inputs, v, create_graph, strict
        As for `vhp`.

    Returns
    -------
    output : Tensor
    product : Tensor or tuple of Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.hvp(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0]), tg.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    who: str, func: Callable[..., Any], inputs: Tensors, v: Tensors | None, create: bool, strict: bool
) -> tuple[Tensors, Tensors]:
    at = Point(who, func, inputs, create)
    vectors = at.vectors(v, at.inputs, "the inputs")
    product = pull(at.gradient(strict), at.inputs, vectors, create, create)
    return at.outward(at.value), at.like_inputs(product)


# --- whole matrices -------------------------------------------------------------------------------------------------


def jacobian(
    func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Jacobian of a function at a point.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As for `vjp`.
    vectorize : bool
        Accepted and ignored: rows are computed one by one.
    strategy : "reverse-mode" or "forward-mode"
        A backward pass for each element of the outputs, or a product of `jvp` for each element of the inputs.

    Returns
    -------
    Tensor, or nested tuples of Tensors
        ``result[o][i]`` has the shape ``outputs[o].shape + inputs[i].shape``; an index is left out where there is no
        tuple.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.jacobian(lambda x: x * x, tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    find = _strategy("jacobian", strategy, strict, vectorize)
    at = Point("jacobian", func, inputs, create_graph)
    at.strictly(strict, at.outputs, at.inputs, "output")
    return at.like_outputs([at.like_inputs(row) for row in at.blocks(find, at.outputs)])


def hessian(
    func: Callable[..., Any], inputs: Tensors, create_graph: bool = False, strict: bool = False,
    vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The Hessian of a scalar function at a point.

    Parameters
    ----------
    func, inputs, create_graph, strict, vectorize
        As for `jacobian`; `func` returns one element.
    outer_jacobian_strategy : "reverse-mode" or "forward-mode"
        How the gradient is differentiated, as `strategy` of `jacobian`.

    Returns
    -------
    Tensor, or nested tuples of Tensors
        ``result[i][j]`` has the shape ``inputs[i].shape + inputs[j].shape``; a Tensor where the input is one.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.autograd.functional.hessian(lambda x: (x**3).sum(), tg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    find = _strategy("hessian", outer_jacobian_strategy, strict, vectorize)
    at = Point("hessian", func, inputs, create_graph)
    return at.like_inputs([at.like_inputs(row) for row in at.blocks(find, at.gradient(strict))])
