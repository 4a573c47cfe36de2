"""Smooth activations as modules; those made of pieces are in `piecewise`, the functions in `nn.functional`."""

from __future__ import annotations

from tinygrad_lite import Tensor
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ..._checks import check_choice
from ...module import Module
from .activation_piecewise import InPlace


class ELU(InPlace):
    """x above zero, alpha (exp(x) - 1) below, elementwise.

    Parameters
    ----------
    alpha : float

    References
    ----------
    Clevert et al., "Fast and accurate deep network learning by exponential linear units", ICLR 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ELU()(tg.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    _numbers = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.elu(input, self.alpha, self.inplace)


class SiLU(InPlace):
    """x sigma(x), elementwise; also called swish.

    References
    ----------
    Elfwing et al., "Sigmoid-weighted linear units for neural network function approximation", 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.SiLU()(tg.tensor([0.0, 2.0]))
    tensor([0.0000, 1.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.silu(input, self.inplace)


class CELU(InPlace):
    """x above zero, alpha (exp(x / alpha) - 1) below, elementwise.

    Parameters
    ----------
    alpha : float

    References
    ----------
    Barron, "Continuously differentiable exponential linear units", 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CELU(2.0)(tg.tensor([-1.0, 2.0]))
    tensor([-0.7869,  2.0000])
    """

    _numbers = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.celu(input, self.alpha, self.inplace)


class SELU(InPlace):
    """scale * (x above zero, alpha (exp(x) - 1) below), elementwise; keeps mean 0 and variance 1.

    References
    ----------
    Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.SELU()(tg.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.selu(input, self.inplace)


class Mish(InPlace):
    """x tanh(softplus(x)), elementwise.

    References
    ----------
    Misra, "Mish: a self regularized non-monotonic neural activation function", BMVC 2020.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Mish()(tg.tensor([0.0, 2.0]))
    tensor([0.0000, 1.9440])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.mish(input, self.inplace)


class GELU(Module):
    """x Phi(x) with the distribution function Phi of N(0, 1), elementwise.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        "tanh" gives 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Raises
    ------
    ValueError
        If `approximate` is neither.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.GELU()(tg.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        check_choice("GELU", "approximate", approximate, ("none", "tanh"))
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Show which formula is used."""
        return f"approximate={self.approximate!r}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Sigmoid()(tg.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.sigmoid(input)


class LogSigmoid(Module):
    """-log(1 + exp(-x)), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LogSigmoid()(tg.tensor([0.0, -200.0]))
    tensor([  -0.6931, -200.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.logsigmoid(input)


class Tanh(Module):
    """tanh(x), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Tanh()(tg.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.tanh(input)


class Tanhshrink(Module):
    """x - tanh(x), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Tanhshrink()(tg.tensor([0.0, 2.0]))
    tensor([0.0000, 1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.tanhshrink(input)


class Softsign(Module):
    """x / (1 + |x|), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softsign()(tg.tensor([0.0, 3.0]))
    tensor([0.0000, 0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.softsign(input)


class GLU(Module):
    """Half of the input, gated by the other half: a sigma(b) where a and b are the halves along a dimension.

    Parameters
    ----------
    dim : int
        The dimension to halve.

    References
    ----------
    Dauphin et al., "Language modeling with gated convolutional networks", ICML 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.GLU()(tg.tensor([1.0, 2.0, 0.0, 100.0]))
    tensor([0.5000, 2.0000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        """Show the dimension."""
        return f"dim={self.dim}"


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, elementwise; x itself where beta x > threshold.

    Parameters
    ----------
    beta, threshold : float

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softplus()(tg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.0000])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        """Show the parameters."""
        return f"beta={self.beta}, threshold={self.threshold}"


class Softmax(Module):
    """exp(x_i) / sum_j exp(x_j) along one dimension.

    Parameters
    ----------
    dim : int, optional
        Always say which. Without it, it is 0 for inputs of 0, 1 or 3 dimensions and 1 otherwise, as in
        PyTorch (which warns, too).

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softmax(dim=-1)(tg.tensor([[0.0, 0.0], [0.0, 2.0]]))
    tensor([[0.5000, 0.5000],
            [0.1192, 0.8808]])
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """Show the dimension."""
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """x_i - log sum_j exp(x_j) along one dimension.

    Parameters
    ----------
    dim : int, optional
        As for `Softmax`.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LogSoftmax(dim=-1)(tg.tensor([0.0, 100.0]))
    tensor([-100.,    0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.log_softmax(input, self.dim)


class Softmin(Softmax):
    """exp(-x_i) / sum_j exp(-x_j) along one dimension.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softmin(dim=0)(tg.tensor([0.0, 2.0]))
    tensor([0.8808, 0.1192])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of images of shape (N, C, H, W) or (C, H, W), at each place.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softmax2d()(tg.tensor([[[0.0]], [[2.0]]])).flatten()
    tensor([0.1192, 0.8808])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        if input.ndim not in (3, 4):
            raise InputError(f"Softmax2d: expected 3D or 4D input (got {input.ndim}D input of shape {input.shape})")
        return F.softmax(input, -3)
