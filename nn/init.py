"""Initial values: fill a tensor in place, outside the graph, and return it.

The names and distributions are PyTorch's. Every random one takes ``generator=``; without it the library's
default generator is used, which `tinygrad_lite.manual_seed` seeds. The fans of a weight of shape (out, in,
*kernel) are ``fan_in = in * prod(kernel)`` and ``fan_out = out * prod(kernel)``.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from tinygrad_lite import Generator, Tensor, default_generator, no_grad
from tinygrad_lite.engine.door import open_doors
from tinygrad_lite.engine.errors import InputError
from tinygrad_lite.tensors.row_types import FloatingTensor

__all__ = [
    "calculate_gain",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "constant_",
    "ones_",
    "zeros_",
    "eye_",
    "dirac_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "sparse_",
]

_GAINS = {"sigmoid": 1.0, "tanh": 5.0 / 3.0, "relu": math.sqrt(2.0), "selu": 3.0 / 4.0}
_LINEAR = ("linear", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)))
_GAINS.update(dict.fromkeys(_LINEAR, 1.0))


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which a nonlinearity asks the standard deviation of the weights to be scaled.

    Parameters
    ----------
    nonlinearity : str
        A name in `nn.functional`: "linear", "conv2d" (and the other convolutions) and "sigmoid" give 1,
        "tanh" 5/3, "relu" sqrt(2), "leaky_relu" sqrt(2 / (1 + slope^2)), "selu" 3/4.
    param : float, optional
        The slope of "leaky_relu", by default 0.01.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the nonlinearity is unknown or the slope is no number.

    Examples
    --------
    >>> from tinygrad_lite import nn
    >>> nn.init.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise InputError(f"calculate_gain: the slope of leaky_relu must be a number, got {slope!r}")
        return math.sqrt(2.0 / (1.0 + slope**2))
    if nonlinearity not in _GAINS:
        known = ", ".join(sorted((*_GAINS, "leaky_relu")))
        raise InputError(f"calculate_gain: nonlinearity must be one of {known}, got {nonlinearity!r}")
    return _GAINS[nonlinearity]


def uniform_(tensor: FloatingTensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with U(a, b).

    Parameters
    ----------
    tensor : Tensor, floating
        Filled in place and returned.
    a, b : float
        The bounds.
    generator : Generator, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool((nn.init.uniform_(tg.empty(3, 5), -1.0, 1.0).abs() <= 1.0).all())
    True
    """
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: FloatingTensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with N(mean, std^2).

    Parameters
    ----------
    tensor : Tensor, floating
        Filled in place and returned.
    mean, std : float
    generator : Generator, optional

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> round(nn.init.normal_(tg.empty(1000, 1000), std=2.0).std().item(), 1)
    2.0
    """
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: FloatingTensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with N(mean, std^2) restricted to [a, b].

    Parameters
    ----------
    tensor : Tensor, floating
        Filled in place and returned.
    mean, std : float
        Of the distribution before it is restricted.
    a, b : float
        The bounds, in the units of the values (not of `std`).
    generator : Generator, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If ``std <= 0`` or ``a >= b``.

    Notes
    -----
    The distribution is exact for every interval: by rejection from the normal distribution where the interval
    holds much of it, and by rejection from the uniform one in the tails, where PyTorch warns.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool((nn.init.trunc_normal_(tg.empty(3, 5), a=-0.5, b=0.5).abs() <= 0.5).all())
    True
    """
    if not std > 0:
        raise InputError(f"trunc_normal_: std must be > 0, got {std}")
    if not a < b:
        raise InputError(f"trunc_normal_: a must be < b, got a={a}, b={b}")
    rng = (generator or default_generator).numpy
    z = _truncated_standard_normal(rng, (a - mean) / std, (b - mean) / std, tensor.numel())
    values = (mean + std * z).astype(tensor.dtype).reshape(tensor.shape)
    with no_grad():
        return tensor.copy_(np.clip(values, a, b))  # rounding must not carry a value over a bound


def _truncated_standard_normal(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray[Any, Any]:
    """Draw `size` values of N(0, 1) restricted to [low, high]."""
    mass = 0.5 * (math.erf(high / math.sqrt(2.0)) - math.erf(low / math.sqrt(2.0)))
    peak = max(low, min(0.0, high))  # where the density is highest
    reach = math.sqrt(peak * peak + 80.0)  # beyond, the density has fallen by exp(-40): less than float64 can draw
    left, right = max(low, -reach), min(high, reach)
    found = np.empty(size)
    have = 0
    while have < size:
        if mass > 0.3:
            z = rng.standard_normal(size - have)
            z = z[(z >= low) & (z <= high)]
        else:
            z = rng.uniform(left, right, 4 * (size - have))
            z = z[np.log1p(-rng.random(z.size)) <= 0.5 * (peak * peak - z * z)][: size - have]
        found[have : have + z.size] = z
        have += z.size
    return found


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value.

    Parameters
    ----------
    tensor : Tensor
        Filled in place and returned.
    val : float

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.init.constant_(tg.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    Parameters
    ----------
    tensor : Tensor
        Filled in place and returned.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.init.ones_(tg.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    Parameters
    ----------
    tensor : Tensor
        Filled in place and returned.

    Returns
    -------
    Tensor

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.init.zeros_(tg.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity: ones on the diagonal, whatever its shape.

    Parameters
    ----------
    tensor : Tensor, shape (rows, columns)
        Filled in place and returned.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the tensor is no matrix.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.init.eye_(tg.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise InputError(f"eye_: the tensor must have 2 dimensions, got {tensor.ndim}")
    with no_grad():
        return tensor.copy_(np.eye(*tensor.shape, dtype=tensor.dtype))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight the one that passes its input channels on unchanged.

    Parameters
    ----------
    tensor : Tensor, shape (out, in / groups, *kernel) with 1 to 3 kernel dimensions
        Filled in place and returned.
    groups : int
        Of the convolution.

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the number of dimensions is not 3 to 5, or dimension 0 is not divisible by `groups`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.init.dirac_(tg.empty(2, 2, 3))[0]
    tensor([[0., 1., 0.],
            [0., 0., 0.]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise InputError(f"dirac_: the tensor must have 3, 4 or 5 dimensions, got {tensor.ndim}")
    out, channels, *kernel = tensor.shape
    if out % groups:
        raise InputError(f"dirac_: dim 0 must be divisible by groups={groups}, got {out}")
    values = np.zeros(tensor.shape, tensor.dtype)
    centre = tuple(size // 2 for size in kernel)
    for group in range(groups):
        for channel in range(min(out // groups, channels)):
            values[(group * (out // groups) + channel, channel, *centre)] = 1
    with no_grad():
        return tensor.copy_(values)


def _fans(who: str, tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim < 2:
        raise InputError(f"{who}: fan in and fan out need a tensor of at least 2 dimensions, got {tensor.ndim}")
    out, channels, *kernel = tensor.shape
    return channels * math.prod(kernel), out * math.prod(kernel)


def xavier_uniform_(tensor: FloatingTensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with U(-a, a), a = gain * sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : Tensor, floating, shape (out, in, ...)
        Filled in place and returned.
    gain : float
        See `calculate_gain`.
    generator : Generator, optional

    Returns
    -------
    Tensor

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 16.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool((nn.init.xavier_uniform_(tg.empty(3, 5)).abs() <= (6 / 8) ** 0.5).all())
    True
    """
    fan_in, fan_out = _fans("xavier_uniform_", tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: FloatingTensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with N(0, std^2), std = gain * sqrt(2 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : Tensor, floating, shape (out, in, ...)
        Filled in place and returned.
    gain : float
        See `calculate_gain`.
    generator : Generator, optional

    Returns
    -------
    Tensor

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 16.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> round(nn.init.xavier_normal_(tg.empty(1000, 1000)).std().item(), 3)
    0.032
    """
    fan_in, fan_out = _fans("xavier_normal_", tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def _kaiming_std(who: str, tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float | None:
    """Return gain / sqrt(fan), or None for an empty tensor."""
    if 0 in tensor.shape:
        warnings.warn(f"{who}: Initializing zero-element tensors is a no-op", stacklevel=3)
        return None
    if mode not in ("fan_in", "fan_out"):
        raise InputError(f"{who}: mode must be 'fan_in' or 'fan_out', got {mode!r}")
    fan = _fans(who, tensor)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(
    tensor: FloatingTensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with U(-bound, bound), bound = gain * sqrt(3 / fan).

    Parameters
    ----------
    tensor : Tensor, floating, shape (out, in, ...)
        Filled in place and returned.
    a : float
        The slope of a leaky ReLU after this layer; 0 for ReLU.
    mode : {"fan_in", "fan_out"}
        Whether the variance is kept on the way forward or backward.
    nonlinearity : str
        See `calculate_gain`.
    generator : Generator, optional

    Returns
    -------
    Tensor

    References
    ----------
    He et al., "Delving deep into rectifiers", ICCV 2015, equations 10 and 14.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> bool((nn.init.kaiming_uniform_(tg.empty(3, 5), nonlinearity="relu").abs() <= (6 / 5) ** 0.5).all())
    True
    """
    std = _kaiming_std("kaiming_uniform_", tensor, a, mode, nonlinearity)
    if std is None:
        return tensor
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: FloatingTensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with N(0, std^2), std = gain / sqrt(fan).

    Parameters
    ----------
    tensor : Tensor, floating, shape (out, in, ...)
        Filled in place and returned.
    a : float
        The slope of a leaky ReLU after this layer; 0 for ReLU.
    mode : {"fan_in", "fan_out"}
        Whether the variance is kept on the way forward or backward.
    nonlinearity : str
        See `calculate_gain`.
    generator : Generator, optional

    Returns
    -------
    Tensor

    References
    ----------
    He et al., "Delving deep into rectifiers", ICCV 2015, equations 10 and 14.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> round(nn.init.kaiming_normal_(tg.empty(1000, 1000), nonlinearity="relu").std().item(), 3)
    0.045
    """
    std = _kaiming_std("kaiming_normal_", tensor, a, mode, nonlinearity)
    return tensor if std is None else normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: FloatingTensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with a random matrix whose rows (or columns, whichever are fewer) are orthonormal, times `gain`.

    Parameters
    ----------
    tensor : Tensor, floating, shape (rows, ...)
        Filled in place and returned; trailing dimensions count as columns.
    gain : float
    generator : Generator, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the tensor has fewer than 2 dimensions.

    References
    ----------
    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR
    2014. Mezzadri, "How to generate random matrices from the classical compact groups", 2007: the signs that
    make the distribution uniform.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> w = nn.init.orthogonal_(tg.empty(3, 5))
    >>> bool(((w @ w.T - tg.eye(3)).abs() < 1e-5).all())
    True
    """
    if tensor.ndim < 2:
        raise InputError(f"orthogonal_: the tensor must have at least 2 dimensions, got {tensor.ndim}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows
    rng = (generator or default_generator).numpy
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.sign(np.diagonal(r))
    values = gain * (q if rows >= columns else q.T)
    with no_grad():
        return tensor.copy_(values.astype(tensor.dtype).reshape(tensor.shape))


def sparse_(tensor: FloatingTensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with N(0, std^2) and set a fraction of each column to zero.

    Parameters
    ----------
    tensor : Tensor, floating, shape (rows, columns)
        Filled in place and returned.
    sparsity : float
        ``ceil(sparsity * rows)`` elements of each column become zero.
    std : float
    generator : Generator, optional

    Returns
    -------
    Tensor

    Raises
    ------
    ValueError
        If the tensor is no matrix or `sparsity` is not in [0, 1].

    References
    ----------
    Martens, "Deep learning via Hessian-free optimization", ICML 2010.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> int((nn.init.sparse_(tg.empty(10, 4), sparsity=0.3) == 0).sum())
    12
    """
    if tensor.ndim != 2:
        raise InputError(f"sparse_: the tensor must have 2 dimensions, got {tensor.ndim}")
    if not 0 <= sparsity <= 1:
        raise InputError(f"sparse_: sparsity must be in [0, 1], got {sparsity}")
    rows, columns = tensor.shape
    rng = (generator or default_generator).numpy
    values = rng.standard_normal((rows, columns)) * std
    order = rng.permuted(np.tile(np.arange(rows)[:, None], (1, columns)), axis=0)
    values[order < math.ceil(sparsity * rows)] = 0
    with no_grad():
        return tensor.copy_(values.astype(tensor.dtype))


open_doors(globals(), __all__)


def _renamed(function: Any) -> Any:
    """PyTorch's name from before 0.4, which warns."""
    old = function.__name__.removesuffix("_")

    def deprecated(*args: Any, **options: Any) -> Tensor:
        warnings.warn(f"init.{old}: deprecated in favor of init.{old}_", FutureWarning, stacklevel=2)
        return function(*args, **options)

    deprecated.__name__ = deprecated.__qualname__ = old
    deprecated.__doc__ = f"Deprecated: `{old}_`."
    return deprecated


uniform, normal, constant, eye, dirac = map(_renamed, (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal, kaiming_uniform = map(_renamed, (xavier_uniform_, xavier_normal_, kaiming_uniform_))
kaiming_normal, orthogonal, sparse = map(_renamed, (kaiming_normal_, orthogonal_, sparse_))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    return _fans("_calculate_fan_in_and_fan_out", tensor)
