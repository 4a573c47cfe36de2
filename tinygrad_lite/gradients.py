"""Numerical checks of gradients, for your own tests.

    assert tg.gradcheck(my_function, inputs)          # first derivatives
    assert tg.gradgradcheck(my_function, inputs)      # second derivatives

A check compares what `backward` computes with central differences. It refuses to be fooled: a gradient that is zero
everywhere proves nothing and is reported as vacuous; a function that changes from call to call is reported; and where
the point happens to sit on a kink (`relu` at 0), it is moved off the kink, for both sides of the comparison.

A complex number is checked as the two real ones that it is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from . import rules
from .autograd import enable_grad, grad
from .rules import unwrap, wrap

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

Array = np.ndarray[Any, Any]


class GradcheckError(RuntimeError):
    """A gradient check failed, or would have shown nothing."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    mode: str = "full",
    fast_mode: bool = False,
    allow_zero: bool = False,
    raise_exception: bool = True,
    seed: int = 0,
) -> bool:
    """Compare the gradients of `func` with central differences.

    Parameters
    ----------
    func : callable
        Takes the inputs as arguments, returns a Tensor or several. It must give the same result every time.
    inputs : Tensor or sequence
        Those that require grad are checked; they must be float64 or complex128. Others (Tensors or not) are passed
        through.
    eps : float
        Step of the differences.
    atol, rtol : float
        An entry fails where ``|analytical - numerical| > atol + rtol * |numerical|``.
    mode : "full" or "random"
        Every entry of the Jacobian; or random directions, one pair of evaluations each, for large inputs.
    fast_mode : bool
        PyTorch's name for ``mode="random"``.
    allow_zero : bool
        Accept an input whose gradient is nowhere larger than `atol`, which is otherwise reported as vacuous: zeros
        would have passed, too.
    raise_exception : bool
        Raise on failure, or return False.
    seed : int
        Of the random directions.

    Returns
    -------
    bool

    Raises
    ------
    GradcheckError
        With the input, the index, the expected and the actual value; for a vacuous check; for a function that is not
        deterministic; for one that is not differentiable near the point.
    TypeError
        For inputs that are neither float64 nor complex128.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)
    >>> tg.gradcheck(lambda x: x.exp() * x, x)
    True
    """
    args, leaves, names = _arguments(inputs, "gradcheck")
    return _guarded(
        lambda: _check(lambda: func(*args), leaves, names, eps, atol, rtol, _mode(mode, fast_mode), allow_zero, seed),
        raise_exception,
    )


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    mode: str = "full",
    fast_mode: bool = False,
    allow_zero: bool = False,
    raise_exception: bool = True,
    seed: int = 0,
) -> bool:
    """Compare the gradients of the gradients of `func` with central differences.

    Parameters
    ----------
    func, inputs, eps, atol, rtol, mode, fast_mode, allow_zero, raise_exception, seed
        As for `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The vectors that the first derivative is taken with; random when missing. They are inputs of the check, too.

    Returns
    -------
    bool

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)
    >>> tg.gradgradcheck(lambda x: x.exp() * x, x)
    True
    """
    args, leaves, names = _arguments(inputs, "gradgradcheck")

    def run() -> bool:
        outputs = _outputs(lambda: func(*args))
        random = np.random.default_rng(seed + 1)
        if grad_outputs is None:
            vectors = [_draw(random, o) for o in outputs]
        else:
            vectors = [wrap(np.array(unwrap(v), order="C")) for v in _listed(grad_outputs)]
        for v in vectors:
            v.requires_grad_()

        def first() -> tuple[Any, ...]:
            found = grad(_outputs(lambda: func(*args)), leaves, vectors, create_graph=True, allow_unused=True)
            return tuple(g for g in found if g is not None and g.requires_grad)

        if not first():
            if allow_zero:
                return True
            raise GradcheckError("gradgradcheck: vacuous: the first derivative does not depend on anything")
        everything = [*leaves, *vectors]
        labels = [*names, *(f"grad_output {i}" for i in range(len(vectors)))]
        return _check(first, everything, labels, eps, atol, rtol, _mode(mode, fast_mode), allow_zero, seed, joint=True)

    return _guarded(run, raise_exception)


def _guarded(check: Callable[[], bool], raise_exception: bool) -> bool:
    try:
        return check()
    except GradcheckError:
        if raise_exception:
            raise
        return False


def _mode(mode: str, fast_mode: bool) -> str:
    if mode not in ("full", "random"):
        raise ValueError(f"gradcheck: mode must be 'full' or 'random', got {mode!r}")
    return "random" if fast_mode else mode


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _arguments(inputs: Any, who: str) -> tuple[list[Any], list[Any], list[str]]:
    """Copies of the inputs that the check may move about, those among them to be checked, and their names."""
    args, leaves, names = [], [], []
    for i, value in enumerate(_listed(inputs)):
        if isinstance(value, rules.Tensor) and value.requires_grad:
            if value.dtype not in (np.float64, np.complex128):
                raise TypeError(
                    f"{who}: input {i} must be float64 or complex128 for differences to mean anything, "
                    f"got {value.dtype}"
                )
            value = wrap(np.array(value._data, order="C")).requires_grad_()
            leaves.append(value)
            names.append(f"input {i}")
        args.append(value)
    if not leaves:
        raise ValueError(f"{who}: at least one input must require grad")
    return args, leaves, names


def _outputs(function: Callable[[], Any]) -> list[Any]:
    """The floating results of a function."""
    with enable_grad():
        found = [o for o in _listed(function()) if isinstance(o, rules.Tensor) and o.dtype.kind in "fc"]
    if not found:
        raise GradcheckError("gradcheck: the function returned no floating point Tensor")
    return found


def _values(function: Callable[[], Any]) -> Array:
    """All results as one vector."""
    return np.concatenate([_reals(np.array(o._data, np.result_type(o.dtype, np.float64))) for o in _outputs(function)])


def _reals(array: Array) -> Array:
    """The real numbers that an array in order is made of, as a vector in the same memory."""
    return array.reshape(-1).view(array.real.dtype)


def _draw(random: Any, like: Any) -> Any:
    """A random Tensor of the shape of another, complex where that is."""
    out = np.empty(like.shape, np.result_type(like.dtype, np.float64))
    _reals(out)[...] = random.standard_normal(_reals(out).size)
    return wrap(out)


# --- the check ------------------------------------------------------------------------------------------------------


def _check(
    function: Callable[[], Any],
    leaves: Sequence[Any],
    names: Sequence[str],
    eps: float,
    atol: float,
    rtol: float,
    mode: str,
    allow_zero: bool | Collection[str],
    seed: int,
    joint: bool = False,
) -> bool:
    """Check ``function()`` with respect to leaves that are perturbed in place, and restored."""
    base = _values(function)
    if not np.array_equal(base, _values(function), equal_nan=True):
        raise GradcheckError("gradcheck: the function is not deterministic: two calls gave different results")
    if not np.isfinite(base).all():
        raise GradcheckError("gradcheck: the function's result is not finite at this point")
    random = np.random.default_rng(seed)
    kept = [np.array(leaf._data) for leaf in leaves]
    try:
        compare = _full if mode == "full" else _random
        sizes = [compare(function, leaves, i, names[i], eps, atol, rtol, random) for i in range(len(leaves))]
    finally:
        for leaf, data in zip(leaves, kept):
            leaf._data[...] = data
    _refuse_vacuous(sizes, names, atol, allow_zero, joint)
    return True


def _refuse_vacuous(
    sizes: Sequence[float], names: Sequence[str], atol: float, allow_zero: bool | Collection[str], joint: bool
) -> None:
    """Where no entry exceeds `atol`, zeros would have passed as well."""
    if allow_zero is True:
        return
    zero = [n for n, s in zip(names, sizes) if s <= atol and not (allow_zero and n in allow_zero)]
    if len(zero) == len(names) if joint else zero:
        raise GradcheckError(
            f"gradcheck: vacuous: the gradient with respect to {', '.join(zero)} is zero everywhere "
            f"(within atol={atol:g}), so that the check shows nothing; choose another point, output or atol, "
            "or pass allow_zero if that is meant"
        )


def _probe(function: Callable[[], Any], data: Array, step: Array) -> tuple[Array, Array]:
    """Results a step ahead and a step behind; the point is restored exactly."""
    before = data.copy()
    data += step
    ahead = _values(function)
    data[...] = before - step
    behind = _values(function)
    data[...] = before
    return ahead, behind


def _bent(ahead: Array, here: Array, behind: Array, eps: float) -> Array:
    """Where the slopes on the two sides differ more than curvature can explain: a kink or a jump lies between."""
    right, left = (ahead - here) / eps, (here - behind) / eps
    limit = 1e-3 * np.maximum(np.maximum(np.abs(right), np.abs(left)), 1.0)
    return ~(np.abs(right - left) <= limit)  # NaN counts as bent


def _full(
    function: Callable[[], Any],
    leaves: Sequence[Any],
    which: int,
    name: str,
    eps: float,
    atol: float,
    rtol: float,
    random: Any,
) -> float:
    """Compare the Jacobian with respect to one leaf, entry by entry; return its largest magnitude."""
    data = _reals(leaves[which]._data)
    numerical = _steered_jacobian(function, data, name, eps, random)  # (inputs, outputs)
    analytical = _analytical(function, leaves[which], numerical.shape)
    wrong = ~(np.abs(analytical - numerical) <= atol + rtol * np.abs(numerical))
    if wrong.any():
        i, o = np.unravel_index(np.argmax(np.where(wrong, np.abs(analytical - numerical), -1)), wrong.shape)
        where, shapes = _locate(int(o), [_places(x) for x in _outputs(function)])
        at = tuple(map(int, np.unravel_index(i, _places(leaves[which]))))
        raise GradcheckError(
            f"gradcheck: {name} at index {at}, output {where} at index {shapes}: expected {numerical[i, o]:.8g} "
            f"(numerical), got {analytical[i, o]:.8g} (analytical); {int(wrong.sum())} of {wrong.size} entries differ"
        )
    return float(np.abs(analytical).max(initial=0.0))


def _places(tensor: Any) -> tuple[int, ...]:
    """The shape, with a dimension for the real and imaginary part of complex numbers."""
    return (*tensor.shape, 2) if tensor.dtype.kind == "c" else tensor.shape


def _locate(flat: int, shapes: Sequence[tuple[int, ...]]) -> tuple[int, tuple[int, ...]]:
    for i, shape in enumerate(shapes):
        size = int(np.prod(shape))
        if flat < size:
            return i, tuple(map(int, np.unravel_index(flat, shape)))
        flat -= size
    raise IndexError(flat)


def _steered_jacobian(function: Callable[[], Any], data: Array, name: str, eps: float, random: Any) -> Array:
    """Central differences for each entry; entries that sit on a kink are moved, and everything is measured anew."""
    for _ in range(8):
        here = _values(function)
        rows, moved = [], False
        for i in range(data.size):
            step = np.zeros_like(data)
            step.flat[i] = eps
            ahead, behind = _probe(function, data, step)
            if _bent(ahead, here, behind, eps).any():
                data.flat[i] += random.choice((-1, 1)) * random.uniform(20, 200) * eps * max(1.0, abs(data.flat[i]))
                moved = True
            rows.append((ahead - behind) / (2 * eps))
        if not moved:
            return np.stack(rows) if rows else np.zeros((0, here.size))
    raise GradcheckError(f"gradcheck: the function has a kink or a jump in {name} wherever it was tried near the point")


def _analytical(function: Callable[[], Any], leaf: Any, shape: tuple[int, ...]) -> Array:
    """The Jacobian by one backward pass for each result."""
    jacobian = np.zeros(shape)
    outputs = _outputs(function)
    start = 0
    for out in outputs:
        size = out._data.size * (2 if out.dtype.kind == "c" else 1)
        for i in range(size):
            if out.requires_grad:
                vector = np.zeros(out.shape, out.dtype)
                _reals(vector)[i] = 1
                (g,) = grad(out, leaf, wrap(vector), retain_graph=True, allow_unused=True)
                if g is not None:
                    jacobian[:, start + i] = _reals(np.ascontiguousarray(g._data))
        start += size
    return jacobian


def _random(
    function: Callable[[], Any],
    leaves: Sequence[Any],
    which: int,
    name: str,
    eps: float,
    atol: float,
    rtol: float,
    random: Any,
) -> float:
    """Compare along random directions; return the largest magnitude of the gradient."""
    leaf, data, largest = leaves[which], _reals(leaves[which]._data), 0.0
    for _ in range(4):
        for attempt in range(12):
            direction = random.standard_normal(data.shape)
            direction /= max(float(np.linalg.norm(direction)), 1e-12)
            here = _values(function)
            ahead, behind = _probe(function, data, direction * eps)
            if not _bent(ahead, here, behind, eps).any():
                break
            data += direction * (random.uniform(20, 200) * eps)
            if attempt == 11:
                raise GradcheckError(f"gradcheck: the function has a kink or a jump in {name} wherever it was tried")
        outputs = _outputs(function)
        vectors = [_draw(random, o) for o in outputs]
        pairs = [(o, v) for o, v in zip(outputs, vectors) if o.requires_grad]
        flat = np.concatenate([_reals(v._data) for v in vectors])
        (g,) = grad([o for o, _ in pairs], leaf, [v for _, v in pairs], allow_unused=True) if pairs else (None,)
        gradient = np.zeros(data.shape) if g is None else _reals(np.ascontiguousarray(g._data))
        largest = max(largest, float(np.abs(gradient).max(initial=0.0)))
        expected, got = float(flat @ (ahead - behind)) / (2 * eps), float(np.sum(gradient * direction))
        if not abs(got - expected) <= atol + rtol * abs(expected):
            raise GradcheckError(
                f"gradcheck: {name} along a random direction: expected {expected:.8g} (numerical), got {got:.8g} "
                "(analytical); mode='full' finds the index"
            )
    return largest
