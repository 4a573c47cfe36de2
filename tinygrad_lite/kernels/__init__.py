"""Compiled loops: which backend runs them, how they are compiled and kept, and how they share the cores.

    backend.py    numba or plain NumPy: the switch
    kernel.py     `@kernel`, `@serves`, `late`: a loop, its form in NumPy, and which arrays get which
    single_precision.py  float16 computed in float32 inside
    native/       the compiler, the cache on disk, addresses, threads, vector registers: how the machine is driven
    elementwise/  functions of one element, and the approximations that they are made of
    loops/        loops over rows, channels and indices
    losses/       cross entropy and CTC
    spatial/      convolutions, pools and stencils
    rnn/          recurrent layers over all steps in one launch

LLVM is loaded by the first kernel that runs, and numba by one that needs it, never by `import tinygrad_lite`.
"""

from __future__ import annotations

from .backend import backend as backend
from .backend import select as select
from .backend import use as use
from .kernel import Kernel as Kernel
from .kernel import kernel as kernel
from .native.threads import get_num_threads as get_num_threads
from .native.threads import set_num_threads as set_num_threads

__all__ = ["Kernel", "backend", "get_num_threads", "kernel", "select", "set_num_threads", "use"]
