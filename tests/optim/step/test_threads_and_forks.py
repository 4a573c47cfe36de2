"""Steps from several threads, after a fork, and with each of numba's threading layers in use beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("numba", reason="compiled steps need numba")

PROGRAM = """
import faulthandler, os, sys, threading
import numba, numpy as np
import tinygrad_lite as tg
from tinygrad_lite import kernels, optim
from tinygrad_lite.optim.step.plan import parameter_batch as cohort

faulthandler.dump_traceback_later(100, exit=True)
kernels.set_num_threads(3)
cohort.SHARED = 1 << 17  # so that few numbers are shared, too


@numba.njit(parallel=True, cache=True)
def others(x):
    for i in numba.prange(x.size):
        x[i] += 1.0


def stepped(seed, size, steps=3):
    rng = np.random.default_rng(seed)
    p = tg.tensor(rng.standard_normal(size), requires_grad=True)
    optimizer = optim.Adam([p], lr=0.1, max_grad_norm=1.0 if seed % 2 else None)
    for _ in range(steps):
        p.grad = 0.5 * p.detach()
        optimizer.step()
    return p.detach().numpy()


SIZES = [1000, 50_000, cohort.SHARED + 17]
alone = [[stepped(seed, size) for size in SIZES] for seed in range(3)]


def same():
    found = [None] * 3

    def work(seed):
        found[seed] = [stepped(seed, size) for size in SIZES]

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return all(np.array_equal(a, b) for x, y in zip(found, alone) for a, b in zip(x, y))


if sys.argv[1] != "none":
    others(np.zeros(100_000))  # starts the layer's threads
    assert numba.threading_layer() == sys.argv[1], numba.threading_layer()
assert same()
if hasattr(os, "fork"):
    for _ in range(2):  # as a DataLoader does
        child = os.fork()
        if child == 0:
            os._exit(0 if same() else 1)
        assert os.waitpid(child, 0)[1] == 0
assert same()
print("all the same")
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """One file, beside which numba keeps what it has compiled."""
    path = tmp_path_factory.mktemp("forks") / "program.py"
    path.write_text(textwrap.dedent(PROGRAM))
    return path


@pytest.mark.parametrize("layer", ["none", "workqueue", "omp", "tbb"])
def test_threads_and_forks(layer, program):
    if layer in ("omp", "tbb"):
        code = f"from numba.np.ufunc import {layer}pool"
        if subprocess.run([sys.executable, "-c", code], capture_output=True).returncode:
            pytest.skip(f"numba has no {layer} here")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    if layer != "none":
        environment["NUMBA_THREADING_LAYER"] = layer
    done = subprocess.run(
        [sys.executable, str(program), layer], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.stdout == "all the same\n", done.stderr
    assert done.returncode == 0, done.stderr


def test_gradients_are_dropped_and_data_rebound_by_other_threads(tmp_path):
    """What is a mistake of the user's must not crash the interpreter."""
    path = tmp_path / "program.py"
    path.write_text(
        textwrap.dedent("""
            import threading, time
            import numpy as np
            import tinygrad_lite as tg
            from tinygrad_lite import optim
            from tinygrad_lite.optim.step.plan import parameter_batch as cohort

            params = [tg.tensor(np.ones(n, np.float32), requires_grad=True) for n in (1000, 50_000, cohort.SHARED)]
            stop = time.perf_counter() + 1.0

            def disturb():
                while time.perf_counter() < stop:
                    for p in params:
                        p.grad = None
                        p.grad = tg.tensor(np.full(p.shape, 1e-3, np.float32))
                        p.data = tg.tensor(p.detach().numpy().copy())

            thread = threading.Thread(target=disturb)
            small, large = optim.Adam(params[:2]), optim.Adam(params)
            thread.start()
            while time.perf_counter() < stop:
                for optimizer in (small, large):
                    try:
                        optimizer.step()
                    except RuntimeError as error:
                        assert "change while a step is prepared" in str(error), error
            thread.join()
            print("alive")
        """)
    )
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=300)
    assert (done.stdout, done.returncode) == ("alive\n", 0), done.stderr
