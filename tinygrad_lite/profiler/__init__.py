"""Time and memory by operation, forward and backward, with the caller's line: a table and a trace.

Examples
--------
>>> from tinygrad_lite.profiler import profile
>>> w = tg.randn(64, 64, requires_grad=True)
>>> with profile() as found:
...     (w @ w).tanh().sum().backward()
>>> sorted(average.key for average in found.key_averages())
['accumulate', 'expand', 'matmul', 'matmul backward', 'sum', 'sum backward', 'tanh', 'tanh backward']
"""

from .events import Average, Averages, Event
from .profile import ProfilerAction, ProfilerActivity, profile, record_function, schedule, tensorboard_trace_handler

__all__ = [
    "Average", "Averages", "Event", "ProfilerAction", "ProfilerActivity", "profile", "record_function", "schedule",
    "tensorboard_trace_handler",
]  # fmt: skip
