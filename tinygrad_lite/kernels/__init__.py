"""Compiled loops: which backend runs them, how they are compiled and kept, and how they share the cores.

    backend.py   numba or plain NumPy: the switch, and `@kernel`, which puts a loop beside its NumPy twin
    source.py    a Python function and all it uses, as the text of one module
    compile.py   numba's flags, and modules of kernels; disk_cache.py keeps what they compile to, patience.py says that
                 it takes a while
    memory.py    memory by address, for kernels
    objects.py   many arrays found and located in one compiled call
    threads.py   one launch shared between threads; crew.py passes work from one to the other, tasks.py makes it
    pieces.py    loops over rows, cut into pieces for such a launch
    tile.py      products in vector registers, in LLVM's own language
    plan.py      convolutions as such products: slabs.py, contract.py, gathered.py and convolve.py carry it out
    unroll.py    recurrent layers over all steps in one launch, with the products of panels.py; sequence.py in NumPy
    symmetric.py products of symmetric matrices, half of each computed; bfloat16.py others, in pairs (dot_pairs.py)
    warm.py      everything compiled ahead

numba is imported by the first kernel that runs, never by `import tinygrad_lite`.
"""

from __future__ import annotations

from .backend import Kernel as Kernel
from .backend import backend as backend
from .backend import kernel as kernel
from .backend import select as select
from .backend import use as use
from .threads import get_num_threads as get_num_threads
from .threads import set_num_threads as set_num_threads

__all__ = ["Kernel", "backend", "get_num_threads", "kernel", "select", "set_num_threads", "use"]
