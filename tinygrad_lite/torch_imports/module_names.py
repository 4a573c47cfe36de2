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
    "nn.modules.module": "nn.module",
    "_C": "torch_modules._C", "_dynamo": "compiler", "_inductor": "compiler",
    "cuda.amp.autocast_mode": "amp.autocast_mode", "cuda.amp.grad_scaler": "amp.grad_scaler",
}  # fmt: skip

# Files of PyTorch that are cut otherwise here: their names are found in the package above.
WITHOUT_A_FILE = {
    "_jit_internal", "functional", "tensor",
    "autograd.anomaly_mode", "autograd.function", "autograd.grad_mode", "autograd.gradcheck", "autograd.variable",
    "cuda.memory", "cuda.random", "cuda.streams",
    "distributions.bernoulli", "distributions.beta", "distributions.binomial", "distributions.categorical",
    "distributions.cauchy", "distributions.chi2", "distributions.constraint_registry", "distributions.constraints",
    "distributions.dirichlet", "distributions.distribution", "distributions.exp_family", "distributions.exponential",
    "distributions.gamma", "distributions.geometric", "distributions.gumbel", "distributions.half_normal",
    "distributions.independent", "distributions.kl", "distributions.laplace", "distributions.log_normal",
    "distributions.lowrank_multivariate_normal", "distributions.mixture_same_family", "distributions.multinomial",
    "distributions.multivariate_normal", "distributions.normal", "distributions.one_hot_categorical",
    "distributions.poisson", "distributions.relaxed_bernoulli", "distributions.relaxed_categorical",
    "distributions.studentT", "distributions.transformed_distribution", "distributions.transforms",
    "distributions.uniform", "distributions.utils", "distributions.von_mises", "distributions.weibull",
    "jit._script", "jit.annotations",
    "nn.modules.adaptive",
    "nn.parallel.data_parallel", "nn.parallel.distributed",
    "nn.utils.parametrize", "nn.utils.stateless",
    "utils.data._utils", "utils.data._utils.collate", "utils.data.dataloader", "utils.data.dataset",
    "utils.data.distributed", "utils.data.sampler",
}  # fmt: skip
