"""``python -m tinygrad_lite run`` and ``import tinygrad_lite.as_torch``: programs of PyTorch's, as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinygrad_lite import __main__

ROOT = Path(__file__).resolve().parents[2]
TORCH = find_spec("torch") is not None


def python(*arguments: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "TINYGRAD_LITE_AS_TORCH"}
    kept |= {"PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=kept, capture_output=True, text=True, timeout=120, check=False
    )


MODULES = """
import sys
import torch, torch.nn as nn, torch.nn.functional as F, torch.backends.cudnn as cudnn, torch.multiprocessing as mp
import torch.optim.lr_scheduler, torch.utils.checkpoint, torch.utils.data.distributed, torch.autograd.functional
from torch import Tensor, optim
from torch.autograd import Function, Variable
from torch.autograd.function import Function as F2
from torch.cuda.amp import GradScaler
from torch.nn.modules.activation import MultiheadAttention, ReLU
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.utils import _pair
from torch.nn.parallel import DataParallel
from torch.nn.utils.rnn import pad_sequence
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.optimizer import Optimizer
from torch.utils.data import DataLoader
from torch.utils.data.dataset import Dataset
from torch.utils.data.sampler import Sampler
import torch._dynamo
torch._dynamo.config.suppress_errors = True
import tinygrad_lite as tg

assert torch is tg and nn is tg.nn and F is tg.nn.functional and optim is tg.optim and cudnn is tg.backends.cudnn
assert Dataset is tg.utils.data.Dataset and Sampler is tg.utils.data.Sampler
assert MultiheadAttention is nn.MultiheadAttention
assert Function is F2 is torch.autograd.Function and Optimizer is optim.Optimizer and _pair(2) == (2, 2)
assert issubclass(nn.Conv2d, _ConvNd) and issubclass(nn.BatchNorm2d, _BatchNorm) and DataParallel is nn.DataParallel
assert torch.nn.modules.activation.ReLU is nn.ReLU is ReLU and isinstance(torch.ones(1), Variable)
assert torch.__spec__.name == "tinygrad_lite" and nn.__spec__.name == "tinygrad_lite.nn"
assert not [name for name in sys.modules if name.startswith("torch") and sys.modules[name] is None]
assert torch.__version__ >= "2.0" and torch.__version__ >= (1, 10) and int(torch.__version__.split(".")[0]) == 2
assert tuple(map(int, torch.__version__.split("+")[0].split("."))) > (2, 0, 0) and not torch.__version__ < "1.13"
ours = [m for name, m in list(sys.modules.items()) if name == m.__name__ and name.startswith("tinygrad_lite")]
files = [m.__file__ for m in ours if getattr(m, "__file__", None)]
assert len(files) == len(set(files))
print(sys.argv, __name__, __file__, sys.path[0], __spec__, __package__, sys.modules["__main__"].nn is nn)
"""


def test_modules_are_this_librarys_and_are_executed_once(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(MODULES)
    done = python("-m", "tinygrad_lite", "run", "--instead", "train.py", "--lr", "3", "--", "-x", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"['train.py', '--lr', '3', '--', '-x'] __main__ {script} {tmp_path} None None True\n"


ENDS = {
    "error": ("def f():\n    {}['a']\ntry:\n    f()\nexcept KeyError as e:\n    raise ValueError('b') from e", 1),
    "exit": ("print(1)\nraise SystemExit(3)", 3),
    "syntax": ("def f(:\n", 1),
}


@pytest.mark.parametrize("name", ENDS)
def test_it_ends_as_python_ends(name, tmp_path):
    text, code = ENDS[name]
    script = tmp_path / "train.py"
    script.write_text(text)
    run = python("-m", "tinygrad_lite", "run", "--instead", str(script))
    plain = python(str(script))
    assert run.returncode == plain.returncode == code
    assert (run.stdout, run.stderr) == (plain.stdout, plain.stderr)


MISSING = """
import torch
print(hasattr(torch, "no_such_function"))
exec("getattr(torch, '_mock_name', None)", {"torch": torch, "__name__": "_pytest.compat"})  # which asks every module
try:
    import torch.no_such_module
except ModuleNotFoundError as error:
    print(error)
try:
    from torch.nn import NoSuchLayer
except ImportError:
    print("no layer")
torch.ones(2).no_such_method()
"""


def test_missing_names_are_told_at_the_end(tmp_path):
    (tmp_path / "train.py").write_text(MISSING)
    done = python("-m", "tinygrad_lite", "run", "--instead", "train.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "False\nNo module named 'torch.no_such_module'\nno layer\n")
    last = done.stderr.splitlines()[-1]
    assert last == (
        "tinygrad_lite: not here of what the program asked for: torch.no_such_function (train.py:3), "
        "torch.no_such_module (train.py:6), torch.nn.NoSuchLayer (train.py:10), Tensor.no_such_method (train.py:13)"
    )
    assert "AttributeError: 'Tensor' object has no attribute 'no_such_method'" in done.stderr


def test_as_torch_at_the_top_of_a_file(tmp_path):
    (tmp_path / "train.py").write_text("import tinygrad_lite.as_torch\nimport torch\nprint(torch.__package__)")
    done = python("train.py", cwd=tmp_path, TINYGRAD_LITE_AS_TORCH="instead")
    assert (done.returncode, done.stdout, done.stderr) == (0, "tinygrad_lite\n", "")


def test_an_installed_pytorch_is_not_hidden(tmp_path):
    (tmp_path / "torch.py").write_text("here = True")  # whether one is installed or not
    (tmp_path / "train.py").write_text("import torch\nprint(torch.__package__)")
    done = python("-m", "tinygrad_lite", "run", "train.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "run: as_torch: PyTorch is installed, in" in done.stderr
    assert "--instead" in done.stderr
    (tmp_path / "late.py").write_text("import torch, tinygrad_lite.as_torch")
    done = python("late.py", cwd=tmp_path, TINYGRAD_LITE_AS_TORCH="instead")
    assert "ImportError: as_torch: torch was imported before" in done.stderr


@pytest.mark.skipif(TORCH, reason="PyTorch is installed, which is not to be hidden")
def test_without_pytorch_nothing_need_be_asked(tmp_path):
    (tmp_path / "train.py").write_text("import torch\nprint(torch.__package__)")
    assert python("-m", "tinygrad_lite", "run", "train.py", cwd=tmp_path).stdout == "tinygrad_lite\n"


def test_usage_modules_and_files_that_are_not_there(tmp_path, capsys):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "train.py").write_text("import sys, torch\nprint(__name__, __package__, sys.argv[1:])")
    done = python("-m", "tinygrad_lite", "run", "--instead", "-m", "package.train", "--lr", "1", cwd=tmp_path)
    assert done.stdout == "__main__ package ['--lr', '1']\n"
    assert (__main__.main(["run"]), __main__.main(["run", "--help"])) == (2, 0)
    assert [text[:6] for text in capsys.readouterr()] == ["usage:", "usage:"]
    done = python("-m", "tinygrad_lite", "run", "--instead", "nowhere.py")
    assert (done.returncode, "can't open file" in done.stderr) == (2, True)


HOGWILD = """
import torch
import torch.multiprocessing as mp
from torch import nn

def train(rank, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        optimizer.zero_grad()
        (model(torch.ones(1, 2)) - 3.0).pow(2).sum().backward()
        optimizer.step()

if __name__ == "__main__":
    model = nn.Linear(2, 1)
    model.share_memory()
    for method in ("fork", "spawn"):
        with torch.no_grad():
            model.bias.fill_(9.0)
        process = mp.get_context(method).Process(target=train, args=(0, model))
        process.start()
        process.join()
        print(process.exitcode, round(model(torch.ones(1, 2)).item(), 4))
    assert model.weight.is_shared()
    try:
        mp.spawn(train, args=(None,), nprocs=1, start_method="fork")
    except mp.ProcessRaisedException as error:
        print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no fork")
def test_processes_share_a_model_and_have_the_same_torch(tmp_path):
    (tmp_path / "train.py").write_text(HOGWILD)
    done = python("-m", "tinygrad_lite", "run", "--instead", "train.py", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "0 3.0\n0 3.0\nprocess 0 ended with exit code 1\n")
    assert "'NoneType' object has no attribute 'parameters'" in done.stderr


def test_modules_that_are_refused_say_why_when_they_are_used(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import torch, torch.export, torch.nested\n"
        "from torch.ao.quantization import QuantStub\n"
        "import torch.fx.passes.graph_drawer as drawer\n"
        "import torch.distributed.elastic.multiprocessing.errors as errors\n"
        "@errors.record\n"
        "def f():\n"
        "    return 'called'\n"
        "class Own(torch.export.ExportedProgram):\n"
        "    pass\n"
        "print(f(), isinstance(f, torch.export.ExportedProgram))\n"
        "for call in (lambda: torch.nested.nested_tensor([torch.ones(1)]), QuantStub, Own, drawer.FxGraphDrawer):\n"
        "    try:\n"
        "        call()\n"
        "    except RuntimeError as error:\n"
        "        print(error)\n"
    )
    done = python("-m", "tinygrad_lite", "run", "--instead", str(program))
    lines = done.stdout.splitlines()
    assert lines[0] == "called False", done.stderr
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "torch.nested.nested_tensor", "torch.ao.quantization.QuantStub", "__main__.Own",
        "torch.fx.passes.graph_drawer.FxGraphDrawer",
    ]  # fmt: skip
    assert "pad the sequences" in lines[1]
