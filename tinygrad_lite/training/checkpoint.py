"""`Checkpoint`: everything a run consists of, saved beside the training, and gone on with to the last bit."""

from __future__ import annotations

import copy
import os
import threading
import time
import warnings
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..engine.errors import InputError
from . import checkpoint_files as files
from .checkpoint_ranks import Ranks, copied, load, ranks_of
from .generators import Generators
from .termination import Listener, leave

__all__ = ["Checkpoint"]

_writers: weakref.WeakValueDictionary[str, threading.Thread] = weakref.WeakValueDictionary()  # of each folder

_UNKNOWN = "?"
OUT_OF_TIME = 75  # the exit code that asks to be started again: EX_TEMPFAIL of sysexits.h


class Checkpoint:
    """The state of a whole run in a folder: saved while the training goes on, resumed bit for bit.

    Parameters
    ----------
    path : str or path
        A folder of its own, made when it is needed.
    keep : int or None
        How many of the newest files stay; None: all.
    best : {"min", "max"}, optional
        Keep the file of the best score, too: of the smallest (a loss) or the largest (an accuracy).
    every : int, optional
        After how many steps `after_step` saves.
    every_seconds : float, optional
        After how much time it does.
    time_limit : float, optional
        Seconds from now that the process has. In time before that, `after_step` saves and ends the process with
        code 75 (``SystemExit``), by which schedulers of jobs know that it is to be started again.
    on_sigterm : bool
        When SIGTERM comes, let `after_step` save before the process ends. A second SIGTERM ends it at once.
    rng : bool
        Save the states of the global generators, too: tinygrad_lite's, NumPy's and Python's.
    **parts
        ``model=``, ``optimizer=``, ``scheduler=``, ``loader=``, ``ema=`` (an `AveragedModel`), ``scaler=`` or whatever
        else has ``state_dict()`` and ``load_state_dict()``. None is left out.

    Attributes
    ----------
    step : int
        How many steps were done.
    epoch : int
        Which epoch is running, if `epochs` counts them.

    Raises
    ------
    TypeError
        If a part has no state.
    InputError
        For a number or a name out of range.

    Notes
    -----
    Saving takes a copy of all state, and a thread writes it while the training goes on. A file appears under its name
    when it is whole and on the disk, so whatever happens, the newest whole one remains, and what was not written to
    its end is removed by the next saving. Each carries checksums, and damage is found.

    Under `distributed` each rank saves what it has of its own, and rank 0 what all have in common; all ranks make one,
    with the same path on a disk that all see. What one number of ranks has saved another goes on with, divided
    optimizers included; random numbers and orders of data are the same for the same number only.

    To be resumed to the last bit, a run must draw its random numbers from generators that are saved: the global ones,
    or parts. A DataLoader goes on in the middle of an epoch without fetching what it gave, see its `state_dict`.

    Examples
    --------
    >>> import tempfile
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn, optim, training
    >>> folder = tempfile.mkdtemp()
    >>> def run(steps):
    ...     _ = tg.manual_seed(0)
    ...     model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(), nn.Linear(3, 1))
    ...     adam = optim.Adam(model.parameters())
    ...     checkpoint = training.Checkpoint(folder, model=model, optimizer=adam, every=10)
    ...     begin = checkpoint.resume()
    ...     while checkpoint.step < steps:
    ...         adam.zero_grad()
    ...         model(tg.randn(8, 3)).square().mean().backward()
    ...         adam.step()
    ...         checkpoint.after_step()
    ...     checkpoint.wait()
    ...     return begin, model[0].weight[0, 0].item()
    >>> run(10)[0], run(20)[0]
    (0, 10)
    """

    step: int
    epoch: int

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        keep: int | None = 3,
        best: str | None = None,
        every: int | None = None,
        every_seconds: float | None = None,
        time_limit: float | None = None,
        on_sigterm: bool = True,
        rng: bool = True,
        **parts: Any,
    ) -> None:
        for name, value in (("keep", keep), ("every", every)):
            if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise InputError(f"Checkpoint: {name} must be an integer of at least 1 or None, got {value!r}")
        for name, seconds in (("every_seconds", every_seconds), ("time_limit", time_limit)):
            if seconds is not None and not (isinstance(seconds, (int, float)) and seconds > 0):
                raise InputError(f"Checkpoint: {name} must be a number of seconds above 0 or None, got {seconds!r}")
        if best not in (None, "min", "max"):
            raise InputError(f"Checkpoint: best must be 'min', 'max' or None, got {best!r}")
        self._parts = {name: part for name, part in parts.items() if part is not None}
        for name, part in self._parts.items():
            if not hasattr(part, "state_dict") or not hasattr(part, "load_state_dict"):
                kind = type(part).__name__
                raise TypeError(f"Checkpoint: {name} must have state_dict and load_state_dict, got {kind}")
        if rng:
            self._parts["rng"] = Generators()
        self.step = self.epoch = 0
        self._ranks, self._base = Ranks(), Path(path)
        self._folder, self._best = self._ranks.folder(self._base), best
        self._keep = max(keep, 2) if keep is not None and self._ranks.size > 1 else keep  # others may be one behind
        self._every, self._every_seconds = every, every_seconds
        self._last_save = self._last_step = time.monotonic()
        self._until = None if time_limit is None else self._last_save + time_limit
        self._longest_step = self._longest_save = 0.0
        self._first_step = 0  # of this epoch
        self._scored: tuple[int, float | None] = (-1, None)  # the step that was saved last
        self._mine = False  # the folder's files are of this run
        self._sigterm = Listener() if on_sigterm else None
        self._failure: BaseException | None = None

    # --- going on ----------------------------------------------------------------------------------------------------

    def resume(self, best: bool = False) -> int:
        """Load the newest file that is whole into the parts; do nothing where there is none yet.

        Parameters
        ----------
        best : bool
            Load the one of the best score instead. The next saving then removes the files of later steps.

        Returns
        -------
        int
            The number of steps that were done: `step`.

        Raises
        ------
        InputError
            If the files are another program's: of other parts, or of a model of other parameters. Nothing is changed
            then.
        ValueError
            If there are files and none is whole.

        Warns
        -----
        UserWarning
            For each damaged file that is passed over.
        """
        self.wait()
        there = self._ranks.steps(self._base)
        if best:
            found = None if self._best is None else files.best_step(self._base, there, self._best)
            if found is None:
                raise InputError(f"Checkpoint.resume: best must be given to Checkpoint, and scores to save() or "
                                 f"after_step(); there is none in {self._folder}")  # fmt: skip
            there = [found]
        self._mine = True
        for step in reversed(there):
            head, state, error = self._read(step)
            if not self._ranks.all(head is not None):
                path = files.path_of(self._base, step)
                text = error or "another rank's part is not whole"
                warnings.warn(f"Checkpoint.resume: {path} is passed over: {text}", UserWarning, stacklevel=2)
                continue
            assert head is not None
            self._load(state)
            self._scored = self.step, head.score
            self._last_save = self._last_step = time.monotonic()
            return self.step
        if there:
            raise ValueError(f"Checkpoint.resume: none of the {len(there)} files in {self._folder} is whole")
        return 0

    def _read(self, step: int) -> tuple[files.Head | None, Any, str]:
        """What all ranks have in common and this one has of its own; or what is damaged."""
        try:
            path = files.path_of(self._base, step)
            head = files.read_head(path)
            self._check_program(head.program, path)
            state = files.read(path, head)
            count, rank = ranks_of(head), self._ranks.rank
            if 0 < rank < count:
                state["parts"].update(self._part_of(step, rank)["parts"])
            elif rank:  # of which there was none
                for name, part in self._parts.items():
                    if self._ranks.saves(part):
                        del state["parts"][name]
            if count != self._ranks.size:
                parts = [self._part_of(step, other) for other in range(count)]
                for name, part in self._parts.items():
                    if hasattr(part, "local_state_dict"):
                        state["parts"][name] = [each["parts"][name] for each in parts]
        except files.Damaged as error:
            return None, None, str(error)
        return head, state, ""

    def _part_of(self, step: int, rank: int) -> Any:
        path = files.path_of(self._ranks.folder(self._base, rank), step)
        return files.read(path, files.read_head(path))

    def _load(self, state: Any) -> None:
        before = {name: copy.deepcopy(copied(part)) for name, part in self._parts.items()}
        try:
            for name, part in self._parts.items():
                if name in state["parts"]:
                    load(part, state["parts"][name])
        except BaseException:  # an interrupt leaves no half of it either
            for name, part in self._parts.items():
                load(part, before[name])
            raise
        self.step, self.epoch, self._first_step = state["step"], state["epoch"], state["first_step"]

    def _program(self) -> dict[str, Any]:
        """What must be the same in the program that resumes: the parts, and the tensors of those that are modules."""
        found: dict[str, Any] = {"": [self._ranks.size, {}]} if self._ranks.size > 1 else {}  # that need not be
        for name, part in self._parts.items():
            tensors = part.state_dict() if hasattr(part, "named_parameters") else {}
            found[name] = [type(part).__name__, {key: _outline(t) for key, t in tensors.items()}]
        return found

    def _check_program(self, theirs: Mapping[str, Any], path: Path) -> None:
        ours, theirs = ({k: v for k, v in each.items() if k} for each in (self._program(), theirs))
        differences = [
            f"{name} is {ours.get(name, ['missing'])[0]} here and {theirs.get(name, ['missing'])[0]} there"
            for name in sorted(ours.keys() | theirs.keys())
            if ours.get(name, [None])[0] != theirs.get(name, [None])[0]
        ]
        for name in sorted(ours.keys() & theirs.keys()):
            here, there = ours[name][1], theirs[name][1]
            differences += [
                f"{name}'s {key} is {here.get(key, 'missing')} here and {there.get(key, 'missing')} there"
                for key in [*here, *(k for k in there if k not in here)]
                if here.get(key) != there.get(key) and _UNKNOWN not in (here.get(key), there.get(key))
            ]
        if differences:
            more = f", and {len(differences) - 3} more" if len(differences) > 3 else ""
            raise InputError(f"Checkpoint.resume: {path} is of another program: {'; '.join(differences[:3])}{more}")

    # --- saving ------------------------------------------------------------------------------------------------------

    def epochs(self, count: int) -> Iterator[int]:
        """Walk through the epochs that are left of `count`; the one that was interrupted comes first.

        An epoch counts as done when its block has ended, or at a `save` in it after the loader has given all it had.

        Parameters
        ----------
        count : int

        Yields
        ------
        int
            The number of the epoch, from 0; it is `epoch`.

        Examples
        --------
        >>> import tempfile
        >>> from tinygrad_lite import training
        >>> checkpoint = training.Checkpoint(tempfile.mkdtemp())
        >>> list(checkpoint.epochs(3))
        [0, 1, 2]
        """
        while self.epoch < count:
            yield self.epoch
            self.epoch, self._first_step = self.epoch + 1, self.step

    def after_step(self, score: float | None = None) -> None:
        """Count a step, and save if it is time. Call it when all of the step is done, schedules and averages included.

        Parameters
        ----------
        score : float, optional
            How good the model is now, if it is saved.

        Raises
        ------
        SystemExit
            After SIGTERM, or before the end of the time limit, when all is saved.
        OSError
            If a file could not be written.
        """
        self.step += 1
        now = time.monotonic()
        self._longest_step, self._last_step = max(self._longest_step, now - self._last_step), now
        asked = self._sigterm is not None and self._sigterm.heard
        margin = 2 * (self._longest_step + self._longest_save)
        late = self._until is not None and now + margin >= self._until
        overdue = self._every_seconds is not None and now - self._last_save >= self._every_seconds
        asked, late, overdue = self._ranks.any(asked, late, overdue)
        if asked or late:
            self.save(score)
            self.wait()
            if asked:
                leave()
            raise SystemExit(143 if asked else OUT_OF_TIME)
        by_steps = self._every is not None and self.step % self._every == 0
        if by_steps or overdue:
            self.save(score)

    def save(self, score: float | None = None) -> None:
        """Take a copy of everything now; a thread writes it. If one is still writing, wait for that first.

        Parameters
        ----------
        score : float, optional
            How good the model is, for ``best=``. Without one a step that was saved before keeps its score.

        Raises
        ------
        InputError
            If the folder holds files of an earlier run that was not resumed.
        OSError
            If the last file could not be written.
        """
        self.wait()
        score = self._ranks.agree(score)
        if not self._mine and files.steps(self._folder):
            raise InputError(
                f"Checkpoint.save: {self._folder} holds the files of an earlier run; call resume() before, or choose "
                "another folder"
            )
        self._mine = True
        self._folder.mkdir(parents=True, exist_ok=True)
        self._last_save = time.monotonic()
        if score is not None or self._scored[0] != self.step:
            self._scored = self.step, None if score is None else float(score)
        job = (self._state(), self._program(), *self._scored)
        writer = threading.Thread(target=self._write, args=job, name="tinygrad_lite checkpoint")
        _writers[str(self._folder.resolve())] = writer
        writer.start()

    def _state(self) -> dict[str, Any]:
        """A copy of everything."""
        saved = {name: part for name, part in self._parts.items() if self._ranks.saves(part)}
        parts = {name: copy.deepcopy(copied(part)) for name, part in saved.items()}
        loader = parts.get("loader", {})
        done = self.step > self._first_step and loader.get("start", "") is None  # between two iterations
        epoch, first = (self.epoch + 1, self.step) if done else (self.epoch, self._first_step)
        return {"step": self.step, "epoch": epoch, "first_step": first, "parts": parts}

    def _write(self, state: Any, program: Any, step: int, score: float | None) -> None:
        begin = time.monotonic()
        try:
            files.write(self._folder, state, program, step, score)
            files.rotate(self._folder, step, self._keep, self._best)
        except BaseException as error:
            self._failure = error
        self._longest_save = max(self._longest_save, time.monotonic() - begin)

    def wait(self) -> None:
        """Wait until the file is on the disk.

        Raises
        ------
        OSError
            If it could not be written.
        """
        writer = _writers.get(str(self._folder.resolve()))  # which may be another Checkpoint's, of a run left here
        if writer is not None:
            writer.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


def _outline(value: Any) -> str:
    """What a tensor of a module must have in common with that in a file."""
    try:
        return f"{value.dtype} {tuple(value.shape)}"
    except (AttributeError, RuntimeError):  # no tensor; or one of a lazy layer
        return _UNKNOWN
