"""`ZeroRedundancyOptimizer`: each rank updates a part of the parameters, and keeps state for that part alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_lite import Tensor
from tinygrad_lite.distributed.functional import summed
from tinygrad_lite.distributed.objects import exchange
from tinygrad_lite.distributed.world import resolve
from tinygrad_lite.graph import written
from tinygrad_lite.rules import wrap

from ..face import param_groups as groups
from ..optimizer import Optimizer
from ..quasi_newton.lbfgs import LBFGS
from . import shards
from .shards import Shard
from .wrapper import Wrapper

Array = np.ndarray[Any, Any]
_REFUSED = ("differentiable", "ema")
_SHARDS = "shards"  # in a rank's own part of a state dict


class ZeroRedundancyOptimizer(Wrapper):
    """An optimizer whose state is divided among the ranks (ZeRO's first stage).

    Every rank has all parameters and, after the backward pass, all gradients. It updates its part of them, and gets the
    others' parts from the other ranks.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor), or of dict
        The same on all ranks.
    optimizer_class : type
        Of a rule for one element, such as `AdamW`: then all parameters together are cut into equal parts. Of one that
        looks at whole tensors, such as `LAMB` or `Muon`: then each parameter belongs to one rank.
    process_group : ProcessGroup, optional
        All ranks by default.
    parameters_as_bucket_view, overlap_with_ddp : bool
        Accepted and ignored.
    **defaults
        The optimizer's hyperparameters.

    Attributes
    ----------
    optimizer : Optimizer
        Of this rank's part. Its groups hold the hyperparameters, which schedulers change; their parameters are parts.

    Raises
    ------
    TypeError
        For an optimizer that needs all parameters at once: `LBFGS`, `Prodigy`.

    Notes
    -----
    `max_grad_norm` and `on_nonfinite` are about the gradients of all ranks' parts.

    References
    ----------
    Rajbhandari et al., "ZeRO: memory optimizations toward training trillion parameter models", SC 2020, section 5.1.

    Examples
    --------
    >>> import tinygrad_lite.distributed as dist
    >>> from tinygrad_lite import nn, optim
    >>> dist.init_process_group()
    >>> model = nn.Linear(2, 1)
    >>> adam = optim.ZeroRedundancyOptimizer(model.parameters(), optim.Adam, lr=0.1)
    >>> model(tg.ones(1, 2)).sum().backward()
    >>> adam.step()
    >>> adam.consolidate_state_dict()
    >>> adam.state_dict()["state"][0]["exp_avg"].shape
    (1, 2)
    >>> dist.destroy_process_group()
    """

    private = ("group", "_class", "_flat", "_parameters", "_names", "_shapes", "_groups", "_parts", "_own", "_whole")

    def __init__(
        self,
        params: Any,
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        self.group = resolve("ZeroRedundancyOptimizer", process_group)
        self._flat = _checked(optimizer_class, defaults)
        self._class = optimizer_class
        self._parameters: list[Tensor] = []
        self._groups: list[dict[str, Any]] = []
        self._parts: list[list[list[Shard]]] = []  # of each group and rank
        self._own: list[tuple[Shard, _Slice]] = []
        self._whole: dict[str, Any] | None = None
        listed = [self._part(group) for group in groups.listed("ZeroRedundancyOptimizer", params)]
        super().__init__(optimizer_class(listed, **defaults))
        self.optimizer._over_ranks = self._sum

    def _part(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Divide a group, and make this rank's of it."""
        pairs = [p if isinstance(p, tuple) else (None, p) for p in _several(given["params"])]
        first = len(self._parameters)
        for _, p in pairs:
            if not isinstance(p, Tensor):
                raise TypeError(f"ZeroRedundancyOptimizer: parameters must be Tensors, got {type(p).__name__}")
            if not p._data.flags.c_contiguous:
                raise ValueError("ZeroRedundancyOptimizer: parameters must be contiguous; use p.data = p.contiguous()")
            self._parameters.append(p)
        parts = shards.divide([p._data.size for _, p in pairs], first, self.group.size(), self._flat)
        mine = [
            (shard, _Slice(self._parameters[shard.parameter], shard, self._flat)) for shard in parts[self.group.rank()]
        ]
        self._parts.append(parts)
        self._own += mine
        names = [name for name, _ in pairs]
        self._groups.append({"first": first, "count": len(pairs), "names": None if names[0] is None else names})
        kept = [s.tensor if names[0] is None else (names[shard.parameter - first], s.tensor) for shard, s in mine]
        return {**given, "params": kept}

    def add_param_group(self, param_group: Mapping[str, Any]) -> None:
        """Add parameters with hyperparameters of their own, on all ranks."""
        self.optimizer.add_param_group(self._part(param_group))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros."""
        for p in self._parameters:
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None, **options: Any) -> Any:
        """Update this rank's part, and take the others' from the other ranks.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients.

        Returns
        -------
        Any
            What the closure returns.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import optim
        >>> dist.init_process_group()
        >>> w = tg.ones(2, requires_grad=True)
        >>> sgd = optim.ZeroRedundancyOptimizer([w], optim.SGD, lr=0.5)
        >>> sgd.step(lambda: (w.sum().backward(), 7)[1])
        7
        >>> w
        tensor([0.5000, 0.5000], requires_grad=True)
        >>> dist.destroy_process_group()
        """
        loss = None if closure is None else closure()
        for _, part in self._own:
            part.take_gradient()
        self.optimizer.step()
        self._whole = None
        if self.group.size() > 1:
            self._gather()
        return loss

    def _gather(self) -> None:
        """Send this rank's part of the parameters, and write down those of the others."""
        places = [[s for parts in self._parts for s in parts[rank]] for rank in range(self.group.size())]
        views = [[self._view(shard) for shard in each] for each in places]
        sizes = [sum(view.nbytes for view in each) for each in views]
        own = np.concatenate([view.view(np.uint8) for view in views[self.group.rank()]])
        all_ = np.empty(sum(sizes), np.uint8)
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()

        def steps() -> Any:
            into = [all_, (sizes, starts[:-1]), self.group.MPI.BYTE]
            yield [self.group.comm.Iallgatherv(own, into)], True

        self.group.submit(f"ZeroRedundancyOptimizer.step({starts[-1]} bytes)", steps)
        for rank, each in enumerate(views):
            if rank != self.group.rank():
                at = starts[rank]
                for view in each:
                    view.view(np.uint8)[...] = all_[at : at + view.nbytes]
                    at += view.nbytes
        for p in self._parameters:
            written(p._data, "ZeroRedundancyOptimizer.step")

    def _view(self, shard: Shard) -> Array:
        return self._parameters[shard.parameter]._data.reshape(-1)[shard.start : shard.stop]

    def _sum(self, value: float) -> float:
        """A sum over ranks, of what is asked of gradients."""
        return float(summed(self.group, value, "ZeroRedundancyOptimizer: a sum over gradients", np.float64))

    # --- state dicts --------------------------------------------------------------------------------------------------

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Gather the state of all ranks in rank `to`, whose `state_dict` is whole then; all ranks call it.

        Parameters
        ----------
        to : int

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import optim
        >>> dist.init_process_group()
        >>> adam = optim.ZeroRedundancyOptimizer([tg.ones(2, requires_grad=True)], optim.Adam)
        >>> adam.consolidate_state_dict()
        >>> list(adam.state_dict())
        ['state', 'param_groups']
        >>> dist.destroy_process_group()
        """
        each = exchange(self.group, f"consolidate_state_dict(to {to})", self.local_state_dict(), to)
        self._whole = self._joined(each) if each else None

    def local_state_dict(self) -> dict[str, Any]:
        """The part of the state that is here, with which parts these are."""
        packed = self.optimizer.state_dict()
        return {**packed, _SHARDS: [tuple(shard) for shard, _ in self._own]}

    def load_local_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `local_state_dict` gave in this rank, of as many ranks."""
        if [tuple(shard) for shard in state_dict[_SHARDS]] != [tuple(shard) for shard, _ in self._own]:
            raise ValueError("ZeroRedundancyOptimizer: the state dict is of other parts; load a list of all ranks'")
        self.optimizer.load_state_dict({name: value for name, value in state_dict.items() if name != _SHARDS})
        self._whole = None

    def _joined(self, each: list[dict[str, Any]]) -> dict[str, Any]:
        """The state dict of an optimizer of one process, from all ranks' parts."""
        parts: dict[int, list[tuple[Shard, dict[str, Any]]]] = {}
        for packed in each:
            for k, found in enumerate(packed[_SHARDS]):
                shard = Shard(*found)
                if k in packed["state"] and shard.stop > shard.start:
                    parts.setdefault(shard.parameter, []).append((shard, packed["state"][k]))
        state = {i: shards.join(found, tuple(self._parameters[i].shape)) for i, found in sorted(parts.items())}
        packed_groups = []
        for own, packed in zip(self._groups, each[0]["param_groups"]):
            group = {**packed, "params": list(range(own["first"], own["first"] + own["count"]))}
            packed_groups.append(group if own["names"] is None else {**group, "param_names": own["names"]})
        return {"state": state, "param_groups": packed_groups}

    def state_dict(self, convert: Callable[[Array], Any] | None = None, **options: Any) -> dict[str, Any]:
        """Return the state of all ranks, in PyTorch's layout, after `consolidate_state_dict`.

        Parameters
        ----------
        convert : callable, optional
            Applied to every array.

        Returns
        -------
        dict

        Raises
        ------
        RuntimeError
            If it was not gathered in this rank since the last step.

        Examples
        --------
        >>> import tinygrad_lite.distributed as dist
        >>> from tinygrad_lite import optim
        >>> dist.init_process_group()
        >>> sgd = optim.ZeroRedundancyOptimizer([tg.ones(2, requires_grad=True)], optim.SGD, lr=0.5)
        >>> sgd.state_dict()["param_groups"][0]["lr"]  # of one process it is whole at any time
        0.5
        >>> dist.destroy_process_group()
        """
        if self._whole is None and self.group.size() == 1:
            self.consolidate_state_dict()
        if self._whole is None:
            raise RuntimeError(
                "ZeroRedundancyOptimizer.state_dict: the state is on all ranks; call consolidate_state_dict(to=rank) "
                f"on all of them before, and state_dict() on that one; this is rank {self.group.world.rank}"
            )
        if convert is None:
            return self._whole
        state = {
            i: {name: convert(value) if isinstance(value, np.ndarray) else value for name, value in found.items()}
            for i, found in self._whole["state"].items()
        }
        return {**self._whole, "state": state}

    def load_state_dict(self, state_dict: Any, **options: Any) -> None:
        """Take over the state of an optimizer of one process, or all ranks' parts; all ranks call it.

        Parameters
        ----------
        state_dict : dict or list of dict
            From `state_dict`, of this or of the optimizer's own class; or of `local_state_dict` of all ranks, which may
            have been another number.

        Raises
        ------
        ValueError
            If it does not fit.
        """
        whole = self._joined(state_dict) if isinstance(state_dict, list) else state_dict
        counts = [len(group["params"]) for group in whole["param_groups"]]
        if counts != [own["count"] for own in self._groups]:
            raise ValueError(
                f"ZeroRedundancyOptimizer: the state dict has groups of {counts} parameters, not "
                f"{[own['count'] for own in self._groups]}"
            )
        labels = [label for group in whole["param_groups"] for label in group["params"]]
        state = {}
        for k, (shard, _) in enumerate(self._own):
            found = whole["state"].get(labels[shard.parameter])
            if found is not None:
                state[k] = shards.cut(found, shard, self._parameters[shard.parameter]._data.size, self._flat)
        own_groups, k = [], 0
        for packed, local in zip(whole["param_groups"], self.optimizer.param_groups):
            count = len(local["params"])
            rest = {name: value for name, value in packed.items() if name not in ("params", "param_names")}
            own_groups.append({**rest, "params": list(range(k, k + count))})
            k += count
        self.optimizer.load_state_dict({"state": state, "param_groups": own_groups}, **options)
        self._whole = None


class _Slice:
    """A part of a parameter as a tensor that an optimizer updates in place."""

    def __init__(self, parameter: Tensor, shard: Shard, flat: bool) -> None:
        self._parameter, self._shard, self._flat = parameter, shard, flat
        self._array, self._gradient = parameter._data, parameter.grad
        self.tensor = wrap(self._of(parameter._data)).requires_grad_()
        self.tensor.grad = self._slope()

    def _of(self, array: Array) -> Array:
        whole = not self._flat and self._shard.stop > self._shard.start
        return array[...] if whole else array.reshape(-1)[self._shard.start : self._shard.stop]

    def _slope(self) -> Tensor | None:
        return None if self._gradient is None else wrap(self._of(self._gradient._data))

    def take_gradient(self) -> None:
        """Look at the parameter's gradient, and at its array, if these are others now."""
        if self._parameter._data is not self._array:
            self._array = self._parameter._data
            self.tensor.data = wrap(self._of(self._array))
        if self._parameter.grad is not self._gradient:
            self._gradient = self._parameter.grad
            self.tensor.grad = self._slope()


def _several(params: Any) -> list[Any]:
    return [params] if isinstance(params, Tensor) else list(params)


def _checked(optimizer_class: Any, defaults: dict[str, Any]) -> bool:
    """Whether an optimizer may have parts of parameters; an error if it needs all at once."""
    if not (isinstance(optimizer_class, type) and issubclass(optimizer_class, Optimizer)):
        raise TypeError(
            f"ZeroRedundancyOptimizer: optimizer_class must be an Optimizer's class, got {optimizer_class!r}"
        )
    if optimizer_class.gathered is not Optimizer.gathered or issubclass(optimizer_class, (Wrapper, LBFGS)):
        raise TypeError(f"ZeroRedundancyOptimizer: {optimizer_class.__name__} needs all parameters at once")
    for name in _REFUSED:
        if defaults.get(name):
            raise TypeError(f"ZeroRedundancyOptimizer: {name} is not divided among ranks")
    if optimizer_class._by_hand:
        return False
    rule = optimizer_class._rule
    return rule.elementwise and not rule.whole and optimizer_class.measure is None
