"""Where PyTorch's modules lie here, as far as their names differ."""

from __future__ import annotations

_LAYERS = {  # PyTorch's file under nn.modules -> the one here
    "batchnorm": "normalization.batch_norm", "instancenorm": "normalization.batch_norm",
    "channelshuffle": "fold_pixel_shuffle", "pixelshuffle": "fold_pixel_shuffle", "fold": "fold_pixel_shuffle",
    "container": "containers.container", "conv": "convolution.conv", "flatten": "linear",
    "rnn": "recurrent.recurrent", "sparse": "embedding",
}  # fmt: skip

RENAMED = {
    **{f"nn.modules.{theirs}": f"nn.modules.{ours}" for theirs, ours in _LAYERS.items()},
    "__config__": "utils.collect_env",
    "_C": "torch_modules._C", "_C._nn": "nn.functional", "nn.utils.stateless": "transforms.stateless",
    "distributed.nn": "distributed.functional", "distributed.nn.functional": "distributed.functional",
    "storage": "ops.shape.storage", "torch_version": "torch_imports.torch_version",
    "_utils": "utils._torch_utils", "_custom_ops": "torch_modules.library",
    "_dynamo": "compiler", "_dynamo.utils": "compiler.pytorch_names", "_inductor": "compiler",
    "fx": "nn.fx",
    "cuda.amp.autocast_mode": "amp.autocast_mode", "cuda.amp.grad_scaler": "amp.grad_scaler",
}  # fmt: skip

# Files of PyTorch that are cut otherwise here: their names are found in the package above.
WITHOUT_A_FILE = {
    "_jit_internal", "_linalg_utils", "_lowrank", "functional", "tensor",
    "autograd.anomaly_mode", "autograd.function", "autograd.grad_mode", "autograd.gradcheck", "autograd.variable",
    "cuda.memory", "cuda.random", "cuda.streams",
    "distributions.bernoulli", "distributions.beta", "distributions.binomial", "distributions.cauchy",
    "distributions.chi2", "distributions.continuous_bernoulli", "distributions.dirichlet", "distributions.exp_family",
    "distributions.exponential", "distributions.fishersnedecor", "distributions.gamma",
    "distributions.generalized_pareto", "distributions.geometric", "distributions.gumbel",
    "distributions.half_cauchy", "distributions.half_normal", "distributions.independent",
    "distributions.inverse_gamma", "distributions.kumaraswamy", "distributions.laplace", "distributions.lkj_cholesky",
    "distributions.log_normal", "distributions.logistic_normal", "distributions.lowrank_multivariate_normal",
    "distributions.mixture_same_family", "distributions.multinomial", "distributions.negative_binomial",
    "distributions.normal", "distributions.one_hot_categorical", "distributions.pareto", "distributions.poisson",
    "distributions.relaxed_bernoulli", "distributions.relaxed_categorical", "distributions.studentT",
    "distributions.transformed_distribution", "distributions.uniform", "distributions.von_mises",
    "distributions.weibull", "distributions.wishart",
    "jit._script",
    "nn.modules.adaptive",
    "nn.parallel.data_parallel",
    "nn.utils.parametrize", "nn.utils.stateless",
    "profiler.profiler",
    "utils.data._utils", "utils.data._utils.collate", "utils.data._utils.worker",
    "utils.data.dataloader", "utils.data.dataset",
    "utils.data.distributed", "utils.data.sampler",
}  # fmt: skip
