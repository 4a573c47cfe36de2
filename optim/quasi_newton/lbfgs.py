"""Limited-memory BFGS, with a line search."""

# ruff: noqa: RUF012  # what a class declares is read once, by Optimizer.__init_subclass__

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_lite import enable_grad
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.graph import written

from ..face.state_dict import converter
from ..optimizer import Optimizer
from ..step.declare import hyperparameters as hyper
from ..step.declare.formula import no_formula
from ..step.interrupts import uninterrupted
from ..step.plan.step_plan import Access
from .line_search import Trial, strong_wolfe

Array = np.ndarray[Any, Any]
Evaluate = Callable[[], tuple[float, Array]]

# Numbers kept between steps, and vectors; all under the first parameter, as PyTorch has them.
COUNTS = ("func_evals", "n_iter")
NUMBERS = (*COUNTS, "t", "H_diag", "prev_loss")
VECTORS = ("d", "prev_flat_grad")
PAIRS = ("old_stps", "old_dirs", "ro")  # s, y and rho of Nocedal and Wright


# The direction


def two_loop(g: Array, s: Sequence[Array], y: Sequence[Array], rho: Sequence[float], gamma: float) -> Array:
    """Return ``-H g``, for the inverse Hessian that BFGS makes of ``gamma I`` by the pairs ``s, y``.

    Nocedal and Wright, algorithm 7.4.

    Parameters
    ----------
    g : array, shape (D,)
        The gradient.
    s, y : list of array, shape (D,)
        Steps, and what they changed in the gradient; the oldest first.
    rho : list of float
        ``1 / (y . s)``.
    gamma : float

    Returns
    -------
    array, shape (D,)
    """
    q, scaled = np.negative(g), np.empty_like(g)
    alphas = []
    for i in reversed(range(len(s))):
        alphas.append(rho[i] * float(s[i] @ q))
        q -= np.multiply(y[i], alphas[-1], out=scaled)
    q *= gamma
    for i, alpha in enumerate(reversed(alphas)):
        beta = rho[i] * float(y[i] @ q)
        q += np.multiply(s[i], alpha - beta, out=scaled)
    return q


def direction(g: Array, state: dict[str, Any], history_size: int) -> Array:
    """Remember the last step, and return the next direction.

    Nocedal and Wright, algorithm 7.5; a pair without positive curvature is left out.

    Parameters
    ----------
    g : array, shape (D,)
        The gradient.
    state : dict
        The last step in ``d``, ``t`` and ``prev_flat_grad``; the pairs are kept in ``old_stps``, ``old_dirs``,
        ``ro``, the scale of the initial inverse Hessian in ``H_diag``.
    history_size : int

    Returns
    -------
    array, shape (D,)
    """
    if state["n_iter"] == 1:
        state.update({name: [] for name in PAIRS}, H_diag=1.0)
    else:
        s, y = state["d"] * state["t"], g - state["prev_flat_grad"]
        ys = float(y @ s)
        if ys > 1e-10:
            for name, new in zip(PAIRS, (s, y, 1 / ys)):
                state[name].append(new)
                del state[name][:-history_size]
            state["H_diag"] = ys / float(y @ y)  # equation 7.20
    return two_loop(g, state["old_stps"], state["old_dirs"], state["ro"], state["H_diag"])


# The iteration


def search(
    flat: Flat, evaluate: Evaluate, f: float, g: Array, d: Array, t: float, max_evals: int, tolerance: float
) -> tuple[Trial, int]:
    """Go along `d` from where the parameters are; return the trial where they are then, and the evaluations made."""
    x = flat.read()

    def phi(t: float) -> Trial:
        flat.move(x, t, d)
        f, g = evaluate()
        return Trial(t, f if f == f else math.inf, g, float(g @ d))

    trial, evals = strong_wolfe(phi, Trial(0.0, f, g, float(g @ d)), t, max_evals, tolerance)
    flat.move(x, trial.t, d)
    return trial, evals


# Parameters as one vector


class Flat:
    """Arrays as one vector of real numbers, end to end.

    Parameters
    ----------
    arrays : list of array
    """

    def __init__(self, arrays: list[Array]) -> None:
        for array in arrays:
            if array.dtype.kind not in "fc":
                raise InputError(f"LBFGS: a parameter of shape {array.shape} is {array.dtype}, not floating point")
        self.arrays = arrays
        self.dtype = np.result_type(*(a.real.dtype for a in arrays))
        self._ends = np.cumsum([a.size * (1 + (a.dtype.kind == "c")) for a in arrays]).tolist()
        self.size: int = self._ends[-1]

    def read(self, parts: Sequence[Array | None] | None = None) -> Array:
        """Return the arrays, or others of their shapes, as a new vector; zeros for None."""
        vector = np.zeros(self.size, self.dtype)
        for place, part in zip(self._places(vector), parts or self.arrays):
            if part is not None:
                place[...] = part
        return vector

    def move(self, x: Array, t: float, d: Array) -> None:
        """Set the arrays to ``x + t d``."""
        vector = np.multiply(d, t)
        vector += x
        self.write(vector)

    def write(self, vector: Array) -> None:
        """Set the arrays to a vector's parts."""
        for array, place in zip(self.arrays, self._places(vector)):
            array[...] = place
            written(array, "LBFGS")

    def _places(self, vector: Array) -> Iterator[Array]:
        """Where each array lies in a vector, in its shape: a complex one as real and imaginary parts in turn."""
        for array, start, end in zip(self.arrays, [0, *self._ends], self._ends):
            place = vector[start:end]
            yield (place.view(np.result_type(place, 1j)) if array.dtype.kind == "c" else place).reshape(array.shape)


def largest(vector: Array) -> float:
    """The largest absolute value; NaN if there is one."""
    return max(float(vector.max()), -float(vector.min())) if vector.size else 0.0


class LBFGS(Optimizer):
    r"""Limited-memory BFGS: Newton's method with an inverse Hessian estimated from the last steps.

    ``d = -H g``, ``x = x + t d``, where ``H`` follows from the last ``history_size`` pairs ``s``, ``y``, what a
    step changed in ``x`` and in ``g``. One call of `step` makes up to `max_iter` of these iterations. Without
    a line search ``t = lr`` (at the first iteration at most ``lr / |g|_1``); with one, that is where the
    search begins.

    Parameters
    ----------
    params : iterable of Tensor, or of (name, Tensor)
        What to optimize, in one group.
    lr : float
        The step's length in units of ``d``, or the line search's first guess.
    max_iter : int
        Iterations in one call of `step`.
    max_eval : int, optional
        How often the closure is called in one call of `step`, about; by default 1.25 times `max_iter`.
    tolerance_grad : float
        Stop when no element of the gradient is larger; a negative one never stops.
    tolerance_change : float
        Stop when no parameter, or the loss, changes by more; a negative one never stops.
    history_size : int
        How many pairs are kept: memory for ``2 * history_size`` copies of the parameters.
    line_search_fn : {None, "strong_wolfe"}
        How a step's length is found.
    maximize : bool
        Climb.

    Raises
    ------
    ValueError
        If there is more than one group.

    References
    ----------
    J. Nocedal and S. J. Wright, "Numerical optimization", 2nd edition, 2006: algorithms 7.4 and 7.5 (the
    direction), 3.5 and 3.6 (the line search), equations 3.59 (its interpolation) and 7.20 (the initial
    ``H``).

    Notes
    -----
    Deviations from PyTorch: `maximize`. In the line search a loss that is not a number counts as infinite, and
    where the cubic is none it tries the middle: it comes back from where the loss overflows. A state dict
    does not hold ``al``, which is no state.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import optim
    >>> x = tg.tensor([-1.2, 1.0], dtype=tg.float64, requires_grad=True)
    >>> lbfgs = optim.LBFGS([x], max_iter=50, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     lbfgs.zero_grad()
    ...     loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> first = lbfgs.step(closure)
    >>> x.detach()
    tensor([1.0000, 1.0000], dtype=float64)
    """

    lr: float = 1.0
    max_iter: int = 20
    max_eval: int | None = None
    tolerance_grad: float = 1e-7
    tolerance_change: float = 1e-9
    history_size: int = 100
    line_search_fn: str | None = None

    update = no_formula
    counted = False
    ignored = ()
    ranges = {
        "max_iter": (1, math.inf, "[)"),
        "tolerance_grad": (-math.inf, math.inf, "[]"),
        "tolerance_change": (-math.inf, math.inf, "[]"),
        "history_size": (1, math.inf, "[)"),
    }

    def __init__(self, *args: Any, **hyperparameters: Any) -> None:
        super().__init__(*args, **hyperparameters)
        for name in ("max_grad_norm", "on_nonfinite"):
            if getattr(self, name) is not None:
                raise ValueError(f"LBFGS: {name} is for optimizers that take one gradient a step")
        if self.max_eval is None:
            self.max_eval = self.max_iter * 5 // 4

    def check(self, group: dict[str, Any]) -> None:
        name, max_eval = group["line_search_fn"], group["max_eval"]
        if name not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn must be None or 'strong_wolfe', got {name!r}")
        if max_eval is not None and not max_eval >= 1:
            raise ValueError(f"LBFGS: max_eval must be at least 1, got {max_eval}")
        for name in ("max_grad_value", "ema", "differentiable"):
            if group.get(name):
                raise ValueError(f"LBFGS: {name} is for optimizers that have a formula")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take the one group of parameters; see `Optimizer.add_param_group`."""
        if self.param_groups:
            raise ValueError("LBFGS: all parameters must be in one group, got another")
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to `max_iter` iterations.

        Parameters
        ----------
        closure : callable
            Clears the gradients, computes the loss and the gradients, and returns the loss; called several
            times, with gradients enabled.

        Returns
        -------
        What the closure returned first.
        """
        if self._by_name:
            raise ValueError("LBFGS.step: made without parameters; call update(params, grads)")
        if closure is None:
            raise TypeError("LBFGS.step: needs a closure that computes the loss and the gradients anew")
        self._call_hooks("step_pre", closure)
        params = self.param_groups[0]["params"]
        flat = Flat([p._data for p in params])
        losses: list[Any] = []

        def evaluate() -> tuple[float, Array]:
            with enable_grad():
                loss = closure()
            losses.append(loss if not losses else None)
            return float(loss), flat.read([None if p.grad is None else p.grad._data for p in params])

        self._minimize(flat, evaluate)
        self._call_hooks("step_post", closure)
        return losses[0]

    def _step(self, access: Access | None) -> None:
        """Make one iteration with the gradients at hand: what `update(params, grads)` does."""
        assert access is not None  # `step` does the rest
        group = self.param_groups[0]
        if group["line_search_fn"] is not None:
            raise ValueError("LBFGS.update: a line search needs the loss; call step(closure)")
        flat = Flat([access.array(key) for key in group["params"]])
        g = flat.read([access.grad(key) if access.has_grad(key) else None for key in group["params"]])
        self._minimize(flat, lambda: (math.nan, g), 1)

    def _minimize(self, flat: Flat, evaluate: Evaluate, max_iter: int | None = None) -> None:
        group, _ = hyper.resolved(self.param_groups[0], self._steps)
        self._rule.check_values(group)
        self.check(group)
        state = self._state.setdefault(group["params"][0], {"func_evals": 0, "n_iter": 0})
        gain = -self.grad_scale if group["maximize"] else self.grad_scale

        def scaled() -> tuple[float, Array]:
            f, g = evaluate()
            state["func_evals"] += 1
            return gain * f, g if gain == 1 else gain * g

        steps, before, kept = (
            self._steps,
            flat.read(),
            {k: list(v) if isinstance(v, list) else v for k, v in state.items()},
        )
        try:
            with np.errstate(all="ignore"):
                iterate(flat, scaled, state, {**group, "max_iter": max_iter or group["max_iter"]})
            self._steps += 1
        except BaseException:  # an interrupt, or an error in the closure: nothing has happened
            with uninterrupted():
                flat.write(before)
                state.clear()
                state.update(kept)
                self._steps = steps
            raise

    def state_dict(self, convert: Callable[[Array], Any] | None = None, **options: Any) -> dict[str, Any]:
        """Return the state and the hyperparameters, in PyTorch's layout; see `Optimizer.state_dict`."""
        packed = super().state_dict(convert, **options)
        convert = converter(self, convert)
        for state in packed["state"].values():
            for name in PAIRS:
                if name in state:
                    change = convert if convert and name != "ro" else lambda value: value
                    state[name] = [change(value) for value in state[name]]
        return packed

    def load_state_dict(self, state_dict: Mapping[str, Any], **options: Any) -> None:
        """Take over a state and hyperparameters, from here or from PyTorch; see `Optimizer.load_state_dict`."""
        saved = list(state_dict["state"].values())[:1]
        params = state_dict["param_groups"][0]["params"] if self._by_name else self.param_groups[0]["params"]
        flat = None if self._by_name else Flat([p._data for p in params])
        states = [_read_state(each, flat) for each in saved]
        super().load_state_dict({**state_dict, "state": {}}, **options)
        self.state = dict(zip(params, states))


def iterate(flat: Flat, evaluate: Evaluate, state: dict[str, Any], group: dict[str, Any]) -> None:
    """Iterate until one of the limits in `group` is reached: Nocedal and Wright, algorithm 7.5."""
    small, still, evals = group["tolerance_grad"], group["tolerance_change"], 1
    f, g = evaluate()
    if largest(g) <= small:
        return
    for left in reversed(range(group["max_iter"])):
        state["n_iter"] += 1
        state["d"] = d = direction(g, state, group["history_size"])
        state["t"] = t = group["lr"] * (1 / max(1.0, float(np.abs(g).sum())) if state["n_iter"] == 1 else 1.0)
        state["prev_flat_grad"], state["prev_loss"] = g, f
        if float(g @ d) > -still:
            return
        if group["line_search_fn"] is not None:
            max_evals = group["max_eval"] - evals
            narrow = still / longest if (longest := largest(d)) else still
            (t, f, g, _), used = search(flat, evaluate, f, g, d, t, max_evals, narrow)
            state["t"] = t
        else:
            flat.move(flat.read(), t, d)
            if not left:
                return
            (f, g), used = evaluate(), 1
        evals += used
        unmoved = abs(t) * largest(d) <= still or abs(f - state["prev_loss"]) < still
        if unmoved or evals >= group["max_eval"] or largest(g) <= small:
            return


def _read_state(saved: Mapping[str, Any], flat: Flat | None) -> dict[str, Any]:
    """Copy a saved state, checked: numbers, and vectors of the right length."""

    def vector(name: str, value: Any) -> Array:
        array = np.asarray(value)
        array = array.astype(array.dtype if flat is None else flat.dtype)
        if flat is not None and array.shape != (flat.size,):
            raise ValueError(f"LBFGS: {name} in the state must have shape {(flat.size,)}, got {array.shape}")
        return array

    found: dict[str, Any] = {}
    for name, value in saved.items():
        if value is None or name == "al":
            continue
        if name in VECTORS:
            found[name] = vector(name, value)
        elif name in PAIRS:
            found[name] = [float(v) if name == "ro" else vector(name, v) for v in value]
        elif name in NUMBERS:
            found[name] = int(value) if name in COUNTS else float(value)
        else:
            raise ValueError(f"LBFGS: the state has {name!r}, which LBFGS does not know")
    wanted = (*NUMBERS, *VECTORS, *PAIRS) if found.get("n_iter") else COUNTS
    missing = [name for name in wanted if found and name not in found]
    if missing:
        raise ValueError(f"LBFGS: the state lacks {', '.join(map(repr, missing))}")
    return found
