"""What users put in their own tests: gradient checks of whole modules, and comparisons of tensors.

from tinygrad_lite.testing import gradcheck_module

def test_my_layer():
    gradcheck_module(MyLayer(3, 4), tg.randn(5, 3))
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import gradients, rules
from .autograd import no_grad
from .gradients import GradcheckError as GradcheckError
from .gradients import gradcheck as gradcheck
from .gradients import gradgradcheck as gradgradcheck
from .ops.random.distributions import get_rng_state, set_rng_state
from .rules import unwrap, wrap

__all__ = ["GradcheckError", "assert_close", "gradcheck", "gradcheck_module", "gradgradcheck", "numerical_gradient"]


def numerical_gradient(f: Callable[[Any], Any], x: Any, eps: float | None = None) -> np.ndarray[Any, Any]:
    """The gradient of a scalar function by central differences, ``(f(x + e) - f(x - e)) / 2 e`` for each element.

    Parameters
    ----------
    f : callable
        Takes `x`, returns one number, or an array or Tensor of one element.
    x : Tensor or array, floating
        Where. Its elements are moved in place, one after the other, and put back: so an `f` that looks at the same
        memory from elsewhere, as a method that reads its own parameters does, may leave its argument alone.
    eps : float, optional
        How far. By default the cube root of the dtype's precision: 6e-6 for float64, 5e-3 for float32.

    Returns
    -------
    ndarray, of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real floating numbers, which alone can be moved by so little.
    ValueError
        If `f` returns more than one number, or `x` is an array that cannot be written to.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.testing import numerical_gradient
    >>> numerical_gradient(lambda x: x[0] ** 2 / 20 + x[1] ** 2, np.array([-7.0, 2.0])).round(6)
    array([-0.7,  4. ])
    """
    place = unwrap(x)
    if not isinstance(place, np.ndarray) or place.dtype.kind != "f":
        raise TypeError(
            f"numerical_gradient: x must be a Tensor or an array of floating numbers, got "
            f"{getattr(place, 'dtype', type(place).__name__)}"
        )
    if not place.flags.writeable:
        raise ValueError("numerical_gradient: x must be an array that can be written to, got one that is read only")
    step = float(np.cbrt(np.finfo(place.dtype).eps)) if eps is None else eps
    gradient = np.empty_like(place)
    with no_grad():
        for index in np.ndindex(place.shape):
            before = place[index]
            sides = []
            try:
                for side in (before + step, before - step):
                    place[index] = side
                    sides.append((_number(f(x)), float(place[index])))
            finally:
                place[index] = before
            (above, right), (below, left) = sides
            gradient[index] = (above - below) / (right - left)  # by what the elements really were: they are rounded
    return gradient


def _number(value: Any) -> float:
    found = np.asarray(unwrap(value))
    if found.size != 1:
        raise ValueError(f"numerical_gradient: f must return one number, got shape {found.shape}")
    return float(found.reshape(()))


def gradcheck_module(
    module: Any,
    *inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    train: bool = True,
    evaluate: bool = True,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    mode: str = "full",
    allow_zero: bool | Collection[str] = False,
    seed: int = 0,
) -> bool:
    """Check the gradients of a module: every floating input and every parameter, in training and in evaluation.

    The check works on a float64 copy. Random layers such as dropout see the same random numbers in every call, and
    buffers such as running statistics are put back after each, so that the module is a function of its inputs.

    Parameters
    ----------
    module : nn.Module
        Anything with `named_parameters`, `train` and `eval`. It is not changed.
    *inputs : Tensor or array
        What `module` is called with; floating ones are checked, too.
    loss : callable, optional
        Applied to the module's output.
    train, evaluate : bool
        Which of the two modes to check.
    eps, atol, rtol, mode, seed
        As for `gradcheck`.
    allow_zero : bool or collection of str
        Names of parameters (or ``"input 0"``) whose gradient may be zero everywhere, such as a bias in front of a
        batch normalization; True for all.

    Returns
    -------
    bool
        True; failures raise.

    Raises
    ------
    GradcheckError
        Names the mode, the parameter, the index, the expected and the actual value.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> _ = tg.manual_seed(0)
    >>> tg.testing.gradcheck_module(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), tg.randn(5, 3))
    True
    """
    module = copy.deepcopy(module).double()
    args, leaves, names = [], [], []
    for i, value in enumerate(inputs):
        array = unwrap(value)
        if isinstance(array, np.ndarray) and array.dtype.kind == "f":
            value = wrap(array.astype(np.float64)).requires_grad_()
            leaves.append(value)
            names.append(f"input {i}")
        args.append(value)
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            leaves.append(parameter)
            names.append(name)
    if not leaves:
        raise ValueError("gradcheck_module: the module has no parameters, and there are no floating inputs to check")
    call = _pure(module, args, loss)
    for chosen, title in ((train, "train"), (evaluate, "eval")):
        if not chosen:
            continue
        module.train(title == "train")
        try:
            gradients._check(call, leaves, names, eps, atol, rtol, gradients._mode(mode, False), allow_zero, seed)
        except GradcheckError as error:
            raise GradcheckError(f"{type(module).__name__} in {title} mode: {error}") from None
    return True


def _pure(module: Any, args: list[Any], loss: Callable[[Any], Any] | None) -> Callable[[], Any]:
    """The module as a function without memory: same random numbers, same buffers, every time."""
    buffers = [(b, np.array(b._data)) for b in module.buffers()]
    state = get_rng_state()

    def call() -> Any:
        with _restored(state):
            out = module(*args)
            out = out if loss is None else loss(out)
        for buffer, value in buffers:
            buffer._data[...] = value
        return out

    return call


@contextmanager
def _restored(state: dict[str, Any]) -> Iterator[None]:
    before = get_rng_state()
    set_rng_state(state)
    try:
        yield
    finally:
        set_rng_state(before)


def assert_close(
    actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None, msg: str = ""
) -> None:
    """Assert that tensors (or nested sequences of them) agree in shape, dtype and value.

    Parameters
    ----------
    actual, expected : Tensor, array, number or sequence of these
    rtol, atol : float, optional
        Default by dtype as in PyTorch: 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64.
    msg : str
        Put in front of the message.

    Raises
    ------
    AssertionError
        With the largest difference and where it is.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.testing.assert_close(tg.ones(2) / 3, [1 / 3, 1 / 3])
    >>> tg.testing.assert_close(tg.ones(2), tg.ones(3))
    Traceback (most recent call last):
    AssertionError: shapes differ: got (2,), expected (3,)
    """
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            raise AssertionError(f"{msg}lengths differ: got {len(actual)}, expected {len(expected)}")
        for a, e in zip(actual, expected):
            assert_close(a, e, rtol=rtol, atol=atol, msg=msg)
        return
    a, e = np.asarray(unwrap(actual)), np.asarray(unwrap(expected))
    if a.shape != e.shape:
        raise AssertionError(f"{msg}shapes differ: got {a.shape}, expected {e.shape}")
    if isinstance(actual, rules.Tensor) and isinstance(expected, rules.Tensor) and a.dtype != e.dtype:
        raise AssertionError(f"{msg}dtypes differ: got {a.dtype}, expected {e.dtype}")
    single = np.float32 in (a.dtype, e.dtype)
    np.testing.assert_allclose(
        a, e, rtol=(1.3e-6 if single else 1e-7) if rtol is None else rtol,
        atol=(1e-5 if single else 1e-7) if atol is None else atol, err_msg=msg,
    )  # fmt: skip
