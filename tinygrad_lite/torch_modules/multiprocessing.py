"""`tinygrad_lite.multiprocessing`: Python's, with `spawn` as PyTorch has it."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import *  # noqa: F403
from multiprocessing import get_context
from typing import Any

_SHARING = "file_descriptor"


def get_all_sharing_strategies() -> set[str]:
    """The one way in which processes share tensors here."""
    return {_SHARING}


def get_sharing_strategy() -> str:
    """The one way in which processes share tensors here."""
    return _SHARING


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing: tensors travel between processes as copies, and `Tensor.share_memory_` shares them with forked ones."""


class ProcessRaisedException(Exception):
    """A process that `spawn` started ended with an error.

    Parameters
    ----------
    msg : str
    error_index : int
        Which process.

    Examples
    --------
    >>> from tinygrad_lite.torch_modules.multiprocessing import ProcessRaisedException
    >>> ProcessRaisedException("process 1 ended with exit code 1", 1).error_index
    1
    """

    def __init__(self, msg: str, error_index: int) -> None:
        super().__init__(msg)
        self.error_index = error_index


class ProcessContext:
    """The processes that `spawn` started.

    Parameters
    ----------
    processes : list of Process

    Examples
    --------
    >>> from tinygrad_lite.torch_modules.multiprocessing import ProcessContext
    >>> ProcessContext([]).join()
    True
    """

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes

    def pids(self) -> list[int]:
        """Their numbers."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None) -> bool:
        """Wait for all of them, or for `timeout` seconds each; whether they have ended.

        Raises
        ------
        ProcessRaisedException
            If one ended with an error: the others are ended then.
        """
        waiting = list(enumerate(self.processes))
        while waiting:
            for index, process in list(waiting):
                process.join(0.05 if timeout is None else timeout)
                if process.exitcode is None:
                    continue
                waiting.remove((index, process))
                if process.exitcode != 0:
                    for other in self.processes:
                        other.terminate()
                    raise ProcessRaisedException(f"process {index} ended with exit code {process.exitcode}", index)
            if timeout is not None:
                break
        return not waiting


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Start processes that each call ``fn(i, *args)``, ``i`` being their number from 0, and wait for them."""
    context = get_context(start_method)
    processes = [context.Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]  # type: ignore[attr-defined]
    for process in processes:
        process.start()
    started = ProcessContext(processes)
    if not join:
        return started
    started.join()
    return None
