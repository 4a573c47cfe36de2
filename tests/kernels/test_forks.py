"""Forks while other threads draw, compile, and hold every lock that the library has."""

from __future__ import annotations

import os

import pytest
from fresh_process import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

DRAWING = """
import os, signal, threading, warnings
import tinygrad_lite as tg
warnings.simplefilter("ignore")  # Python 3.12 warns of any fork with threads

own = tg.Generator().manual_seed(3)


def draw(generator):
    while True:
        tg.randn(20_000, generator=generator)


for generator in (None, own):
    threading.Thread(target=draw, args=(generator,), daemon=True).start()
for _ in range(40):
    child = os.fork()
    if not child:
        signal.alarm(20)
        tg.rand(1), tg.rand(1, generator=own), tg.manual_seed(0), tg.rand(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
tg.rand(1), tg.rand(1, generator=own)  # nothing is locked here either
os._exit(0)
"""

LOCKS = """
import os, pkgutil, importlib, sys, threading, warnings
import tinygrad_lite
warnings.simplefilter("ignore")
kinds = type(threading.Lock()), type(threading.RLock())
for module in pkgutil.walk_packages(tinygrad_lite.__path__, "tinygrad_lite."):
    if not module.name.endswith(("__main__", "as_torch")):
        importlib.import_module(module.name)


def found():
    from tinygrad_lite.kernels.native.forks import waited_for

    waited = [id(each) for held in waited_for for each in held()]  # a fork waits until these are free
    return {
        (name, key): value
        for name, module in sys.modules.items() if name.startswith("tinygrad_lite")
        for key, value in vars(module).items() if isinstance(value, kinds) and id(value) not in waited
    }


def hold(locks, ready, wait):
    for each in locks:
        each.acquire()
    ready.set()
    wait.wait()


ready, wait = threading.Event(), threading.Event()
locks = set(found().values())
threading.Thread(target=hold, args=(locks, ready, wait), daemon=True).start()
ready.wait()
child = os.fork()
if not child:
    stuck = [name for name, each in found().items() if not each.acquire(timeout=1)]
    print(*stuck, flush=True)
    os._exit(len(stuck))
assert os.waitpid(child, 0)[1] == 0
wait.set()
print(len(locks))
"""

COMPILING = """
import os, signal, threading, warnings
from numba.core.compiler_lock import global_compiler_lock
from tinygrad_lite.kernels.native.compile import build
warnings.simplefilter("ignore")
inside, end = threading.Event(), threading.Event()


def compile_for_a_while():
    with global_compiler_lock:
        inside.set()
        end.wait(0.2)


threading.Thread(target=compile_for_a_while).start()
inside.wait()
child = os.fork()
if not child:
    signal.alarm(60)
    source = "from tinygrad_lite.kernels.native.compile import jit\\n\\n\\n@jit\\ndef double(x):\\n    return x + x\\n"
    os._exit(0 if build("double", source)["double"](2) == 4 else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_child_draws_while_the_parents_other_threads_do():
    run(DRAWING, TINYGRAD_LITE_KERNELS="numpy")


def test_no_lock_of_the_library_is_held_in_a_child():
    pytest.importorskip("numba", reason="kernels are compiled by numba")
    lines = run(LOCKS).split()
    assert int(lines[-1]) >= 4


def test_a_child_compiles_while_another_thread_of_its_parent_did(tmp_path):
    pytest.importorskip("numba", reason="kernels are compiled by numba")
    run(COMPILING, TINYGRAD_LITE_CACHE=str(tmp_path))
