"""Gradients of convolutions by input and by weight, as functions: `conv1d_input`, `conv2d_weight` and their like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_lite import Tensor, autograd, enable_grad, zeros

from . import functional

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]

_DOC = """The gradient of `functional.{name}` with respect to its {what}.

Parameters
----------
{parameters}
grad_output : Tensor
    The gradient with respect to the convolution's result.
stride, padding, dilation : int or tuple of int
groups : int

Returns
-------
Tensor
    Of the {what}'s shape.

Examples
--------
>>> import tinygrad_lite as tg
>>> from tinygrad_lite import nn
>>> x, weight = tg.ones({x}), tg.ones({weight})
>>> nn.grad.{name}_{what}({call}, tg.ones({out})).shape
{shape}
"""


def _gradient(name: str, what: str) -> Callable[..., Tensor]:
    convolution = getattr(functional, name)

    def along(given: Any, other: Any, grad_output: Tensor, *options: Any, **more: Any) -> Tensor:
        with enable_grad():
            unknown = zeros(tuple(given), dtype=grad_output.dtype, requires_grad=True)
            pair = (unknown, other.detach()) if what == "input" else (other.detach(), unknown)
            (found,) = autograd.grad(convolution(*pair, None, *options, **more), unknown, grad_output)
        return found

    def by_input(
        input_size: Sequence[int], weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return along(input_size, weight, grad_output, stride, padding, dilation, groups)

    def by_weight(
        input: Tensor, weight_size: Sequence[int], grad_output: Tensor, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return along(weight_size, input, grad_output, stride, padding, dilation, groups)

    made: Any = by_input if what == "input" else by_weight
    made.__name__ = made.__qualname__ = f"{name}_{what}"
    sizes = (5,) * int(name[4])
    given = {"x": (1, 1, *sizes), "weight": (1, 1, *(3,) * len(sizes)), "out": (1, 1, *(3,) * len(sizes))}
    shown = {key: ", ".join(map(str, shape)) for key, shape in given.items()}
    kinds = {
        "input": "input_size : sequence of int\n    The input's shape.\nweight : Tensor",
        "weight": "input : Tensor\nweight_size : sequence of int\n    The weight's shape.",
    }
    made.__doc__ = _DOC.format(
        name=name, what=what, parameters=kinds[what], **shown, shape=given["x" if what == "input" else "weight"],
        call="x.shape, weight" if what == "input" else "x, weight.shape",
    )  # fmt: skip
    return made


conv1d_input, conv1d_weight = _gradient("conv1d", "input"), _gradient("conv1d", "weight")
conv2d_input, conv2d_weight = _gradient("conv2d", "input"), _gradient("conv2d", "weight")
conv3d_input, conv3d_weight = _gradient("conv3d", "input"), _gradient("conv3d", "weight")
