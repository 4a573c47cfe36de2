"""The threads of NumPy's OpenBLAS: they sleep soon, whoever loads NumPy first, and nobody else notices."""

from __future__ import annotations

import pytest
from fresh_process import run

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.native import openblas

PRODUCTS = """
    import os
    before = dict(os.environ)
    {first}
    import tinygrad_lite as tg
    import numpy as np
    from tinygrad_lite.kernels.native import openblas, threads
    x = np.arange(250_000.0).reshape(500, 500)
    expected = x @ x
    threads._hire(1)
    done = openblas.let_idle_threads_sleep()
    np.testing.assert_array_equal(x @ x, expected)
    pid = os.fork()
    if not pid:
        os._exit(0 if np.array_equal(x @ x, expected) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert dict(os.environ) == before  # what a user's own NumPy, or a process of theirs, would see
    print(done, openblas.get_num_threads())
"""

needs_openblas = pytest.mark.skipif(openblas.get_num_threads() is None, reason="NumPy uses another BLAS")


@needs_openblas
@pytest.mark.parametrize("first", ["import numpy", "import tinygrad_lite"])
def test_products_go_on_in_threads_that_were_started_anew(first):
    assert run(PRODUCTS.format(first=first), OPENBLAS_NUM_THREADS="2") == "True 2\n"


@needs_openblas
@pytest.mark.parametrize("setting", [{"OPENBLAS_THREAD_TIMEOUT": "20"}, {"OPENBLAS_NUM_THREADS": "1"}])
def test_what_the_user_has_set_stays(setting):
    assert run(PRODUCTS.format(first="pass"), **setting).startswith("False ")


@needs_openblas
def test_nothing_is_restarted_beside_threads_that_may_be_in_a_product():
    code = """
        import numpy, threading
        stop = threading.Event()
        other = threading.Thread(target=stop.wait)
        other.start()
        from tinygrad_lite.kernels.native import openblas
        print(openblas.let_idle_threads_sleep())
        stop.set()
    """
    assert run(code, OPENBLAS_NUM_THREADS="2") == "False\n"


@needs_openblas
def test_set_num_threads_sets_both_pools():
    before = kernels.get_num_threads(), openblas.get_num_threads()
    try:
        tg.set_num_threads(2)
        assert (kernels.get_num_threads(), openblas.get_num_threads()) == (2, 2)
        kernels.set_num_threads(1)
        assert openblas.get_num_threads() == 2
        with pytest.raises(ValueError, match="set_num_threads: .* at least 1, got 0"):
            tg.set_num_threads(0)
        assert openblas.get_num_threads() == 2
    finally:
        kernels.set_num_threads(before[0])
        openblas.set_num_threads(before[1])
