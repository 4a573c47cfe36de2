"""PyTorch's paths of modules, under this library's own name and under ``torch``: one table, the same objects."""

from __future__ import annotations

import json

import pytest
from fresh_process import run

from tinygrad_lite.torch_imports.module_names import RENAMED, WITHOUT_A_FILE
from tinygrad_lite.torch_imports.refused_modules import REFUSED

NAMES = {  # path -> what programs take from it
    "autograd": "Function Variable gradgradcheck", "autograd.anomaly_mode": "detect_anomaly",
    "autograd.forward_ad": "dual_level make_dual", "autograd.function": "Function FunctionCtx once_differentiable",
    "autograd.functional": "hessian jacobian vjp", "autograd.grad_mode": "no_grad set_grad_enabled",
    "autograd.gradcheck": "GradcheckError gradcheck gradgradcheck", "autograd.graph": "saved_tensors_hooks Node",
    "autograd.profiler": "profile record_function", "autograd.variable": "Variable",
    "cuda.amp.autocast_mode": "autocast", "cuda.amp.grad_scaler": "GradScaler", "cuda.random": "manual_seed_all",
    "distributed.nn.functional": "all_reduce", "distributions.beta": "Beta",
    "distributions.constraint_registry": "biject_to", "distributions.distribution": "Distribution",
    "distributions.kl": "kl_divergence register_kl", "distributions.normal": "Normal",
    "distributions.transforms": "AffineTransform", "distributions.utils": "broadcast_all logits_to_probs",
    "functional": "einsum norm split", "fx.node": "Node map_arg", "hub": "load_state_dict_from_url",
    "multiprocessing": "get_context", "nn.attention": "SDPBackend sdpa_kernel",
    "nn.common_types": "_ratio_2_t _size_1_t _size_2_t _size_any_t", "nn.functional": "relu", "nn.init": "normal_",
    "nn.modules.activation": "GELU MultiheadAttention ReLU Softmax",
    "nn.modules.adaptive": "AdaptiveLogSoftmaxWithLoss",
    "nn.modules.batchnorm": "BatchNorm2d _BatchNorm _NormBase SyncBatchNorm",
    "nn.modules.channelshuffle": "ChannelShuffle",
    "nn.modules.container": "Module ModuleDict ModuleList ParameterList Sequential",
    "nn.modules.conv": "Conv2d ConvTranspose1d LazyConv3d _ConvNd _ConvTransposeNd _pair",
    "nn.modules.distance": "CosineSimilarity", "nn.modules.dropout": "Dropout _DropoutNd",
    "nn.modules.flatten": "Flatten Unflatten", "nn.modules.fold": "Fold",
    "nn.modules.instancenorm": "InstanceNorm2d _InstanceNorm", "nn.modules.lazy": "LazyModuleMixin",
    "nn.modules.linear": "Bilinear Identity LazyLinear Linear",
    "nn.modules.loss": "CTCLoss CrossEntropyLoss TripletMarginLoss _Loss _WeightedLoss",
    "nn.modules.module": "Module _IncompatibleKeys _addindent register_module_forward_hook",
    "nn.modules.normalization": "CrossMapLRN2d GroupNorm LayerNorm RMSNorm", "nn.modules.padding": "ZeroPad2d",
    "nn.modules.pixelshuffle": "PixelShuffle",
    "nn.modules.pooling": "AvgPool1d MaxUnpool2d _AdaptiveAvgPoolNd _MaxPoolNd",
    "nn.modules.rnn": "GRU LSTM LSTMCell RNNBase", "nn.modules.sparse": "Embedding EmbeddingBag",
    "nn.modules.transformer": "Transformer TransformerEncoderLayer _get_activation_fn _get_clones",
    "nn.modules.upsampling": "Upsample", "nn.modules.utils": "_pair _reverse_repeat_tuple",
    "nn.parallel.data_parallel": "DataParallel", "nn.parallel.distributed": "DistributedDataParallel",
    "nn.parameter": "Parameter UninitializedParameter", "nn.utils.clip_grad": "clip_grad_norm_",
    "nn.utils.convert_parameters": "parameters_to_vector", "nn.utils.fusion": "fuse_conv_bn_eval",
    "nn.utils.parametrizations": "orthogonal", "nn.utils.prune": "l1_unstructured",
    "nn.utils.parametrize": "register_parametrization", "nn.utils.rnn": "pack_padded_sequence pad_sequence",
    "nn.utils.spectral_norm": "spectral_norm", "nn.utils.stateless": "functional_call",
    "nn.utils.weight_norm": "weight_norm", "optim.adam": "Adam", "optim.adamw": "AdamW", "optim.lbfgs": "LBFGS",
    "optim.lr_scheduler": "CosineAnnealingLR LambdaLR", "optim.optimizer": "Optimizer", "optim.sgd": "SGD",
    "optim.swa_utils": "AveragedModel", "overrides": "TorchFunctionMode", "profiler": "profile",
    "random": "fork_rng manual_seed", "serialization": "load save", "storage": "UntypedStorage", "tensor": "Tensor",
    "torch_version": "TorchVersion", "types": "Number", "utils._pytree": "tree_map", "utils.checkpoint": "checkpoint",
    "utils.data._utils.collate": "default_collate", "utils.data._utils.worker": "WorkerInfo",
    "utils.data.dataloader": "DataLoader default_collate", "utils.data.dataset": "Dataset TensorDataset random_split",
    "utils.data.distributed": "DistributedSampler", "utils.data.sampler": "BatchSampler Sampler",
    "utils.hooks": "RemovableHandle", "utils.tensorboard": "SummaryWriter", "version": "__version__",
}  # fmt: skip
PROGRAM = """
import importlib, json, sys

def names(root):
    found = {}
    for path, names in NAMES.items():
        module = importlib.import_module(f"{root}.{path}")
        for name in names.split():
            scope = {}
            exec(f"from {root}.{path} import {name} as found", scope)
            found[f"{path}.{name}"] = scope["found"]
            assert getattr(module, name) is scope["found"], (path, name)
        assert sys.modules[f"{root}.{path}"] is module
    return found

def modules(root):
    return {path: importlib.import_module(f"{root}.{path}") for path in TABLE}

first, places = names("tinygrad_lite"), modules("tinygrad_lite")
assert "torch" not in sys.modules
from tinygrad_lite.torch_imports.activation import activate
activate(instead=True)
wrong = {each for each, value in names("torch").items() if value is not first[each]}
assert not wrong, wrong
wrong = {each for each, value in modules("torch").items() if value is not places[each]}
assert not wrong, wrong
print(json.dumps({name: repr(value) for name, value in first.items()}))
"""


def with_tables(program: str) -> str:
    table = [name for name in (*RENAMED, *WITHOUT_A_FILE, *REFUSED) if name != "onnx.symbolic_helper"]
    return f"NAMES = {NAMES!r}\nTABLE = {table!r}\n{program}"


def test_every_path_gives_the_same_objects_under_both_names():
    assert len(json.loads(run(with_tables(PROGRAM)))) == sum(len(names.split()) for names in NAMES.values())


def test_pytorch_has_these_names_in_these_places():
    pytest.importorskip("torch")
    run(f"""
    import importlib, warnings
    warnings.simplefilter("ignore")
    for path, names in {NAMES!r}.items():
        for name in names.split():
            if path not in ("tensor", "utils.tensorboard"):  # of older releases, and of another package
                assert hasattr(importlib.import_module(f"torch.{{path}}"), name), (path, name)
    """)


ATTRIBUTES = """
import sys
import tinygrad_lite as tg
import tinygrad_lite.nn as nn, tinygrad_lite.distributions as dist, tinygrad_lite.utils.data as data
assert "tinygrad_lite.torch_imports.places" not in sys.modules
assert isinstance(nn.BatchNorm1d(2), nn.modules.batchnorm._BatchNorm)
assert nn.modules.loss.MSELoss is nn.MSELoss and nn.modules.Module is nn.modules.module.Module is nn.Module
assert dist.normal.Normal is dist.Normal and data.sampler.Sampler is data.Sampler
assert tg.autograd.function.Function is tg.autograd.Function and tg.functional.einsum is tg.einsum
assert tg.utils.data.dataloader.DataLoader is data.DataLoader and tg.storage.UntypedStorage is tg.UntypedStorage
assert tg.cuda.amp.autocast_mode.autocast is tg.amp.autocast_mode.autocast
assert tg.nn.utils.stateless.functional_call and tg.distributed.nn.all_reduce
assert tg.cuda.memory.memory_allocated() == 0
places = [tg, nn, nn.modules, nn.modules.rnn, dist, tg.autograd, data.sampler, tg.utils, tg.cuda]
for of, name in [*[(place, "absent") for place in places], (nn.modules.conv, "__wrapped__")]:
    try:
        getattr(of, name)
    except AttributeError as error:
        assert repr(name) in str(error), error
    else:
        raise RuntimeError(f"{of} has {name}")
for path in ("absent", "nn.absent", "autograd.absent", "nn.modules.conv2d", "distributions.normals"):
    try:
        __import__(f"tinygrad_lite.{path}")
    except ModuleNotFoundError as error:
        assert error.name == f"tinygrad_lite.{path}", error.name
    else:
        raise RuntimeError(path)
try:
    tg.export.export(None)
except RuntimeError as error:
    assert "state_dict" in str(error)
from tinygrad_lite.autograd.gradcheck import gradcheck
assert gradcheck(tg.sin, tg.ones(2, dtype=tg.float64, requires_grad=True))
assert tg.autograd.gradcheck(tg.sin, tg.ones(2, dtype=tg.float64, requires_grad=True))
"""


def test_the_paths_are_attributes_too_and_others_are_not_there():
    run(ATTRIBUTES)
