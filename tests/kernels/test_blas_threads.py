"""The threads of NumPy's OpenBLAS: helpers do their work, or they sleep soon, and nobody else notices."""

from __future__ import annotations

import os
import sys
import textwrap

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
    threads.takes_jobs_elsewhere = lambda: False  # as older ones
    asked, threads.let_idle_threads_sleep = [], lambda: asked.append(openblas.let_idle_threads_sleep())
    threads._hire(1)
    (done,) = asked
    np.testing.assert_array_equal(x @ x, expected)
    pid = os.fork()
    if not pid:
        os._exit(0 if np.array_equal(x @ x, expected) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert dict(os.environ) == before  # what a user's own NumPy, or a process of theirs, would see
    print(done, openblas.get_num_threads())
"""

LENT = """
    import os, threading, time
    import numpy as np
    import tinygrad_lite as tg
    from tinygrad_lite.kernels.native import openblas, threads
    from tinygrad_lite.kernels.native.worker_threads import RECORD, STARTED
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((300, 200)), rng.standard_normal((200, 250))
    expected = x @ y
    same = lambda: np.array_equal(x @ y, expected)
    threads._hire(1)
    assert openblas.takes_jobs_elsewhere() and same()  # whether the helper has started or not
    while not threads._crew[1, STARTED // 8]: time.sleep(0.001)
    {what}
    print("done")
"""

WHAT = {
    "products have the same bits, whoever has the helpers": """
    assert same() and threads._crew[1, RECORD // 8], "a helper had a job"
    threads._crew[0, 0] = 1  # others have them for long, as `conduct` notes it
    assert same()
    threads._crew[0, 0] = 0
    assert same()
    large = tg.randn(1 << 20)
    wrong = []
    def work(launches):
        for _ in range(40):
            if not same():
                wrong.append(launches)
            if launches:
                (large * 2 + 1).sum()
    users = [threading.Thread(target=work, args=(k % 2,)) for k in range(5)]
    for user in users: user.start()
    for user in users: user.join()
    assert not wrong  # a user's threads share helpers among products and launches
    openblas.set_num_threads(5)  # more parts than helpers
    for _ in range(20):
        np.testing.assert_allclose(x @ y, expected, atol=1e-12)
    """,
    "a system that has no thread left for a while": """
    import resource
    limits, allowed, out = resource.getrlimit(resource.RLIMIT_AS), [], np.empty_like(expected)
    def allow():
        time.sleep(0.2)
        allowed.append(True)
        resource.setrlimit(resource.RLIMIT_AS, limits)
    user = threading.Thread(target=allow)
    user.start()
    threads._crew[0, 0] = 1
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 20), limits[1]))  # less than the stack of a thread
    np.matmul(x, y, out=out)
    assert allowed and np.array_equal(out, expected)
    user.join()
    """,
    "a child has none, and hires its own": """
    for _ in range(3):
        child = os.fork()
        if not child:
            well = same()
            threads._hire(1)
            os._exit(0 if well and same() else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert same()
    """,
    "the interpreter ends while a thread multiplies": """
    threading.Thread(target=lambda: [same() for _ in range(1 << 30)], daemon=True).start()
    """,
}

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
@pytest.mark.skipif(os.name != "posix", reason="helpers sleep in Python there, and are not lent")
@pytest.mark.parametrize("what", [w for w in WHAT if "statm" not in WHAT[w] or sys.platform == "linux"])
def test_helpers_do_the_parts_of_products(what):
    assert (
        run(LENT.format(what=textwrap.dedent(WHAT[what]).strip().replace("\n", "\n    ")), OPENBLAS_NUM_THREADS="2")
        == "done\n"
    )


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
