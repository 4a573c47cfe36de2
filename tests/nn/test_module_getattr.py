"""Classes that ask for `Module.__getattr__`, PyTorch's way to members."""

from __future__ import annotations

import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn


class Numbered(nn.Module):
    """Layers by names that are made of numbers."""

    def __init__(self) -> None:
        super().__init__()
        for i in range(2):
            self.__setattr__(f"layer_{i}", nn.Linear(2, 2))

    def forward(self, x):
        for i in range(2):
            x = self.__getattr__(f"layer_{i}")(x)
        return x


class Around(nn.Module):
    """What it has not, the layer in it has."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 3)

    def __getattr__(self, name):
        if name == "nothing":
            return super().__getattr__(name)
        return getattr(self.inner, name)


def test_members_by_explicit_calls():
    model = Numbered()
    assert model(tg.ones(1, 2)).shape == (1, 2)
    assert model.__getattr__("layer_1") is model.layer_1
    with pytest.raises(AttributeError, match="'Numbered' object has no attribute 'layer_2'"):
        model.__getattr__("layer_2")


def test_a_class_with_its_own_calls_that_of_modules():
    model = Around()
    assert model.weight is model.inner.weight
    with pytest.raises(AttributeError, match="'Around' object has no attribute 'nothing'"):
        model.nothing  # noqa: B018
