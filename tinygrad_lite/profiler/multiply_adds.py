"""How many multiplications with an addition an operation does, by the sizes of its arguments: products alone count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def _per_weight(out: Any, x: Any, weight: Any, *_: Any) -> int:
    """Each result of a convolution is a sum over its filter."""
    return out.size * math.prod(weight.shape[1:])


def _recurrent(weights: tuple[int, ...]) -> Callable[..., int]:
    """Each row of the input, and each state before, goes through weights, which are the arguments of these numbers."""
    return lambda _, x, *rest: (
        math.prod(x.shape[:-1]) * sum(np.size(rest[i - 1]) for i in weights if rest[i - 1] is not None)
    )


def _einsum(out: Any, operands: Any, equation: Any) -> int:
    """The sizes of all letters that are summed, for each result; more than two operands are multiplied at once."""
    left, _, right = equation.replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    for letters, operand in zip(left.split(","), operands):
        before, _, after = letters.partition("...")
        sizes.update(zip(before, operand.shape))
        sizes.update(zip(reversed(after), reversed(operand.shape)))
    return out.size * math.prod(size for letter, size in sizes.items() if letter not in right)


COUNTS: dict[str, Callable[..., int]] = {  # of the result and the arguments
    "matmul": lambda out, x, y: out.size * x.shape[-1],
    "linear": lambda out, x, weight, *_: out.size * weight.shape[-1],
    "outer": lambda out, x, y: out.size,
    "bilinear_pairs": lambda out, x, y: out.size,
    "einsum": _einsum,
    "conv": _per_weight,
    "conv_transpose": lambda out, y, weight, *_: _per_weight(y, out, weight),
    "scaled_dot_product_attention": lambda _, q, k, v, *__: (
        q.size // q.shape[-1] * k.shape[-2] * (q.shape[-1] + v.shape[-1])
    ),
    "rnn": _recurrent((2, 3)),
    "gru": _recurrent((2, 3)),
    "lstm": _recurrent((3, 4, 7)),
}


def multiply_adds(name: str, out: Any, args: tuple[Any, ...]) -> int:
    """Of one call; 0 of what is no product."""
    count = COUNTS.get(name)
    if count is None or out is None:
        return 0
    return int(count(out[0] if isinstance(out, tuple) else out, *args))
