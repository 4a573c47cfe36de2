"""`Timer` and `Measurement`: how long a statement takes, as `torch.utils.benchmark` says it."""

from __future__ import annotations

import math
import statistics
import timeit
from collections.abc import Callable
from typing import Any

from ..engine.errors import InputError
from ..torch_modules.settings import get_num_threads, set_num_threads

__all__ = ["Measurement", "Timer"]

_SHORTEST = 1e-4  # seconds of a block: the clock itself is off by a thousandth of it
_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9))


class Measurement:
    """Times of one statement.

    Parameters
    ----------
    number_per_run : int
        How often it ran for each of the times.
    raw_times : sequence of float
        In seconds, for all of these runs.
    label, sub_label, description : str, optional
    num_threads : int
    stmt : str
        What ran.

    Examples
    --------
    >>> from tinygrad_lite.utils.benchmark import Measurement
    >>> m = Measurement(10, [2e-5, 3e-5, 4e-5], label="sum")
    >>> f"{m.median:.1e}", f"{m.iqr:.1e}", m.title
    ('3.0e-06', '1.0e-06', 'sum')
    """

    def __init__(
        self, number_per_run: int, raw_times: Any, label: str | None = None, sub_label: str | None = None,
        description: str | None = None, num_threads: int = 1, stmt: str = "",
    ) -> None:  # fmt: skip
        if not raw_times:
            raise InputError("Measurement: raw_times must hold at least one time, got none")
        self.number_per_run, self.raw_times, self.num_threads = number_per_run, list(raw_times), num_threads
        self.label, self.sub_label, self.description, self._statement = label, sub_label, description, stmt

    @property
    def times(self) -> list[float]:
        """Seconds for one run, one for each of the times."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def median(self) -> float:
        """Seconds for one run: half of the times are shorter."""
        return statistics.median(self.times)

    @property
    def mean(self) -> float:
        """Seconds for one run, on average."""
        return statistics.fmean(self.times)

    @property
    def iqr(self) -> float:
        """From the time that a quarter of them stays below to that which a quarter exceeds."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    @property
    def significant_figures(self) -> int:
        """Digits of the median that its spread leaves."""
        if not self.iqr or not self.median:
            return 3
        return max(1, min(4, round(-math.log10(self.iqr / math.sqrt(len(self.times)) / self.median))))

    @property
    def has_warnings(self) -> bool:
        """Whether the times differ by more than a tenth."""
        return self.iqr > 0.1 * self.median

    @property
    def title(self) -> str:
        """Its labels, or the statement."""
        return ": ".join(text for text in (self.label, self.sub_label) if text) or self._statement

    def __repr__(self) -> str:
        unit, size = next((each for each in _UNITS if self.median >= each[1]), _UNITS[-1])
        threads = f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}"
        spread = f", IQR {self.iqr / size:.2f} {unit}" if len(self.times) > 1 else ""
        runs = f"{len(self.times)} measurement{'s' if len(self.times) > 1 else ''}, {self.number_per_run} runs each"
        return f"{self.title}\n  {self.median / size:.2f} {unit}{spread} ({runs}, {threads})"


class Timer:
    """Time a statement, with a number of threads that is set meanwhile.

    Parameters
    ----------
    stmt : str
    setup : str
        Runs once before.
    global_setup : str
        Must be empty: it is C++.
    timer : callable
        A clock.
    globals : dict, optional
        The names that the statement knows.
    label, sub_label, description, env : str, optional
    num_threads : int
    language : str
        "python".

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite.utils import benchmark
    >>> m = benchmark.Timer("x.sum()", globals={"x": tg.ones(10)}).timeit(100)
    >>> m.number_per_run, m.median > 0
    (100, True)
    """

    def __init__(
        self, stmt: str = "pass", setup: str = "pass", global_setup: str = "",
        timer: Callable[[], float] = timeit.default_timer, globals: Any = None, label: str | None = None,
        sub_label: str | None = None, description: str | None = None, env: str | None = None, num_threads: int = 1,
        language: Any = "python",
    ) -> None:  # fmt: skip
        if str(language).lower() not in ("python", "py", "language.python") or global_setup:
            raise InputError(f"Timer: language must be 'python', nothing is compiled from C++ here, got {language!r}")
        self._timer = timeit.Timer(stmt, setup, timer, globals={**(globals or {})})
        self._threads = num_threads
        self._named = {"label": label, "sub_label": sub_label, "description": description, "stmt": stmt}

    def _measured(self, number: int, times: list[float]) -> Measurement:
        return Measurement(number, times, num_threads=self._threads, **self._named)  # type: ignore[arg-type]

    def _run(self, measure: Callable[[], Any]) -> Any:
        before = get_num_threads()
        set_num_threads(self._threads)
        try:
            return measure()
        finally:
            set_num_threads(before)

    def timeit(self, number: int = 1000000) -> Measurement:
        """One time for so many runs, after some that are not counted."""

        def measure() -> Measurement:
            self._timer.timeit(max(number // 100, 2))
            return self._measured(number, [self._timer.timeit(number)])

        found: Measurement = self._run(measure)
        return found

    def repeat(self, repeat: int = -1, number: int = -1) -> Measurement:
        """So many times for so many runs."""
        return self._measured(number, self._run(lambda: self._timer.repeat(repeat, number)))

    def blocked_autorange(self, callback: Any = None, min_run_time: float = 0.2) -> Measurement:
        """Times of blocks of runs, each long enough for the clock, until they fill so many seconds.

        Parameters
        ----------
        callback : callable, optional
            Called with the number of runs and the time of each block.
        min_run_time : float
        """

        def measure() -> Measurement:
            number, spent, times = self._long_enough(min_run_time / 1000), 0.0, []
            while spent < min_run_time:
                times.append(self._timer.timeit(number))
                spent += times[-1]
                if callback is not None:
                    callback(number, times[-1])
            return self._measured(number, times)

        found: Measurement = self._run(measure)
        return found

    def _long_enough(self, seconds: float) -> int:
        number = 1
        self._timer.timeit(number)  # what is made by the first call does not count
        while self._timer.timeit(number) < max(seconds, _SHORTEST):
            number *= 10
        return number

    def adaptive_autorange(
        self, threshold: float = 0.1, *, min_run_time: float = 0.01, max_run_time: float = 10.0, callback: Any = None
    ) -> Measurement:
        """`blocked_autorange`, longer and longer until the times' spread is below a fraction of their median."""
        seconds = min_run_time
        while True:
            found = self.blocked_autorange(callback, seconds)
            if found.iqr <= threshold * found.median or 2 * seconds > max_run_time:
                return found
            seconds *= 2
