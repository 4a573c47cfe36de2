"""A pytest plugin: modules checked from the command line, fixtures for tests of one's own, seeds that are printed.

    pytest --tg-module package:Net --tg-input 2,3,32,32         # no test file
    pytest --tg-module "package:Net(10, bias=False)" --tg-input 2,3,32,32 --tg-input "int:2<10"

It stands outside of the library, so that pytest loads neither that nor NumPy until something here is used.
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import zlib
from collections.abc import Generator
from typing import Any

import pytest

MODES = ("train", "eval")
DTYPES = ("float64", "float32")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tinygrad_lite", "checks of modules")
    group.addoption(
        "--tg-module", action="append", default=[], metavar="PACKAGE:NAME",
        help="check this module; NAME may be a class, a function that makes one, a module, or a call with literals",
    )  # fmt: skip
    group.addoption(
        "--tg-input", action="append", default=[], metavar="SHAPE",
        help="of each argument of its call: 2,3,32,32 for normal numbers, int:2,5<10 for integers below 10",
    )  # fmt: skip
    group.addoption("--tg-batch-dim", default="0", metavar="DIM", help="the dimension of samples, or none (0)")
    group.addoption(
        "--tg-causal", type=int, metavar="DIM", help="the dimension of time, if later inputs must not count"
    )
    group.addoption(
        "--tg-mask", metavar="[NAME=]LENGTHS",
        help="of the sequences along dimension 1 of the first input; what is behind them must not count. The module is "
        "given the mask, True there, as NAME",
    )  # fmt: skip
    group.addoption("--tg-allow", default="", metavar="KIND,...", help="kinds of breach of the contract that are meant")
    group.addoption(
        "--tg-allow-zero", default="", metavar="NAME,...", help="parameters without influence that are meant"
    )
    group.addoption("--tg-seed", type=int, default=0, metavar="SEED", help="of all random numbers (0)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "tg(modes=('train', 'eval'), dtypes=('float64', 'float32'), seed=None): what the fixtures tg_mode and tg_dtype "
        "go through, and the seed of tg_seed",
    )
    if config.getoption("--tg-module") and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []  # these alone, unless files are named, too


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say the seed where modules are checked."""
    return f"tinygrad_lite: --tg-seed={config.getoption('--tg-seed')}" if config.getoption("--tg-module") else None


# --- modules of the command line --------------------------------------------------------------------------------------


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    for target in config.getoption("--tg-module"):
        items += ModuleChecks.from_parent(session, name=target).collect()


class ModuleChecks(pytest.Collector):
    """What is checked of one module."""

    def collect(self) -> list[pytest.Item]:
        """The contract, then the gradients in each precision and mode."""
        single = [{"check": "gradients", "dtype": "float32", "mode": mode} for mode in MODES]
        return [
            ModuleCheck.from_parent(self, name="-".join(options.values()), options=options)
            for options in ({"check": "contract"}, *single)
        ]


class ModuleCheck(pytest.Item):
    """One check of one module."""

    def __init__(self, *, options: dict[str, str], **further: Any) -> None:
        super().__init__(**further)
        self.options = options

    def runtest(self) -> None:
        """Make the module and its arguments from the seed, and check it."""
        option, target = self.config.getoption, self.parent.name if self.parent else ""
        seed = self.tg_seed = option("--tg-seed")
        tg = _library(seed)
        module = made(target)
        inputs = [drawn(tg, text) for text in option("--tg-input")]
        mask, keywords = padding(tg, option("--tg-mask"), inputs)
        zero = [name for name in option("--tg-allow-zero").split(",") if name]
        if self.options["check"] == "contract":
            batch = option("--tg-batch-dim")
            tg.testing.check_module(
                module, *inputs, batch_dim=None if batch == "none" else int(batch), causal=option("--tg-causal"),
                mask=mask, allow=option("--tg-allow").split(","), allow_zero=zero, seed=seed, keywords=keywords,
            )  # fmt: skip
            return
        mode, dtype = self.options["mode"], getattr(tg, self.options["dtype"])
        tg.testing.gradcheck_module(
            module, *inputs, train=mode == "train", evaluate=mode == "eval", dtype=dtype, allow_zero=zero, seed=seed,
            keywords=keywords,
        )  # fmt: skip

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the check says, without the lines of the library."""
        if type(excinfo.value).__name__ in ("ContractError", "GradcheckError", "UsageError"):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        target = self.parent.name if self.parent else ""
        return self.config.rootpath, None, f"{target} [{self.name}]"


def made(target: str) -> Any:
    """The module that ``package:Net``, ``package:make_net`` or ``package:Net(3, bias=True)`` means."""
    package, colon, text = target.partition(":")
    if not colon:
        raise pytest.UsageError(f"--tg-module must be package:Name, got {target!r}")
    call = ast.parse(text.strip(), mode="eval").body
    args, keywords = [], {}
    if isinstance(call, ast.Call):
        args = [ast.literal_eval(a) for a in call.args]
        keywords = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
        text = ast.unparse(call.func)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found: Any = importlib.import_module(package)
    for name in text.strip().split("."):
        found = getattr(found, name)
    is_class = isinstance(found, type)
    return found(*args, **keywords) if is_class or not hasattr(found, "named_parameters") else found


def drawn(tg: Any, text: str) -> Any:
    """A random argument: ``2,3`` or ``int:2,3<10``."""
    kind, _, rest = text.rpartition(":")
    sizes, _, high = rest.partition("<")
    shape = [int(size) for size in sizes.split(",") if size.strip()]
    if kind == "int":
        return tg.randint(int(high or 2), shape)
    if kind:
        raise pytest.UsageError(f"--tg-input must be 2,3 or int:2,3<10, got {text!r}")
    return tg.randn(*shape)


def padding(tg: Any, text: str | None, inputs: list[Any]) -> tuple[Any, dict[str, Any]]:
    """The mask that ``3,1`` or ``NAME=3,1`` means for the first input (B, T, ...), and the keywords of the call."""
    if text is None:
        return None, {}
    name, _, lengths = text.rpartition("=")
    counts = [int(length) for length in lengths.split(",") if length.strip().isdigit()]
    if len(counts) != lengths.count(",") + 1 or [len(counts)] != [len(x) for x in inputs[:1] if x.ndim > 1]:
        shapes = [tuple(x.shape) for x in inputs[:1]]
        raise pytest.UsageError(
            f"--tg-mask must be [NAME=]LENGTHS, such as padding=3,1, with a length for each sample of the first "
            f"--tg-input, got {text!r} for {shapes}"
        )
    mask = tg.arange(inputs[0].shape[1]) >= tg.tensor(counts)[:, None]  # (B, T)
    return mask, {name: mask} if name else {}


# --- fixtures ---------------------------------------------------------------------------------------------------------


def _library(seed: int) -> Any:
    """The library and NumPy, at this seed."""
    tg = importlib.import_module("tinygrad_lite")
    importlib.import_module("numpy").random.seed(seed % 2**32)
    tg.manual_seed(seed)
    return tg


def _marked(holder: Any, name: str, default: Any) -> Any:
    found = [mark.kwargs[name] for mark in holder.iter_markers("tg") if name in mark.kwargs]
    return found[0] if found else default


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, name, default in (("tg_mode", "modes", MODES), ("tg_dtype", "dtypes", DTYPES)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, list(_marked(metafunc.definition, name, default)), indirect=True)


@pytest.fixture
def tg_seed(request: pytest.FixtureRequest) -> int:
    """Another seed for each test and each --tg-seed; the library and NumPy start from it."""
    default = request.config.getoption("--tg-seed") + zlib.crc32(request.node.nodeid.encode())
    seed = _marked(request.node, "seed", None)
    request.node.tg_seed = default if seed is None else seed
    _library(request.node.tg_seed)
    return int(request.node.tg_seed)


@pytest.fixture
def tg_mode(request: pytest.FixtureRequest) -> str:
    """The mode: first train, then eval."""
    return str(request.param)


@pytest.fixture
def tg_dtype(request: pytest.FixtureRequest) -> Any:
    """The library's float64, then its float32."""
    return getattr(importlib.import_module("tinygrad_lite"), request.param)


@pytest.fixture
def tg_gradcheck(tg_seed: int) -> Any:
    """`testing.gradcheck_module` or `gradcheck`, whichever fits, from the test's seed."""
    testing = importlib.import_module("tinygrad_lite.testing")

    def check(what: Any, *inputs: Any, **options: Any) -> Any:
        if hasattr(what, "named_parameters"):
            return testing.gradcheck_module(what, *inputs, seed=tg_seed, **options)
        return testing.gradcheck(what, inputs, seed=tg_seed, **options)

    return check


@pytest.fixture
def tg_check_module(tg_seed: int) -> Any:
    """`testing.check_module` from the test's seed."""
    testing = importlib.import_module("tinygrad_lite.testing")
    return lambda module, *inputs, **options: testing.check_module(module, *inputs, seed=tg_seed, **options)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    seed = getattr(item, "tg_seed", None)
    if seed is not None and report.failed:
        again = seed if isinstance(item, ModuleCheck) else item.config.getoption("--tg-seed")
        report.sections.append(("tinygrad_lite", f"seed {seed}; the same again with --tg-seed={again}"))
    return report
