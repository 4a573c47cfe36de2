"""Lazy layers: they find out the size of their input when they are first called, and turn into the plain ones."""

from __future__ import annotations

from typing import Any

from .._checks import check_device
from ..module import Module
from ..parameter import Uninitialized, UninitializedParameter
from .linear import Linear


class LazyModuleMixin:
    """What a module takes, before `Module`, whose parameters get their sizes from its first input.

    A subclass has parameters that are `UninitializedParameter`, or buffers, and defines
    ``initialize_parameters(*args, **kwargs)``, which materializes them and is called with the first call's arguments.
    An optimizer may be made before that; the parameters stay the same objects.

    Attributes
    ----------
    cls_to_become : type or None
        The class of the module afterwards; None for the same.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> from tinygrad_lite.nn.modules.lazy import LazyModuleMixin
    >>> class Scale(LazyModuleMixin, nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.gain = nn.UninitializedParameter()
    ...
    ...     def initialize_parameters(self, x):
    ...         self.gain.materialize(x.shape[-1:])
    ...         nn.init.ones_(self.gain)
    ...
    ...     def forward(self, x):
    ...         return x * self.gain
    >>> scale = Scale()
    >>> scale(tg.ones(2, 3)).shape, scale.gain.shape
    ((2, 3), (3,))
    """

    cls_to_become: type[Module] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        this: Any = self
        if not this.__dict__.get("_inferred"):
            this.initialize_parameters(*args, **kwargs)
            if self.has_uninitialized_params():
                raise RuntimeError(f"{type(self).__name__}: initialize_parameters left some without a shape")
            if self.cls_to_become is not None:
                this.__class__ = self.cls_to_become
                return this(*args, **kwargs)
            this.__dict__["_inferred"] = True
        plain: Any = super()
        return plain.__call__(*args, **kwargs)

    def has_uninitialized_params(self) -> bool:
        """Return whether any size is still unknown."""
        this: Any = self
        return any(isinstance(value, Uninitialized) for value in [*this.parameters(False), *this.buffers(False)])

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters the shapes that an input asks for; every subclass defines it."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")


class Lazy(LazyModuleMixin, Module):
    """What the lazy layers share: a first call that finds out one size.

    A state dict of the plain layer loads, and gives the sizes, too.
    """

    def initialize_parameters(self, input: Any) -> None:
        """Take the sizes from an input, unless a state dict has given them, and draw the parameters."""
        loaded = None if self.has_uninitialized_params() else self._loaded_size()
        self._take_size(self._input_size(input) if loaded is None else loaded)
        if loaded is not None:
            return
        for name, shape in self._shapes().items():
            value = getattr(self, name)
            if isinstance(value, Uninitialized):
                value.materialize(shape)
        self._draw()

    def _input_size(self, input: Any) -> int:
        """The size that was unknown: of the last dimension, or of that of the channels."""
        raise NotImplementedError

    def _loaded_size(self) -> int | None:
        """The same, from a state that was loaded; None if no state depends on it."""
        raise NotImplementedError

    def _take_size(self, size: int) -> None:
        """Note the size in the layer's own attributes."""
        raise NotImplementedError

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the parameters and buffers that had to wait."""
        raise NotImplementedError

    def _draw(self) -> None:
        plain: Any = self.cls_to_become
        plain.reset_parameters(self)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, if there is anything to draw yet."""
        if not self.has_uninitialized_params():
            self._draw()


class LazyLinear(Lazy, Linear):
    """A `Linear` that takes ``in_features`` from its first input.

    Parameters
    ----------
    out_features : int
    bias : bool
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> layer = nn.LazyLinear(3)
    >>> layer(tg.randn(4, 5)).shape
    (4, 3)
    >>> layer
    Linear(in_features=5, out_features=3, bias=True)
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        Module.__init__(self)
        check_device("LazyLinear", device)
        self.in_features = 0
        self.out_features = out_features
        self.weight = UninitializedParameter(dtype=dtype)
        self.register_parameter("bias", UninitializedParameter(dtype=dtype) if bias else None)

    def _input_size(self, input: Any) -> int:
        return input.shape[-1]

    def _loaded_size(self) -> int:
        return self.weight.shape[-1]

    def _take_size(self, size: int) -> None:
        self.in_features = size

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {"weight": (self.out_features, self.in_features)}
        return shapes if self.bias is None else {**shapes, "bias": (self.out_features,)}
