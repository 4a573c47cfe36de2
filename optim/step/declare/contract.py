"""`Contract`: what a subclass of `Optimizer` may declare and define, and what a step asks of an optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .hyperparameters import Group, dataclass_transform, field
from .rule import Rule

Array = np.ndarray[Any, Any]


@dataclass_transform(field_specifiers=(field,))
class Contract:
    """The part of `Optimizer` that its subclasses fill in, and what a step reads and writes.

    Type checkers learn from it that a subclass's annotated attributes are arguments of its constructor.
    """

    state: Any
    update: Any
    param_groups: list[Group]
    defaults: Group
    grad_scale: float
    skipped: int
    max_grad_norm: float | None
    on_nonfinite: str | None
    _over_ranks: Callable[[float], float]

    decoupled: ClassVar[bool] = False  # weight decay shrinks the parameter itself and stays out of the gradient
    counted: ClassVar[bool] = True  # the state dict has "step"; else `t` only tells the first step from the others
    elementwise: ClassVar[bool] = True  # False: `update` gets whole arrays, in NumPy, with either backend
    own_decay: ClassVar[bool] = False  # the formula does weight decay itself
    takes_complex: ClassVar[bool] = True  # a formula for one element does, as pairs of real numbers
    allowed_ulps: ClassVar[float | None] = None  # the difference that `verify` lets pass, where it is not the usual
    kept: ClassVar[dict[str, float]] = {}
    measure: ClassVar[Callable[..., Any] | None] = None
    sums: ClassVar[tuple[str, ...]] = ()
    ignored: ClassVar[tuple[str, ...]] = ("foreach", "capturable", "differentiable", "fused")
    ranges: ClassVar[dict[str, tuple[float, float, str] | None]] = {}  # None: none, other than elsewhere

    _rule: ClassVar[Rule]  # of all that is declared
    _formulas_are_checked: ClassVar[bool] = True  # False: they use what was not defined yet
    _state: dict[Any, dict[str, Any]]
    _steps: int  # what schedules count
    _boxes: dict[Any, Array]  # of numbers that are parameters
    _by_name: bool  # the parameters are given at each step
    _stepping: bool = False  # a `step` written PyTorch's way is at it
    _lock: Any  # held while a step is made
    _stepper: Any

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _step(self, access: Any) -> None:
        """Make a step from gradients that are read by `access`; None: those of Tensors."""
        self._stepper.step(access)

    def scalars(self, group: Group, t: int, *_: Any, **kept: Any) -> dict[str, Any]:
        """Return what the formula needs and no element decides, by name: once per step, in Python's float64.

        Parameters
        ----------
        group : dict
            The hyperparameters.
        t : int
            The number of the step, from 1.
        **kept : float
            The numbers that were returned at the step before, of those that the class declares in `kept`.

        Returns
        -------
        dict of float or bool
            By default ``beta1``, ``beta2`` ... from ``betas``. Hyperparameters need not be repeated.
        """
        return {f"beta{i}": beta for i, beta in enumerate(group.get("betas", ()), 1)}

    def start(self, group: Group) -> dict[str, float]:
        """Return the states that do not start at zero: the formula's name -> value."""
        return {}

    def check(self, group: Group) -> None:
        """Refuse hyperparameters that do not go together, by a ValueError; ranges are checked without it."""

    def ratios(self, group: Group, t: int, *_: Any, **sums: Any) -> dict[str, Any]:
        """Return what each tensor has of its own, from the sums over it: arrays of shape (number of tensors,)."""
        return {}

    def gathered(self, totals: dict[str, float]) -> None:
        """Take the sums over all tensors of all groups; called once per step, before `ratios`."""

    def update_array(self, p: Array, g: Array, state: dict[str, Any], group: Group, t: int) -> None:
        """Update one parameter and its states in place, if the class is not elementwise.

        Parameters
        ----------
        p, g : arrays
            The parameter and its gradient, scaled, clipped, and turned for `maximize`; `g` is not to be written to.
        state : dict
            The parameter's arrays by PyTorch's names; empty at first.
        group : dict
            The hyperparameters; weight decay is the method's business.
        t : int
            The number of the step, from 1.
        """
        raise NotImplementedError(f"{self._name}: update_array")

    def _update_together(self, cohort: Any, states: list[dict[str, Any]]) -> Callable[[list[Array], Group, int], None]:
        """Return what updates a cohort from its gradients: one array after the other, where nothing better is known."""

        def update(grads: list[Array], group: Group, t: int) -> None:
            for p, g, state in zip(cohort.dense, cohort.fitting(grads), states):
                self.update_array(p, g, state, group, t)

        return update
