"""The backend switch, kernels beside their twins, and the threads."""

from __future__ import annotations

import os
import sys
import textwrap
import threading

import numpy as np
import pytest
from fresh_process import STEP, run

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels import kernel, select
from tinygrad_lite.kernels.native import find_arrays, memory, object_layout, threads, worker_threads
from tinygrad_lite.kernels.native.codegen import loop

# The switch


def test_use_chooses_and_restores():
    before = kernels.backend()
    with kernels.use("numpy"):
        assert kernels.backend() == "numpy"
        with kernels.use("numba"):
            assert kernels.backend() == "numba"
        assert kernels.backend() == "numpy"
    assert kernels.backend() == before
    with pytest.raises(ValueError, match=r"kernels.use: the backend must be 'numba' or 'numpy', got 'cuda'"):
        kernels.use("cuda")
    assert kernels.backend() == before


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_the_variable_chooses(name):
    code = "from tinygrad_lite import kernels; print(kernels.backend())"
    assert run(code, TINYGRAD_LITE_KERNELS=name).strip() == name


def test_a_wrong_variable_is_named():
    code = """
    from tinygrad_lite import kernels
    try:
        kernels.backend()
    except ValueError as error:
        print(error)
    """
    expected = "TINYGRAD_LITE_KERNELS: the backend must be 'numba' or 'numpy', got 'cuda'"
    assert run(code, TINYGRAD_LITE_KERNELS="cuda").strip() == expected


WITHOUT_NUMBA = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numba":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
sys.path_importer_cache.clear()
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name == "numba" else find(name, *a)
"""


def test_everything_works_without_numba():
    code = STEP.replace('"numba"', '"numpy"')
    tail = """
try:
    kernels.use("numba")
except ImportError as error:
    print(error)
"""
    assert run(WITHOUT_NUMBA + code + tail).startswith("kernels.use: numba is not installed")


UNUSABLE = (
    STEP.replace('"numba"', '"numpy"')
    + """
import tinygrad_lite as tg
x = tg.ones(1, 1, 4, 4, requires_grad=True)
tg.nn.functional.conv2d(x, tg.ones(1, 1, 3, 3)).sum().backward()
assert x.grad[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]
"""
)


def with_warnings(code):
    return (
        "import warnings\n"
        f"with warnings.catch_warnings(record=True) as heard:\n    warnings.simplefilter('always')\n"
        f"{textwrap.indent(code, '    ')}\n"
        "print(*(w.message for w in heard), sep='; ')"
    )


@pytest.mark.parametrize("error", ["ImportError", "SystemError"])
def test_where_llvmlite_cannot_be_imported_numpy_takes_its_place(error, tmp_path):
    (tmp_path / "llvmlite").mkdir()
    (tmp_path / "llvmlite" / "__init__.py").write_text(f"raise {error}('needs another system')")
    said = f"numba is installed, but its llvmlite cannot be imported ({error}: needs another system)"
    told = run(with_warnings(UNUSABLE), PYTHONPATH=str(tmp_path)).strip()
    assert told == f"tinygrad_lite: {said}; everything runs on NumPy"


@pytest.mark.parametrize("error", ["ImportError", "SystemError"])
def test_where_numba_cannot_be_imported_only_what_needs_it_runs_on_numpy(error, tmp_path):
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(f"raise {error}('needs another NumPy')")
    (tmp_path / "of_users.py").write_text(
        "from tinygrad_lite.kernels import kernel\n\n\n@kernel(lambda x: x[x > 0])\ndef chosen(x):\n"
        "    return x[x > 0]\n"
    )
    ask = (
        "\nimport numpy as np, of_users\nfor _ in range(2):\n    assert of_users.chosen(np.ones(3)).tolist() == [1] * 3"
    )
    told = run(with_warnings(UNUSABLE.replace('"numpy"', '"numba"') + ask), PYTHONPATH=str(tmp_path)).strip()
    said = f"numba is installed, but cannot be imported ({error}: needs another NumPy)"
    assert told == f"tinygrad_lite: {said}; chosen, which needs it, runs on NumPy"


def test_where_numba_is_switched_off_numpy_takes_its_place():
    ask = "\ntry:\n    kernels.use('numba')\nexcept ImportError as error:\n    print(error)"
    asked, told = run(with_warnings(UNUSABLE + ask), NUMBA_DISABLE_JIT="1").splitlines()
    assert told == "tinygrad_lite: numba is switched off by NUMBA_DISABLE_JIT; everything runs on NumPy"
    assert asked == "kernels.use: numba is switched off by NUMBA_DISABLE_JIT; or choose 'numpy'"


def test_numba_is_imported_by_what_needs_it_only():
    code = """
    import sys
    from tinygrad_lite import kernels, optim
    sgd = optim.SGD(lr=0.1)
    print("numba" in sys.modules)
    with kernels.use("numpy"):
        sgd.update({"x": 1.0}, {"x": 1.0})
    print("numba" in sys.modules)
    with kernels.use("numba"):
        sgd.update({"x": 1.0}, {"x": 1.0})
    print("numba" in sys.modules, "llvmlite" in sys.modules)
    """
    assert run(code).split() == ["False", "False", "False", "True"]


# @kernel

SLOPE = 0.25


def clipped(x, low):
    return low if x < low else x


def leaky_plain(x):
    return np.where(x > 0, np.maximum(x, 1), SLOPE * x)


@kernel(leaky_plain)
def leaky(x):
    """Return what its twin does, by a helper, a constant and `select`."""
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = select(x[i] > 0, clipped(x[i], 1), SLOPE * x[i])
    return out


@kernel(lambda x: leaky_plain(leaky_plain(x)))
def twice(x):
    return leaky(leaky(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_kernel_agrees_with_its_twin(dtype):
    x = np.linspace(-2, 2, 9).astype(dtype)
    for each in (leaky, twice):
        with kernels.use("numpy"):
            plain = each(x)
            assert each.run is each.plain
        with kernels.use("numba"):
            compiled = each(x)
            assert each.run is each.compiled.call
        assert compiled.dtype == dtype
        np.testing.assert_array_equal(compiled, plain)


def test_select_is_where():
    c = np.array([True, False])
    np.testing.assert_array_equal(select(c, np.ones(2), np.zeros(2)), [1.0, 0.0])

    @kernel(select)
    def selected(condition, a, b):
        return select(condition, a, b)

    with kernels.use("numba"):
        np.testing.assert_array_equal(selected(c, np.ones(2), np.zeros(2)), [1.0, 0.0])
        assert selected(False, 1.0, 2.0) == 2.0


def test_a_kernel_says_what_it_cannot_use():
    table = {}

    @kernel(len)
    def bad(x):
        return table[x]

    with kernels.use("numba"), pytest.raises(TypeError, match="'table' is a dict"):
        bad(1)


# Addresses


def test_addresses_are_those_numpy_gives():
    like = [np.ones(3), np.ones((2, 4)), np.asfortranarray(np.ones((3, 2))), np.array(1.0), np.ones((0, 2))]
    expected, out = find_arrays.Expected(like), np.zeros(5, np.intp)
    others = [a.copy("K") for a in like]
    others[0] = np.ones(3, np.dtype(np.float64, copy=True))  # equal, but another object
    assert others[0].dtype is not like[0].dtype
    for find in (expected.locate, expected._locate_slowly):
        out[:] = 0
        assert find(others, out) == -1
        assert out.tolist() == [a.ctypes.data for a in others]


@pytest.mark.parametrize(
    "misfit",
    [
        np.ones((2, 4), np.float32),
        np.ones((4, 2)),
        np.ones(8),
        np.asfortranarray(np.ones((2, 4))),
        np.ones((2, 8))[:, ::2],
        np.ones((2, 4), ">f8"),
        np.ones((2, 4), np.int64),
        np.ones((2, 4)).view(np.recarray),
        np.float64(1),  # what NumPy makes of an array without dimensions
        [1.0, 2.0],
    ],
    ids=["dtype", "shape", "ndim", "order", "strides", "byteorder", "kind", "subclass", "number", "list"],
)
def test_misfits_are_found(misfit):
    expected, out = find_arrays.Expected([np.ones(3), np.ones((2, 4))]), np.zeros(2, np.intp)
    for find in (expected.locate, expected._locate_slowly):
        assert find([np.ones(3), misfit], out) == 1


@pytest.mark.skipif(not object_layout.known(), reason="another Python keeps its objects otherwise")
def test_gradients_that_were_collected_stay_alive():
    tensors = [tg.ones(*shape, requires_grad=True) for shape in ((3,), (), (2, 4))]
    out = np.zeros(3, np.intp)
    targets = [int(out.ctypes.data) + 8 * i for i in (0, 1)] + [0]
    collector = find_arrays.Collector(tensors, [t._data for t in tensors], targets)
    assert collector.collect(tensors) is None  # there are none
    for t in tensors[:2]:
        t.grad = tg.full(t.shape, 2.0)
    arrays = [t.grad._data for t in tensors[:2]]
    counts = [list(map(sys.getrefcount, arrays))]
    found = collector.collect(tensors)
    counts.append(list(map(sys.getrefcount, arrays)))
    assert list(map(id, found)) == [*map(id, arrays), id(None)]
    assert out.tolist() == [a.ctypes.data for a in arrays] + [0]
    tensors[1].grad = None
    assert collector.collect(tensors) is None  # and what was collected in vain is let go
    del found
    counts.append(list(map(sys.getrefcount, arrays)))
    (a, b), *later = counts
    assert later == [[a + 1, b + 1], [a, b - 1]]


@pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="here a long double is a double")
def test_long_doubles_are_left_to_numpy():
    x = np.linspace(-1, 1, 5000).astype("g")
    t = tg.from_numpy(x)
    for found, expected in ((t.sum(), x.sum()), (t.mean(), x.mean()), (t.prod(), x.prod()), (t.var(), x.var(ddof=1))):
        assert found.numpy().dtype == x.dtype
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-15, atol=1e-18)
    for short in (t[:9], t):
        np.testing.assert_array_equal(tg.relu(short).numpy(), np.maximum(short.numpy(), 0))
    rows = tg.nn.functional.layer_norm(t.reshape(50, 100), (100,))
    assert rows.numpy().dtype == x.dtype
    np.testing.assert_allclose(rows.numpy().mean(1), np.zeros(50), atol=1e-15)


# Threads


@kernel(lambda n, out, cursor: None)
def counted(n, out, cursor):
    """Take pieces until none is left; note how often each was done."""
    done = 0
    while True:
        piece = memory.claim(cursor)
        if piece >= n:
            return done
        for _ in range(20000):
            out[piece] += 1
        done += 1


@pytest.mark.parametrize("helpers", [0, 1, 5])
def test_every_piece_is_done_once(helpers):
    for _ in range(20):
        out = np.zeros(40, np.int64)
        threads.launch(counted.compiled, 40, 40, out, helpers=helpers)
        assert (out == 20000).all()


def test_the_number_of_threads():
    before = kernels.get_num_threads()
    try:
        kernels.set_num_threads(3)
        assert kernels.get_num_threads() == 3
        for bad in (0, -1, 1.5, True, "2"):
            with pytest.raises(ValueError, match="must be an integer of at least 1"):
                kernels.set_num_threads(bad)
    finally:
        kernels.set_num_threads(before)
    code = "from tinygrad_lite import kernels; print(kernels.get_num_threads())"
    assert run(code, TINYGRAD_LITE_THREADS="7").strip() == "7"


@kernel(lambda bad, out, cursor: None)
def failing(bad, out, cursor):
    """As `counted`, for eight pieces of which one fails."""
    done = 0
    while True:
        piece = memory.claim(cursor)
        if piece >= 8:
            return done
        if piece == bad:
            raise ValueError("no such piece")
        for _ in range(20000):
            out[piece] += 1
        done += 1


@pytest.mark.parametrize("bad", range(8))
def test_a_failure_in_any_thread_is_told(bad):
    for helpers, error in ((0, ValueError), (1, RuntimeError)):
        with pytest.raises(error, match="no such piece" if helpers == 0 else "failing: failed in one of 2 threads"):
            threads.launch(failing.compiled, 8, bad, np.zeros(8, np.int64), helpers=helpers)
    out = np.zeros(8, np.int64)
    threads.launch(failing.compiled, 8, -1, out, helpers=1)  # whoever was to help still does
    assert (out == 20000).all()


@kernel(lambda out, cursor: None)
def unreturned(out, cursor):
    out[memory.claim(cursor)] = 1


def test_a_kernel_to_be_shared_may_return_nothing():
    for _ in range(2):
        out = np.zeros(2, np.int64)
        threads.launch(unreturned.compiled, 2, out, helpers=1)
        assert out.any()


def test_types_are_told_apart():
    """Machine code is called by its address: for one dtype or order it must never see another."""
    alike = [np.zeros(40, np.int64), np.zeros(40, np.int32), np.zeros(80, np.int64)[::2]]
    for _ in range(2):
        for each in alike:
            each[:] = 0
            threads.launch(counted.compiled, 40, 40, each, helpers=1)
            assert (each == 20000).all()
    assert len({found.address for found in counted.compiled._compiled.values()}) >= 3
    for n in (40.0, np.int64(40), np.float32(40)):
        alike[0][:] = 0
        threads.launch(counted.compiled, 40, n, alike[0], helpers=1)
        assert (alike[0] == 20000).all()


def test_what_is_read_only_is_not_written():
    read_only = np.zeros(40, np.int64)
    read_only.flags.writeable = False
    counted.compiled(40, np.zeros(40, np.int64), np.zeros(1, np.intp))
    with pytest.raises(Exception, match="(?i)read.?only"):
        counted.compiled(40, read_only, np.zeros(1, np.intp))
    assert not read_only.any()


def test_where_there_are_no_more_threads_a_launch_goes_on_alone(monkeypatch):
    class Thread(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads.threading, "Thread", Thread)
    monkeypatch.setattr(threads, "_bells", [])
    monkeypatch.setattr(threads, "_crew", None)
    monkeypatch.setattr(threads, "_base", 0)
    out = np.zeros(40, np.int64)
    threads.launch(counted.compiled, 40, 40, out, helpers=3)
    assert (out == 20000).all()


def test_launches_of_several_threads_at_once():
    """One has the helpers, the others go on alone."""
    outs = [np.zeros(40, np.int64) for _ in range(4)]

    def work(out):
        for _ in range(20):
            threads.launch(counted.compiled, 40, 40, out, helpers=2)

    each = [threading.Thread(target=work, args=(out,)) for out in outs]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()
    assert all((out == 20 * 20000).all() for out in outs)


def test_a_helper_serves_and_falls_asleep():
    slots = worker_threads.slots(1)
    assert slots.ctypes.data % 64 == 0
    serve, base = loop.compiled(worker_threads.serve), slots.ctypes.data
    loop.compiled(worker_threads.enlist)(base + worker_threads.SLOT)
    helper = threading.Thread(target=serve, args=(slots, 1, 3))  # without the GIL, or nobody could post
    helper.start()
    launch = counted.compiled.launch
    launch(0, 0, 40, np.zeros(40, np.int64), np.zeros(1, np.intp))
    for _ in range(50):
        out = np.zeros(40, np.int64)
        assert not launch(slots.ctypes.data, 1, 40, out, np.zeros(1, np.intp))
        assert (out == 20000).all()
        assert slots[0, 0] == 0
    slots[0, 0] = worker_threads.BUSY  # another launch has them
    assert not launch(slots.ctypes.data, 1, 40, out, np.zeros(1, np.intp))
    assert (out == 40000).all()
    assert slots[0, 0] == worker_threads.BUSY
    while slots[1, 0] != worker_threads.GONE:
        loop.compiled(worker_threads.dismiss)(base, 1)
    helper.join()


@pytest.mark.parametrize("rounds", [0, 1, 1_000_000])
def test_launches_however_long_is_waited(rounds, monkeypatch):
    monkeypatch.setattr(threads, "WAIT", rounds)
    x = tg.tensor(np.random.default_rng(0).standard_normal(600_000).astype(np.float32), requires_grad=True)
    before = kernels.get_num_threads()
    kernels.set_num_threads(3)
    try:
        for _ in range(20):
            x.grad = None
            tg.gelu(x).sum().backward()
        found = x.grad.numpy().copy()
    finally:
        kernels.set_num_threads(before)
    with kernels.use("numpy"):
        x.grad = None
        tg.gelu(x).sum().backward()
    np.testing.assert_allclose(found, x.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("layer", ["workqueue", "omp", "tbb"])
def test_a_fork_after_a_shared_launch(layer):
    """As a loader of data does it: parent and child both go on stepping, whatever numba's own threads are."""
    code = """
    import os, sys, warnings
    import numpy as np
    from tinygrad_lite import kernels, optim
    from tinygrad_lite.optim.step.plan.parameter_batch import SHARED
    kernels.set_num_threads(2)
    def run():
        params, adam = {"w": np.ones(SHARED + 5)}, optim.Adam(lr=0.5)
        for _ in range(3):
            adam.update(params, {"w": np.ones(SHARED + 5)})
        return params["w"]
    first = run()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of any fork with threads
        child = os.fork()
    ok = np.array_equal(run(), first)
    if child == 0:
        os._exit(0 if ok else 1)
    assert ok and os.waitpid(child, 0)[1] == 0
    """
    run(code, NUMBA_THREADING_LAYER=layer)


def test_a_wrong_number_of_threads_is_blamed_on_its_variable(monkeypatch):
    monkeypatch.setattr(threads, "_count", None)
    for wrong in ("abc", "0", "-1", "1.5"):
        monkeypatch.setenv("TINYGRAD_LITE_THREADS", wrong)
        message = f"TINYGRAD_LITE_THREADS: the number of threads must be an integer of at least 1, got '{wrong}'"
        with pytest.raises(ValueError, match=message):
            kernels.get_num_threads()
    monkeypatch.setenv("TINYGRAD_LITE_THREADS", "3")
    assert kernels.get_num_threads() == 3


def test_a_kernel_leaves_what_it_does_not_serve_to_its_twin():
    said = []

    def twin(x, out):
        said.append(x.size)
        np.add(x, 1, out=out)

    def loop(x, out):
        for i in range(x.size):
            out[i] = x[i] + 1

    one_more = kernels.kernel(twin, dtypes="fd", least=3)(loop)
    for backend in ("numba", "numpy"):
        with kernels.use(backend):
            for dtype, size in (("f", 2), ("f", 3), ("d", 4), ("i", 5)):
                out = np.zeros(size, dtype)
                one_more(np.arange(size, dtype=dtype), out)
                assert out.tolist() == list(range(1, size + 1))
    assert said == [2, 5, 2, 3, 4, 5]  # compiled, and without numba
