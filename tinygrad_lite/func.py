"""Functions of functions: `grad`, `vjp`, `jvp`, `jacrev`, `hessian`, `vmap` ..., as in ``torch.func``.

    df = tg.func.grad(f)            # f returns a scalar; df(x) its gradient
    ddf = tg.func.grad(df)          # they nest to any order, and in any combination

Each call gives `func` fresh variables that stand for its arguments. Where an argument has a history of its own (another
of these functions is at work further out, or it requires grad) the variable continues it, so that the result can be
differentiated again; otherwise nothing is recorded beyond the call.

There is no forward mode: `jvp`, `linearize` and `jacfwd` use that a vector-Jacobian product is linear in the vector,
and differentiate it with respect to that (the "double backward" construction). The numbers are the same; it costs two
backward passes, and needs operations that can be differentiated twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import rules
from .graph import mode
from .rules import wrap
from .transforms import pytree
from .transforms.stateless import functional_call, stack_module_state
from .transforms.vjp_calls import Argnums, Call, columns, kind_of, matching, needs, real, rows
from .transforms.vmap import vmap

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "value_and_grad", "vhp", "vjp", "vmap",
]  # fmt: skip

# --- gradients of scalars -------------------------------------------------------------------------------------------


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`.

    Parameters
    ----------
    func : callable
        Returns a scalar Tensor. Arguments may be Tensors or nested tuples, lists and dicts of them.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to; a tuple gives a tuple of gradients.
    has_aux : bool
        `func` returns ``(output, aux)``, and the new function ``(gradient, aux)``.

    Returns
    -------
    callable

    Raises
    ------
    RuntimeError
        When called: for an output that is not a scalar, arguments that are not floating point, wrong `argnums`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.grad(lambda x: x**3)(tg.tensor(2.0))
    tensor(12.)
    >>> tg.func.grad(tg.func.grad(lambda x: x**3))(tg.tensor(2.0))
    tensor(12.)
    >>> tg.func.grad(lambda p, x: (p["w"] * x).sum())({"w": tg.ones(2)}, tg.tensor([3.0, 4.0]))
    {'w': tensor([3., 4.])}
    """
    both = _grad_and_value("grad", func, argnums, has_aux)

    @_named(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func` and its value, as ``(gradient, value)``.

    Parameters
    ----------
    func, argnums, has_aux
        As for `grad`; with `has_aux` the result is ``(gradient, (value, aux))``.

    Returns
    -------
    callable

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.grad_and_value(lambda x: x**3)(tg.tensor(2.0))
    (tensor(12.), tensor(8.))
    """
    return _grad_and_value("grad_and_value", func, argnums, has_aux)


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """`grad_and_value` as JAX has it: ``(value, gradient)``, with `has_aux` ``((value, aux), gradient)`` of any aux."""
    both = _grad_and_value("value_and_grad", func, argnums, has_aux)
    return _named(func)(lambda *args, **kwargs: both(*args, **kwargs)[::-1])


def _grad_and_value(who: str, func: Callable[..., Any], argnums: Argnums, has_aux: bool) -> Callable[..., Any]:
    @_named(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        call = Call(who, func, args, kwargs, argnums, has_aux, any_aux=who == "value_and_grad")
        out = call.value
        if not isinstance(out, rules.Tensor) or out.ndim != 0:
            came = f"one of shape {out.shape}" if isinstance(out, rules.Tensor) else kind_of(out)
            raise RuntimeError(f"{who}: the function must return a scalar Tensor, got {came}")
        found = pytree.filled(call.chosen, call.pull([wrap(np.ones_like(out._data))], False))
        value = call.outward(out)
        return found, (value, call.outward(call.aux)) if has_aux else value

    return both


def _named(func: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`functools.wraps`, for callables without a name as well."""
    return functools.wraps(func, updated=())


# --- products with the Jacobian -------------------------------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func`, and the function that computes vector-Jacobian products there.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a tree of Tensors.
    *primals : Tensor or trees of Tensors
    has_aux : bool
        `func` returns ``(output, aux)``.

    Returns
    -------
    output : tree of Tensor
    vjp_fn : callable
        Takes the cotangents, in the structure of the output; returns a tuple with one entry for each primal.
    aux : object
        With `has_aux`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> out, back = tg.func.vjp(lambda x: x * x, tg.tensor([1.0, 2.0]))
    >>> back(tg.tensor([1.0, 10.0]))
    (tensor([ 2., 40.]),)
    """
    call = Call("vjp", func, primals, {}, tuple(range(len(primals))), has_aux)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        vectors = matching("vjp", "cotangents", cotangents, call.value)
        create = (call.depends and mode.enabled) or needs(vectors) if create_graph is None else create_graph
        return pytree.filled(call.chosen, call.pull(vectors, retain_graph, create))

    out = call.outward(call.value)
    return (out, vjp_fn, call.outward(call.aux)) if has_aux else (out, vjp_fn)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of `func`, and its Jacobian-vector product, by double backward.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a tree of Tensors.
    primals, tangents : tuple of Tensor or of trees
        The point and the direction, of the same structure and shapes.
    strict : bool
        Raise where the output does not depend on the primals, rather than return zeros.
    has_aux : bool
        `func` returns ``(output, aux)``.

    Returns
    -------
    output, jvp_out : tree of Tensor
    aux : object
        With `has_aux`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.jvp(lambda x: x * x, (tg.tensor([1.0, 2.0]),), (tg.tensor([1.0, 0.0]),))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    for what, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple):
            raise RuntimeError(f"jvp: {what} must be a tuple, got {type(value).__name__}")
    vectors = matching("jvp", "tangents", tangents, primals)
    call = Call("jvp", func, primals, {}, tuple(range(len(primals))), has_aux)
    if strict and not all(o.requires_grad for o in call.outputs):
        raise RuntimeError("jvp: with strict the output must depend on the primals, got one that does not")
    product = call.push()(vectors, call.create or needs(vectors))
    results = call.outward(call.value), pytree.filled(call.value, product)
    return (*results, call.outward(call.aux)) if has_aux else results


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func`, and the linear function that approximates its change there.

    `func` runs once; each call of the linear function is one backward pass through what was recorded.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a tree of Tensors.
    *primals : Tensor or trees of Tensors

    Returns
    -------
    output : tree of Tensor
    jvp_fn : callable
        Takes one tangent for each primal; returns the Jacobian-vector product.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> out, jvp_fn = tg.func.linearize(tg.sin, tg.tensor([0.0, 1.0]))
    >>> jvp_fn(tg.ones(2))
    tensor([1.0000, 0.5403])
    """
    call = Call("linearize", func, primals, {}, tuple(range(len(primals))), False)
    product = call.push()

    def jvp_fn(*tangents: Any) -> Any:
        vectors = matching("linearize", "tangents", tangents, primals)
        return pytree.filled(call.value, product(vectors, (call.depends and mode.enabled) or needs(vectors)))

    return call.outward(call.value), jvp_fn


# --- whole Jacobians ------------------------------------------------------------------------------------------------


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, one backward pass for each element of the output.

    Parameters
    ----------
    func : callable
        Returns a Tensor or a tree of Tensors.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to.
    has_aux : bool
        `func` returns ``(output, aux)``, and the new function ``(jacobian, aux)``.
    chunk_size : int, optional
        At least 1. Accepted and ignored, as `_preallocate_and_copy` is: rows are computed one by one.

    Returns
    -------
    callable
        Whose result has the structure of the output, and in each leaf that of the arguments; a Tensor there has the
        shape ``output.shape + argument.shape``.

    Raises
    ------
    RuntimeError
        When called: for complex arguments and outputs.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.jacrev(lambda x: x * x)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    return _jacobian("jacrev", rows, func, argnums, has_aux, chunk_size)


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, one product for each element of the input.

    The products are those of `jvp`; it pays where outputs are many more than inputs.

    Parameters
    ----------
    func, argnums, has_aux, chunk_size
        As for `jacrev`.
    randomness : str
        "error", "different" or "same". Accepted and ignored: `func` runs only once.

    Returns
    -------
    callable

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.jacfwd(lambda x: x * x)(tg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    return _jacobian("jacfwd", columns, func, argnums, has_aux, chunk_size)


def _jacobian(
    who: str, find: Callable[..., Any], func: Callable[..., Any], argnums: Argnums, has_aux: bool, chunk: int | None
) -> Callable[..., Any]:
    if chunk is not None and chunk < 1:
        raise ValueError(f"{who}: chunk_size must be greater than 0, got {chunk}")

    @_named(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = Call(who, func, args, kwargs, argnums, has_aux)
        real(who, "inputs", call.variables)
        real(who, "outputs", call.outputs)
        blocks = find(call.outputs, call.variables, call.create)
        found = pytree.filled(call.value, [pytree.filled(call.chosen, row) for row in blocks])
        return (found, call.outward(call.aux)) if has_aux else found

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of `func`.

    Computed as ``jacrev(jacrev(func))``, which is cheaper here than PyTorch's ``jacfwd(jacrev(func))`` and the same.

    Parameters
    ----------
    func : callable
    argnums : int or tuple of int

    Returns
    -------
    callable

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.hessian(lambda x: (x**3).sum())(tg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


def hvp(func: Callable[..., Any], primals: tuple[Any, ...], vectors: tuple[Any, ...]) -> tuple[Any, Any]:
    """The value of a scalar function, and its Hessian times a vector, without the Hessian.

    Parameters
    ----------
    func : callable
        Returns a scalar Tensor.
    primals, vectors : tuple of Tensor or of trees
        The point and the vector, of the same structure and shapes.

    Returns
    -------
    value : Tensor
    product : tuple, in the structure of the primals

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> tg.func.hvp(lambda x: (x**3).sum(), (tg.tensor([1.0, 2.0]),), (tg.ones(2),))
    (tensor(9.), (tensor([ 6., 12.]),))
    """
    if not isinstance(primals, tuple) or not isinstance(vectors, tuple):
        raise RuntimeError(f"hvp: primals and vectors must be tuples, got {kind_of(primals)} and {kind_of(vectors)}")
    flat = matching("hvp", "vectors", vectors, primals)
    gradient = grad_and_value(func, tuple(range(len(primals))))
    call = Call("hvp", gradient, primals, {}, tuple(range(len(primals))), True)  # the Hessian is symmetric
    return call.outward(call.aux), pytree.filled(primals, call.pull(flat, False, call.create or needs(flat)))


vhp = hvp  # the Hessian is symmetric
