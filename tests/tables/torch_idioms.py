"""The lines that scripts for PyTorch open with and wrap around their loops, and the value of each.

    python tests/tables/torch_idioms.py

writes docs/coming_from_pytorch.md from the table; `test_torch_idioms.py` runs each row and compares, by PyTorch as well
where it is installed. A row that does something else there says what.
"""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parents[2] / "docs" / "coming_from_pytorch.md"

PRELUDE = """
import os, sys, tempfile, warnings, copy, math, random
import numpy as np
import torch
from torch import nn, optim
import torch.nn.functional as F
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
w = nn.Parameter(torch.tensor([1.0, -2.0]))
model = nn.Linear(2, 1)
nn.init.constant_(model.weight, 0.5)
nn.init.zeros_(model.bias)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
folder = tempfile.mkdtemp()
"""


class Idiom(NamedTuple):
    """Code whose last expression has a value, the same by PyTorch unless `theirs` says another; a note for the page."""

    code: str
    value: Any
    note: str = ""
    theirs: Any = None


def error(kind: str) -> str:
    """The value of a row that raises."""
    return f"raises {kind}"


WHATEVER = "whatever"  # of PyTorch's value, which is not looked at
GPU = "needs a GPU, and says so"
NOTHING = "does nothing on a CPU"
I = Idiom  # noqa: E741
TABLE: dict[str, list[Idiom]] = {
    "Imports": [
        I("import torch.nn as nn; nn is torch.nn", True),
        I("import torch.nn.functional as F; F.relu(-x).sum().item()", 0.0),
        I("import torch.optim as optim; optim.Adam.__name__", "Adam"),
        I("from torch.optim import lr_scheduler; lr_scheduler.StepLR.__name__", "StepLR"),
        I("from torch.optim.lr_scheduler import _LRScheduler, LambdaLR; isinstance(_LRScheduler, type)", True),
        I("from torch.optim.optimizer import Optimizer, required; issubclass(optim.SGD, Optimizer)", True),
        I("from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split; Dataset.__name__", "Dataset"),
        I("from torch.utils.data.dataset import Dataset; from torch.utils.data import Dataset as D; "
          "D is Dataset", True),
        I("from torch.utils.data.sampler import SubsetRandomSampler; len(SubsetRandomSampler([3, 1]))", 2),
        I("from torch.utils.data.dataloader import default_collate; default_collate([1, 2]).tolist()", [1, 2]),
        I("from torch.autograd import Variable, Function, grad; isinstance(x, Variable)", True),
        I("from torch.autograd.function import once_differentiable, Function; "
          "Function is torch.autograd.Function", True),
        I("from torch.autograd.gradcheck import GradcheckError, gradcheck\n"
          "torch.autograd.gradcheck(torch.sin, w.double()) and gradcheck(torch.sin, w.double())", True),
        I("torch.torch is torch and torch.math.pi > 3", True),
        I("torch.serialization.load is torch.load and torch.serialization.save is torch.save", True),
        I("from torch.utils.data.dataloader import _collate_fn_t\n"
          "def f(collate: _collate_fn_t, future: torch.futures.Future[int]): return collate\nf(3, None)", 3),
        I("(type(x).__module__, type(nn.Parameter(x)).__module__)", ["torch", "torch.nn.parameter"]),
        I("issubclass(torch.jit.TracerWarning, Warning) and issubclass(torch.jit.Error, Exception)", True),
        I("class Net(nn.Module): conv, act = F.conv1d, torch.tanh\n"
          "Net().conv(x[None], x[None]).shape, Net().act(x).shape", [[1, 1, 1], [2, 2]]),
        I("e = torch.eye(2).expand(1, 2, 2).contiguous(); e[..., :1, :] = 5.0; e.tolist()", [[[5.0, 5.0], [0.0, 1.0]]]),
        I("torch._assert_async(torch.ones(1), 'never'); torch.selu_(torch.zeros(1)).item()", 0.0),
        I("torch._assert_async(torch.zeros(1), 'said')", error("RuntimeError")),
        I("device, dtype, blocking, layout = torch._C._nn._parse_to('cpu', torch.float64, True)\n"
          "[str(device), dtype is torch.float64, blocking, layout]", ["cpu", True, True, None]),
        I("import torch._dynamo; isinstance(torch._dynamo.list_backends(), list)", True),
        I("from torch import Tensor, FloatTensor; isinstance(x, Tensor) and isinstance(x, FloatTensor)", True),
        I("from torch.nn import Parameter; from torch.nn.parameter import Parameter as P; P is Parameter", True),
        I("from torch.nn.modules.utils import _pair, _triple; (_pair(3), _triple((1, 2, 3)))", [[3, 3], [1, 2, 3]]),
        I("from torch.nn.modules.batchnorm import _BatchNorm; isinstance(nn.BatchNorm2d(2), _BatchNorm)", True),
        I("from torch.nn.modules.conv import _ConvNd; isinstance(nn.Conv1d(1, 1, 1), _ConvNd)", True),
        I("from torch.nn.modules.loss import _Loss; isinstance(nn.MSELoss(), _Loss)", True),
        I("from torch.nn.modules.activation import MultiheadAttention as M; M is nn.MultiheadAttention", True),
        I("from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence; pad_sequence([x[0], x[0, :1]]).tolist()",
          [[1.0, 1.0], [2.0, 0.0]]),
        I("from torch.nn.utils import clip_grad_norm_, parameters_to_vector; parameters_to_vector([w]).tolist()",
          [1.0, -2.0]),
        I("from torch.nn.utils import weight_norm, spectral_norm; weight_norm.__name__", "weight_norm"),
        I("from torch.nn.init import xavier_uniform_, kaiming_normal_; xavier_uniform_.__name__", "xavier_uniform_"),
        I("from torch.nn.init import _calculate_fan_in_and_fan_out as fans; fans(torch.ones(3, 2))", [2, 3]),
        I("from torch.nn.parallel import DistributedDataParallel as DDP, DataParallel; DataParallel is nn.DataParallel",
          True),
        I("from torch.utils.data.distributed import DistributedSampler; len(DistributedSampler(range(5), 2, 0))", 3),
        I("from torch.distributions import Normal, Categorical; Normal(0.0, 1.0).log_prob(torch.tensor(0.0)).item()",
          -0.9189),
        I("from torch.distributions.categorical import Categorical; Categorical(logits=x).probs.shape", [2, 2]),
        I("from torch.cuda.amp import autocast, GradScaler; GradScaler(enabled=False).is_enabled()", False),
        I("from torch.utils.checkpoint import checkpoint; checkpoint(lambda a: a * 2, w, use_reentrant=False).tolist()",
          [2.0, -4.0]),
        I("from torch.utils.checkpoint import get_device_states, set_device_states\n"
          "devices, states = get_device_states(x, w); set_device_states(devices, states); (devices, states)", [[], []]),
        I(
            "from torch.fx import symbolic_trace, GraphModule, Interpreter, Tracer, replace_pattern, wrap\n"
            "[node.op for node in symbolic_trace(nn.Sequential(model)).graph.nodes]",
            ["placeholder", "call_module", "output"],
        ),
        I("import torch.fx as fx; fx.symbolic_trace(lambda a: F.relu(a) + 1)(-x).tolist()", [[1.0, 1.0], [1.0, 1.0]]),
        I(
            "from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors\n"
            "flat = _flatten_dense_tensors([x, w]); [t.tolist() for t in _unflatten_dense_tensors(flat * 2, [x, w])]",
            [[[2.0, 4.0], [6.0, 8.0]], [2.0, -4.0]],
        ),
        I("from torch.func import functional_call, vmap, grad; vmap(lambda a: a.sum())(x).tolist()", [3.0, 7.0]),
        I("from torch.nn.attention import SDPBackend, sdpa_kernel; SDPBackend.MATH.name", "MATH"),
        I("from torch.serialization import safe_globals; safe_globals.__name__", "safe_globals"),
        I("import torch.multiprocessing as mp; callable(mp.spawn) and callable(mp.Process)", True),
        I("import torch.distributed as dist; dist.is_available() and dist.is_initialized()", False),
        I("import torch.backends.cudnn as cudnn; cudnn.is_available()", False),
    ],
    "Versions": [
        I("int(torch.__version__.split('.')[0]) >= 2", True, "the version whose names these are"),
        I("tuple(int(v) for v in torch.__version__.split('+')[0].split('.')[:2]) >= (1, 8)", True),
        I("torch.__version__ >= '1.13' and torch.__version__ > '0.4.1'", True),
        I("torch.version.cuda", None),
        I("isinstance(torch.__config__.show(), str) and isinstance(torch.__config__.parallel_info(), str)", True),
        I("from torch.utils.collect_env import get_pretty_env_info, main; callable(get_pretty_env_info)", True),
        I("hasattr(torch, 'compile') and hasattr(F, 'scaled_dot_product_attention')", True),
    ],
    "Seeds": [
        I("torch.manual_seed(0); a = torch.rand(2); torch.manual_seed(0); torch.equal(a, torch.rand(2))", True,
          "the numbers are not PyTorch's"),
        I("torch.cuda.manual_seed(0); torch.cuda.manual_seed_all(0)", None, NOTHING),
        I("torch.mps.manual_seed(0)" if sys.platform != "darwin" else "None", None, NOTHING),
        I("torch.manual_seed(7).initial_seed() == torch.initial_seed() == 7", True),
        I("g = torch.Generator().manual_seed(3); torch.randperm(4, generator=g).shape", [4]),
        I("torch.Generator(device='cpu').device.type", "cpu"),
        I("g = torch.Generator(device=device); g.manual_seed(2147483647); g.initial_seed()", 2147483647),
        I("s = torch.get_rng_state(); a = torch.rand(1); torch.set_rng_state(s); torch.equal(a, torch.rand(1))", True),
        I("torch.random.manual_seed(1); torch.random.initial_seed()", 1),
        I("with torch.random.fork_rng(devices=[]):\n    torch.manual_seed(3)", None),
        I("torch.cuda.get_rng_state_all()", []),
        I("def seed_worker(worker_id):\n    random.seed(torch.initial_seed() % 2**32)\nseed_worker(0)", None),
    ],
    "Devices": [
        I("torch.cuda.is_available()", False),
        I("torch.cuda.device_count()", 0),
        I("device.type, device.index", ["cpu", None]),
        I("torch.device('cuda:1').index", 1),
        I("str(device) == 'cpu' and device == torch.device('cpu')", True),
        I("'cuda' in str(device)", False),
        I("use_cuda = not False and torch.cuda.is_available(); {'num_workers': 1} if use_cuda else {}", {}),
        I("torch.backends.mps.is_available() and torch.backends.mps.is_built()", False),
        I("torch.accelerator.is_available(), torch.accelerator.current_accelerator()", [False, None]),
        I("torch.accelerator.device_count()", 0),
        I("hasattr(torch, 'xpu') and torch.xpu.is_available()", False),
        I("x.to(device).device.type", "cpu"),
        I("x.to('cpu', non_blocking=True) is x", True),
        I("x.to(device, torch.float64).dtype", "float64"),
        I("x.to(w.device, dtype=w.dtype) is x", True),
        I("model.to(device) is model", True),
        I("model.cpu() is model and x.cpu() is x", True),
        I("next(model.parameters()).device.type", "cpu"),
        I("next(model.parameters()).is_cuda", False),
        I("x.cuda()", error("RuntimeError"), GPU, error("AssertionError")),
        I("x.to('cuda')", error("RuntimeError"), GPU, error("AssertionError")),
        I("model.cuda()", error("RuntimeError"), GPU, error("AssertionError")),
        I("torch.zeros(2, device='cuda')", error("RuntimeError"), GPU, error("AssertionError")),
        I("torch.cuda.set_device(0)", error("RuntimeError"), GPU, error("AttributeError")),
        I("torch.cuda.synchronize()", error("RuntimeError"), GPU, error("AssertionError")),
        I("torch.cuda.synchronize() if torch.cuda.is_available() else None", None),
        I("torch.cuda.empty_cache()", None, NOTHING),
        I("torch.cuda.max_memory_allocated()", 0, "", WHATEVER),
        I("torch.cuda.is_bf16_supported()", False),
        I("torch.zeros(2, 3, device=device).shape", [2, 3]),
        I("torch.arange(3, device=x.device).tolist()", [0, 1, 2]),
        I("x.is_cuda, x.is_sparse, x.is_quantized, x.is_mps", [False] * 4),
        I("x.get_device()", -1),
        I("x.is_pinned()", False),
        I("x.pin_memory() is x", True, "there is nothing to pin for", error("RuntimeError")),
        I("torch.set_default_device('cpu'); torch.get_default_device().type", "cpu"),
        I("x.to(memory_format=torch.channels_last_3d) if x.dim() == 5 else 0", 0),
        I("with torch.cuda.device(0):\n    pass", None, NOTHING, error("RuntimeError")),
    ],
    "Older names": [
        I("Tensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor; Tensor(2, 3).shape",
          [2, 3]),
        I("torch.FloatTensor([[1, 2], [3, 4]]).tolist()", [[1.0, 2.0], [3.0, 4.0]]),
        I("torch.LongTensor([1, 2]).dtype", "int64"),
        I("torch.ByteTensor([1, 0]).dtype", "uint8"),
        I("torch.FloatTensor(np.ones((2, 2))).dtype", "float32"),
        I("torch.LongTensor(np.array([1, 2])).tolist()", [1, 2]),
        I("torch.FloatTensor(x.size()).shape", [2, 2], "sizes, not numbers"),
        I("torch.Tensor(x.shape).shape", [2, 2], "sizes, not numbers"),
        I("torch.Tensor([1, 2]).dtype", "float32"),
        I("torch.FloatTensor(2, 1).fill_(1.0).tolist()", [[1.0], [1.0]]),
        I("torch.cuda.FloatTensor(2)", error("TypeError"), GPU),
        I("isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor)", [True, False]),
        I("isinstance(x, torch.cuda.FloatTensor)", False),
        I("torch.autograd.Variable(x, requires_grad=True).requires_grad", True),
        I("torch.autograd.Variable(torch.FloatTensor([1.0]), requires_grad=False).data.tolist()", [1.0]),
        I("x.type()", "torch.FloatTensor"),
        I("x.type(torch.LongTensor).dtype", "int64"),
        I("(x > 2).type(torch.Tensor).dtype", "float32"),
        I("x.type('torch.DoubleTensor').type()", "torch.DoubleTensor"),
        I("x.type(torch.float64).dtype", "float64"),
        I("x.type_as(torch.ones(1).double()).dtype", "float64"),
        I("x.new(2, 3).shape", [2, 3]),
        I("x.new([1, 2]).tolist()", [1.0, 2.0]),
        I("x.new_zeros(2).tolist(), x.new_tensor([1.5]).tolist()", [[0.0, 0.0], [1.5]]),
        I("x.data.new(x.size()).zero_().sum().item()", 0.0),
        I("torch.set_default_tensor_type('torch.FloatTensor'); torch.get_default_dtype()", "float32"),
        I("torch.is_tensor(x), torch.is_tensor([1])", [True, False]),
        I("torch.typename(x)", "torch.FloatTensor"),
        I("x.volatile if hasattr(x, 'volatile') else None", None, "", WHATEVER),
    ],
    "Shapes and types": [
        I("n = torch.tensor(2); rows = [1]; rows += torch.tensor([2, 3])\n([0] * n, n * 'ab', len(rows))",
          [[0, 0], "abab", 3], "lists and texts repeat and grow as Python's do"),
        I("x == [1.0], torch.tensor([1]) != (1,)", [False, True], "no list equals a tensor"),
        I("x + [1.0, 2.0]", error("TypeError")),
        I("x += [1.0, 2.0]", error("TypeError")),
        I("x.shape.numel(), x.size().numel()", [4, 4]),
        I("isinstance(x.shape, torch.Size) and isinstance(x.shape, tuple)", True),
        I("torch.Size([2, 3]) == (2, 3) and x.shape == torch.Size([2, 2])", True),
        I("x.shape + (1,)", [2, 2, 1]),
        I("list(x.size()), x.size(0), x.size(-1)", [[2, 2], 2, 2]),
        I("b, t = x.shape; b * t", 4),
        I("x[:, None].shape, x[..., torch.newaxis].shape", [[2, 1, 2], [2, 2, 1]]),
        I("x.dtype == torch.float32 and x.dtype is torch.float", True),
        I("x.dtype.is_floating_point, torch.long.is_floating_point", [True, False]),
        I("torch.is_floating_point(x), x.is_floating_point()", [True, True]),
        I("torch.finfo(x.dtype).max > 1e38 and torch.finfo(torch.float32).eps < 1e-6", True),
        I("{'float32': torch.float32, 'bfloat16': torch.bfloat16}['bfloat16'] is torch.bfloat16", True),
        I("x.to(torch.bfloat16)", error("RuntimeError"), "NumPy has no such numbers", WHATEVER),
        I("torch.get_default_dtype()", "float32"),
        I("torch.inf, -torch.inf, torch.pi > 3, torch.e > 2", [math_inf := float("inf"), -math_inf, True, True]),
        I("torch.frombuffer(bytearray([1, 0, 2, 0]), dtype=torch.int16).tolist()", [1, 2]),
        I("torch.from_numpy(np.arange(3)).float().tolist()", [0.0, 1.0, 2.0]),
        I("torch.as_tensor(np.float32(1.5)).dtype", "float32"),
        I("x.element_size() * x.nelement()", 16),
        I("x.contiguous().view(-1).stride()", [1]),
        I("a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], (2, 2)); torch.sparse.mm(a, x).tolist()",
          [[6.0, 8.0], [3.0, 6.0]], "stored densely, with a word"),
        I("a = torch.sparse_coo_tensor([[0, 0], [1, 1]], [2.0, 3.0], (1, 2)); a.coalesce().to_dense().tolist()",
          [[0.0, 5.0]]),
        I("torch.vmap(lambda a: a * 2)(x).tolist()", [[2.0, 4.0], [6.0, 8.0]]),
    ],
    "Switches": [
        I("torch.backends.cudnn.benchmark = True; torch.backends.cudnn.benchmark", True, NOTHING),
        I("torch.backends.cudnn.deterministic = True; torch.backends.cudnn.deterministic", True, NOTHING),
        I("torch.backends.cudnn.enabled = False; torch.backends.cudnn.enabled", False, NOTHING),
        I("torch.backends.cuda.matmul.allow_tf32 = False; torch.backends.cudnn.allow_tf32 = True", None, NOTHING),
        I("torch.set_float32_matmul_precision('high'); torch.get_float32_matmul_precision()", "high", NOTHING),
        I("torch.use_deterministic_algorithms(True); a = torch.are_deterministic_algorithms_enabled()\n"
          "torch.use_deterministic_algorithms(False); a", True, "the kernels here keep it in any case"),
        I("n = torch.get_num_threads(); torch.set_num_threads(1); a = torch.get_num_threads()\n"
          "torch.set_num_threads(n); a", 1, "of the kernels and of NumPy's BLAS"),
        I("torch.set_printoptions(precision=4, sci_mode=False)", None),
        I("_ = torch.autograd.set_detect_anomaly(False)", None),
        I("with torch.autograd.set_detect_anomaly(True):\n    x.sum()", None),
        I("with torch.autograd.detect_anomaly(check_nan=False):\n    pass", None, "", WHATEVER),
        I("with torch.backends.cudnn.flags(enabled=False):\n    pass", None, NOTHING, WHATEVER),
        I("torch.set_flush_denormal(True) in (True, False)", True, "False: it is not possible here"),
        I("torch._dynamo.config.suppress_errors = True; torch._dynamo.reset()", None, NOTHING, WHATEVER),
    ],
    "Mixed precision": [
        I("with torch.autocast(device_type='cuda', enabled=False):\n    y = model(x)\ny.dtype", "float32"),
        I("with torch.amp.autocast('cpu', dtype=torch.bfloat16):\n    y = model(x)\ny.dtype", "float32",
          "a word that nothing is cast", "bfloat16"),
        I("with torch.cuda.amp.autocast(enabled=torch.cuda.is_available()):\n    y = model(x)\ny.dtype", "float32"),
        I("scaler = torch.cuda.amp.GradScaler(enabled=False); scaler.scale(x) is x", True),
        I("scaler = torch.amp.GradScaler('cuda', enabled=True); scaler.is_enabled()", False, "warns, as PyTorch does"),
        I("s = torch.amp.GradScaler('cpu', init_scale=4.0); s.scale(torch.tensor(2.0)).item()", 8.0),
        I("s = torch.amp.GradScaler('cpu', init_scale=4.0); o = optim.SGD([w], lr=1.0); s.scale(w.sum()).backward()\n"
          "s.unscale_(o); nn.utils.clip_grad_norm_([w], 10.0); s.step(o); s.update(); w.tolist()", [0.0, -3.0]),
        I("s = torch.amp.GradScaler('cpu', init_scale=4.0); o = optim.SGD([w], lr=1.0)\n"
          "s.scale((w * float('inf')).sum()).backward(); s.step(o); s.update(); (s.get_scale(), w.tolist())",
          [2.0, [1.0, -2.0]], "the step is left out"),
        I("torch.cuda.amp.GradScaler(enabled=False).state_dict()", {}),
        I("torch.is_autocast_enabled()", False),
    ],
    "Compilers": [
        I("net = torch.compile(model); net(x).flatten().tolist()", [1.5, 3.5], "", WHATEVER),
        I("f = torch.compile(lambda a: a + 1, mode='max-autotune', fullgraph=True); callable(f)", True, "", WHATEVER),
        I("@torch.jit.script\ndef f(a: torch.Tensor):\n    return a + 1\ncallable(f)", True, "as it is", WHATEVER),
        I("@torch.jit.ignore\ndef f(a):\n    return a\nf(1)", 1),
        I("torch.jit.trace(model, x)(x).flatten().tolist()", [1.5, 3.5], "as it is"),
        I("torch.jit.is_scripting()", False),
        I("torch.compiler.is_compiling()", False),
        I("torch.jit.save(model, 'm.pt')", error("RuntimeError"), "nothing here writes TorchScript", WHATEVER),
    ],
    "Models": [
        I("bare = copy.deepcopy(model).to('meta')\n"
          "torch.func.functional_call(bare, dict(model.named_parameters()), (x,)).tolist()", [[1.5], [3.5]],
          "parameters without memory; here their values are NaN"),
        I("bare = nn.Linear(1, 1).to(device='meta', dtype=torch.float64).to_empty(device='cpu')\n"
          "nn.init.ones_(bare.weight).tolist(), bare.weight.dtype", [[[1.0]], "float64"]),
        I("nn.DataParallel(model)(x).flatten().tolist()", [1.5, 3.5]),
        I("list(nn.DataParallel(model).state_dict())", ["module.weight", "module.bias"]),
        I("nn.DataParallel(model).module is model", True),
        I("model = nn.DataParallel(model) if torch.cuda.device_count() > 1 else model; type(model).__name__", "Linear"),
        I("sum(p.numel() for p in model.parameters() if p.requires_grad)", 3),
        I("model.half().weight.dtype", "float16"),
        I("model.double().float().weight.dtype", "float32"),
        I("model.type(torch.float64).bias.dtype", "float64"),
        I("model._get_name(), model.__class__.__name__", ["Linear", "Linear"]),
        I("model.share_memory() is model and model.weight.is_shared()", True, "with processes forked from this one"),
        I("model.compile(); model(x).shape", [2, 1], "nothing is compiled", WHATEVER),
        I("w.is_special = True; w.is_special", True, "attributes of the user's"),
        I("x.tag = 'input'; x.tag", "input"),
        I("model.apply(lambda m: nn.init.ones_(m.weight) if isinstance(m, nn.Linear) else None)(x).tolist()",
          [[3.0], [7.0]]),
        I("def init(m):\n    if m.__class__.__name__.find('Linear') != -1:\n        m.weight.data.normal_(0.0, 0.02)\n"
          "model.apply(init); abs(model.weight).max().item() < 0.2", True),
        I("with warnings.catch_warnings():\n    warnings.simplefilter('ignore')\n"
          "    nn.init.constant(model.bias, 2.0)\n"
          "model.bias.tolist()", [2.0], "the names from before 0.4 warn"),
        I("class P(nn.Parameter):\n    pass\nisinstance(P(torch.ones(1)), nn.Parameter)", True),
        I("nn.Parameter(torch.zeros(1), requires_grad=False).requires_grad", False),
        I("model.register_buffer('mask', torch.tril(torch.ones(2, 2)).view(1, 1, 2, 2)); "
          "model.mask.shape", [1, 1, 2, 2]),
        I("model.train(); a = model.training; model.eval(); (a, model.training)", [True, False]),
        I("len(list(model.modules())), len(list(nn.Sequential(model, model).children()))", [1, 1]),
        I("[n for n, p in model.named_parameters() if p.dim() >= 2]", ["weight"]),
        I("model.zero_grad(set_to_none=True); model.weight.grad", None),
        I("F.cross_entropy(x, torch.tensor([0, 1])).item()", 0.8133),
        I("F.mse_loss(x, x * 2, size_average=False).item()", 30.0),
        I("nn.MSELoss(size_average=False)(x, x * 2).item()", 30.0),
        I("nn.CrossEntropyLoss(reduce=False)(x, torch.tensor([0, 1])).shape", [2]),
        I("from torch.nn.modules.loss import _WeightedLoss\nclass Own(_WeightedLoss):\n    pass\n"
          "Own(weight=torch.ones(2), reduction='sum').reduction", "sum"),
        I("nn.functional.scaled_dot_product_attention(x[None], x[None], x[None], is_causal=True).shape", [1, 2, 2]),
    ],
    "The loop": [
        I("seen = []; y = 2 * w; y.register_hook(seen.append)\n"
          "y.register_hook(lambda g: setattr(g, 'note', 5.0) or 10 * g)\n"
          "y.sum().backward(); (seen[0].note, w.grad.tolist())", [5.0, [20.0, 20.0]], "hooks see the same gradient"),
        I("o = optim.SGD([w], lr=0.5); (w * w).sum().backward(); o.step(); o.zero_grad(); (w.tolist(), w.grad)",
          [[0.0, 0.0], None]),
        I("o = optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999)); o.param_groups[0]['lr']", 1e-3),
        I("for g in (o := optim.SGD([w], lr=1.0)).param_groups:\n    g['lr'] = 0.1\no.param_groups[0]['lr']", 0.1),
        I("o = optim.SGD([w], lr=1.0); s = optim.lr_scheduler.StepLR(o, 1, 0.5); o.step(); s.step(); s.get_last_lr()",
          [0.5]),
        I("o = optim.SGD([w], lr=1.0); s = optim.lr_scheduler.LambdaLR(o, lambda e: 0.5 ** e); o.step(); s.step()\n"
          "o.param_groups[0]['lr']", 0.5),
        I("o = optim.SGD([w], lr=1.0); s = optim.lr_scheduler.ReduceLROnPlateau(o, 'min', patience=0)\n"
          "[s.step(v) for v in (1.0, 2.0)]; round(o.param_groups[0]['lr'], 4)", 0.1),
        I("o = optim.AdamW([w], lr=1e-3, fused=False); o.defaults['lr']", 1e-3),
        I("import inspect; 'fused' in inspect.signature(torch.optim.AdamW).parameters", True),
        I("loss = (w * w).sum(); loss.backward(); torch.nn.utils.clip_grad_norm_([w], 1.0).item()", 4.4721),
        I("with torch.no_grad():\n    y = w * 2\ny.requires_grad", False),
        I("@torch.no_grad()\ndef f():\n    return w * 2\nf().requires_grad", False),
        I("@torch.inference_mode()\ndef f():\n    return w * 2\nf().requires_grad", False),
        I("with torch.set_grad_enabled(False):\n    y = w * 2\ny.requires_grad", False),
        I("w.data.clamp_(-0.01, 0.01).tolist()", [0.01, -0.01]),
        I("w.data -= 0.5; w.tolist()", [0.5, -2.5]),
        I("w.detach().cpu().numpy().tolist()", [1.0, -2.0]),
        I("torch.autograd.grad((w ** 3).sum(), w, create_graph=True)[0].tolist()", [3.0, 12.0]),
        I("loss = (w * w).sum(); total = 0.0; total += loss.item(); total", 5.0),
        I("g = torch.autograd.grad(outputs=w.sum(), inputs=w, grad_outputs=torch.ones(()), retain_graph=True)[0]\n"
          "g.norm(2).item()", 1.4142),
        I("torch.relu_(x - 2).tolist(), torch.sigmoid_(torch.zeros(1)).tolist()", [[[0.0, 0.0], [1.0, 2.0]], [0.5]]),
        I("with torch.profiler.record_function('forward'):\n    y = model(x)\ny.shape", [2, 1]),
        I("h = w.register_hook(lambda g: g * 2); w.sum().backward(); h.remove(); w.grad.tolist()", [2.0, 2.0]),
    ],
    "Printing": [
        I("f'{x.sum():.3f}', '%.2f' % x.mean(), '{:.1f}'.format(x.max())", ["10.000", "2.50", "4.0"]),
        I("'%d' % torch.tensor(3), '{:d}'.format(torch.tensor(3))", ["3", "3"]),
        I("f'{torch.tensor(1.5)}', str(torch.tensor([1, 2]))", ["1.5", "tensor([1, 2])"]),
        I("'{:6.2f}|{:>8}'.format(torch.tensor(2.5), 'a')", "  2.50|       a"),
        I("round(torch.tensor(1.2345).item(), 2), float(torch.tensor(2.0)), int(torch.tensor(3))", [1.23, 2.0, 3]),
        I("str(x.dtype).split('.')[-1]", "float32"),
        I("repr(device)", "device(type='cpu')"),
        I("print(model) is None", True),
    ],
    "Data": [
        I("from torch.utils.data import *; d = TensorDataset(x, x[:, 0]); "
          "[b.shape for b in next(iter(DataLoader(d, 2)))]",
          [[2, 2], [2]]),
        I("d = torch.utils.data.DataLoader([1, 2, 3], batch_size=2, shuffle=False, num_workers=0, pin_memory=False)\n"
          "[b.tolist() for b in d]", [[1, 2], [3]]),
        I("a, b = torch.utils.data.random_split(range(5), [3, 2], generator=torch.Generator().manual_seed(1))\n"
          "(len(a), len(b))", [3, 2]),
        I("len(torch.utils.data.DataLoader(range(5), batch_size=2, drop_last=True))", 2),
        I("s = torch.utils.data.distributed.DistributedSampler(range(4), num_replicas=2, rank=1, shuffle=False)\n"
          "list(s)",
          [1, 3]),
        I("torch.utils.data.get_worker_info()", None),
        I("torch.utils.data.Subset(range(9), [2, 4])[1]", 4),
    ],
    "Saving": [
        I("p = os.path.join(folder, 'm.pt'); torch.save(model.state_dict(), p)\n"
          "model.load_state_dict(torch.load(p)); model.weight.tolist()", [[0.5, 0.5]]),
        I("p = os.path.join(folder, 'c.pth'); torch.save({'epoch': 3, 'model': model.state_dict()}, p)\n"
          "torch.load(p, map_location=device, weights_only=True)['epoch']", 3),
        I("p = os.path.join(folder, 'm.pt'); torch.save(model.state_dict(), p)\n"
          "torch.load(p, map_location=lambda storage, loc: storage)['bias'].tolist()", [0.0]),
        I("p = os.path.join(folder, 'm.pt'); torch.save(x, p); torch.load(p, map_location='cpu').tolist()",
          [[1.0, 2.0], [3.0, 4.0]]),
        I("p = os.path.join(folder, 'whole.pt'); torch.save(model, p)\n"
          "torch.load(p, weights_only=False)(x).flatten().tolist()", [1.5, 3.5]),
        I("import io, pickle; b = io.BytesIO(); torch.save(model, b); b.seek(0)\n"
          "p = pickle.loads(pickle.dumps(model))\n"
          "[torch.load(b, weights_only=False).weight.requires_grad, p.bias.requires_grad]", [True, True]),
        I("p = os.path.join(folder, 'whole.pt'); torch.save(model, p); torch.load(p)", error("ValueError"),
          "a module is read with `weights_only=False` alone", error("Exception")),
        I("p = os.path.join(folder, 'a.pt'); torch.save({'seen': np.arange(2)}, p)\n"
          "type(torch.load(p, weights_only=False)['seen']).__name__", "ndarray"),
        I("o = optim.Adam([w]); w.sum().backward(); o.step(); sorted(o.state_dict())", ["param_groups", "state"]),
        I("copy.deepcopy(model).weight.tolist()", [[0.5, 0.5]]),
        I("import io; b = io.BytesIO(); torch.save(x, b); b.seek(0); torch.load(b).shape", [2, 2]),
        I("torch.hub.get_dir().endswith('hub')", True),
    ],
    "Many processes": [
        I("ddp = int(os.environ.get('RANK', -1)) != -1; ddp", False),
        I("torch.distributed.is_available() and torch.distributed.is_initialized()", False),
        I("torch.multiprocessing.set_sharing_strategy('file_system')", None, NOTHING),
        I("torch.multiprocessing.get_context('fork').__class__.__name__", "ForkContext"),
        I("torch.ones(2).share_memory_().is_shared()", True, "with processes forked from this one"),
    ],
}  # fmt: skip


def plain(value: Any) -> Any:
    """Numbers, texts and lists of them, in place of tensors, shapes and dtypes; floats rounded."""
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (bool, str, int)) or value is None:
        return value
    if isinstance(value, float):
        return round(value, 4)
    return str(value).rpartition(".")[2]  # a dtype


def evaluate(code: str) -> Any:
    """The value of a row's last expression, or the kind of its error."""
    space: dict[str, Any] = {"__name__": "idiom"}
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        exec(PRELUDE, space)
        try:
            exec(compile(tree, "<idiom>", "exec"), space)
            if last is None:
                return None
            return plain(eval(compile(ast.Expression(last.value), "<idiom>", "eval"), space))  # type: ignore[attr-defined]
        except Exception as raised:
            kinds = [kind.__name__ for kind in type(raised).__mro__ if kind.__module__ == "builtins"]
            return f"{error('RuntimeError' if 'RuntimeError' in kinds else kinds[0])}: {raised}"


def rows() -> list[Idiom]:
    return [row for section in TABLE.values() for row in section]


HEAD = """# Coming from PyTorch

`python -m tinygrad_lite run train.py` runs a program with `import torch` as it is; `import tinygrad_lite.as_torch` at
the top of a file does the same. Where a name of PyTorch's means something on a CPU it means the same here; where it can
do nothing it is accepted and does nothing; where it would need another machine, one sentence says so. What a program
asked for in vain is told at its end. `run --compare train.py` runs it in PyTorch, too, with the same random numbers,
and prints the losses of both side by side.

These are the lines that scripts open with and wrap around their loops, with what each is here. The tests run them all,
and compare with PyTorch. In them `x` is a tensor with two rows and columns, `w` a parameter, `model` an
`nn.Linear(2, 1)`.

Written by `python tests/tables/torch_idioms.py`.
"""


def page() -> str:
    parts = [HEAD]
    for title, section in TABLE.items():
        parts += [f"\n## {title}\n\n", "| line | here | |\n", "|---|---|---|\n"]
        for row in section:
            code = "<br>".join(f"`{line}`" for line in row.code.replace("|", "\\|").split("\n"))
            value = "" if row.value is None else f"`{str(row.value).replace('|', chr(92) + '|')}`"
            parts.append(f"| {code} | {value} | {row.note} |\n")
    return "".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["values"]:  # what each row is by the library that `import torch` gives, for the test
        import json

        import torch

        asked = [torch.__package__ != "torch" or row.theirs != WHATEVER for row in rows()]
        print(json.dumps([evaluate(row.code) if ask else WHATEVER for row, ask in zip(rows(), asked)]))
    else:
        PAGE.write_text(page(), encoding="utf-8")
