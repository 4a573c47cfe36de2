"""Activations made of pieces, mostly lines: the ReLU family, hard approximations, thresholds and shrinkage."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Generator, Tensor, empty
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ... import init
from ..._checks import check_device
from ...module import Module
from ...parameter import Parameter


class InPlace(Module):
    """An activation that may overwrite its input.

    Parameters
    ----------
    inplace : bool
        Overwrite the input.
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Show the numbers, and `inplace` where it is set."""
        shown = [f"{name}={getattr(self, name)}" for name in self._numbers]
        return ", ".join([*shown, "inplace=True"] if self.inplace else shown)

    _numbers: tuple[str, ...] = ()


class ReLU(InPlace):
    """max(x, 0), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReLU()(tg.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.relu(input, self.inplace)


class LeakyReLU(InPlace):
    """max(x, 0) + negative_slope * min(x, 0), elementwise.

    Parameters
    ----------
    negative_slope : float
        The slope for negative inputs.

    References
    ----------
    Maas et al., "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.LeakyReLU(0.1)(tg.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    _numbers = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = negative_slope

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class PReLU(Module):
    """max(x, 0) + a min(x, 0), elementwise, with a slope a that is learnt, one for all or one per channel.

    Parameters
    ----------
    num_parameters : int
        1, or the size of dimension 1.
    init : float
        Where the slopes start.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the slopes; float32 by default.

    Attributes
    ----------
    weight : Parameter, shape (num_parameters,)

    References
    ----------
    He et al., "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.PReLU()(tg.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_device("PReLU", device)
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the slopes to where they start."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """Show the number of slopes."""
        return f"num_parameters={self.num_parameters}"


class RReLU(InPlace):
    """max(x, 0) + a min(x, 0), elementwise, with slopes drawn from U(lower, upper) in training.

    In evaluation the slope is (lower + upper) / 2.

    Parameters
    ----------
    lower, upper : float
    generator : Generator, optional
        What the slopes are drawn with; not in PyTorch.

    References
    ----------
    Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.RReLU(0.2, 0.4).eval()(tg.tensor([-1.0, 2.0]))
    tensor([-0.3000,  2.0000])
    """

    _numbers = ("lower", "upper")
    generator: Generator | None = None  # of the class, for layers out of PyTorch's files

    def __init__(
        self,
        lower: float = 1.0 / 8,
        upper: float = 1.0 / 3,
        inplace: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(inplace)
        self.lower = lower
        self.upper = upper
        self.generator = generator

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace, generator=self.generator)


class Hardtanh(InPlace):
    """x, cut off at min_val and max_val, elementwise.

    Parameters
    ----------
    min_val, max_val : float
    min_value, max_value : float, optional
        Their older names.

    Raises
    ------
    ValueError
        If max_val is not above min_val.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Hardtanh(-2.0, 1.0)(tg.tensor([-3.0, 0.5, 2.0]))
    tensor([-2.0000,  0.5000,  1.0000])
    """

    _numbers: tuple[str, ...] = ("min_val", "max_val")

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        min_val, max_val = min_val if min_value is None else min_value, max_val if max_value is None else max_value
        if not max_val > min_val:
            raise InputError(f"Hardtanh: max_val must be above min_val={min_val}, got {max_val}")
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """min(max(x, 0), 6), elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.ReLU6()(tg.tensor([-1.0, 2.0, 7.0]))
    tensor([0., 2., 6.])
    """

    _numbers = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Hardsigmoid(InPlace):
    """min(max(x + 3, 0), 6) / 6, elementwise.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Hardsigmoid()(tg.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        """Show nothing, as PyTorch does."""
        return ""


class Hardswish(InPlace):
    """x min(max(x + 3, 0), 6) / 6, elementwise.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", ICCV 2019.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Hardswish()(tg.tensor([-4.0, 0.0, 3.0]))
    tensor([-0., 0., 3.])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        """Show nothing, as PyTorch does."""
        return ""


class Threshold(InPlace):
    """x where x > threshold, value elsewhere.

    Parameters
    ----------
    threshold, value : float

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Threshold(0.5, 20.0)(tg.tensor([0.0, 1.0]))
    tensor([20.,  1.])
    """

    _numbers = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold = threshold
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Hardshrink(Module):
    """x where |x| > lambd, 0 elsewhere.

    Parameters
    ----------
    lambd : float

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Hardshrink()(tg.tensor([-1.0, 0.25, 2.0]))
    tensor([-1.,  0.,  2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        """Show the threshold."""
        return f"{self.lambd}"


class Softshrink(Hardshrink):
    """x moved towards 0 by lambd, and 0 where it would pass it.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Softshrink()(tg.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        """Apply the function."""
        return F.softshrink(input, self.lambd)
