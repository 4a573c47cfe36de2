"""Steps of models of images: LeNet, a CNN, ResNet-18, MobileNet, EfficientNet-B0 and UNet."""

from __future__ import annotations

from typing import Any

from .common import Step, classifying, joined, labels, numbers, training


def unit(
    T: Any, a: int, b: int, kernel: int = 3, stride: int = 1, groups: int = 1, activation: str = "ReLU"
) -> list[Any]:
    """Convolution, batch norm and an activation."""
    nn = T.nn
    layers = [nn.Conv2d(a, b, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(b)]
    return layers + ([getattr(nn, activation)()] if activation else [])


def lenet(T: Any) -> Step:
    """LeNet-5 with max pooling and ReLU."""
    nn = T.nn
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return classifying(T, model, numbers(T, 64, 1, 28, 28))


def cnn(T: Any) -> Step:
    """Four convolutions with batch norm, two times pooled."""
    nn = T.nn
    model = nn.Sequential(*unit(T, 3, 32), *unit(T, 32, 32), nn.MaxPool2d(2), *unit(T, 32, 64), *unit(T, 64, 64),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4096, 10))  # fmt: skip
    return classifying(T, model, numbers(T, 64, 3, 32, 32))


def residual(T: Any) -> Any:
    """What adds a shortcut to some layers."""

    class Residual(T.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, layers: list[Any], shortcut: list[Any], last: bool = True) -> None:
            super().__init__()
            self.layers, self.shortcut, self.last = T.nn.Sequential(*layers), T.nn.Sequential(*shortcut), last

        def forward(self, x: Any) -> Any:
            y = self.layers(x) + self.shortcut(x)
            return y.relu() if self.last else y

    return Residual


def resnet18(T: Any, size: int, batch: int) -> Step:
    """ResNet-18: for small images without the first pooling."""
    nn, block, layers = T.nn, residual(T), list[Any]()
    layers += unit(T, 3, 64) if size < 64 else [*unit(T, 3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for a, b, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        for k in range(2):
            a, stride = (b, 1) if k else (a, stride)
            shortcut = unit(T, a, b, 1, stride, activation="") if a != b else []
            layers.append(block(unit(T, a, b, 3, stride) + unit(T, b, b, activation=""), shortcut))
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)]
    return classifying(T, nn.Sequential(*layers, *head), numbers(T, batch, 3, size, size), optimizer="SGD")


def mobilenet(T: Any, size: int, batch: int) -> Step:
    """MobileNet: depthwise convolutions and pointwise ones in turns."""
    nn, a = T.nn, 32
    layers = unit(T, 3, 32, 3, 1 if size < 64 else 2)
    plan = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))
    if size >= 64:
        plan += ((512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
    for b, stride in plan:
        layers += unit(T, a, a, 3, stride, a) + unit(T, a, b, 1)
        a = b
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(a, 10)]
    return classifying(T, nn.Sequential(*layers, *head), numbers(T, batch, 3, size, size))


def efficientnet(T: Any, size: int, batch: int) -> Step:
    """EfficientNet-B0: inverted residuals with squeeze and excitation."""
    nn, block = T.nn, residual(T)

    class Excite(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int, few: int) -> None:
            super().__init__()
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, few, 1), nn.SiLU(),
                                      nn.Conv2d(few, channels, 1), nn.Sigmoid())  # fmt: skip

        def forward(self, x: Any) -> Any:
            return x * self.gate(x)

    layers, a = unit(T, 3, 32, 3, 2, activation="SiLU"), 32
    for wider, b, many, stride, kernel in (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ):  # fmt: skip
        for k in range(many):
            wide = wider * a
            inside = unit(T, a, wide, 1, activation="SiLU") if wider > 1 else []
            inside += unit(T, wide, wide, kernel, 1 if k else stride, wide, "SiLU")
            inside += [Excite(wide, max(1, a // 4)), *unit(T, wide, b, 1, activation="")]
            layers += [block(inside, [], False)] if a == b and (k or stride == 1) else inside
            a = b
    layers += [*unit(T, a, 1280, 1, activation="SiLU"), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return classifying(T, nn.Sequential(*layers), numbers(T, batch, 3, size, size))


def unet(T: Any) -> Step:
    """Two levels down and up again, with what was before beside it."""
    nn = T.nn
    double = lambda a, b: nn.Sequential(*unit(T, a, b), *unit(T, b, b))  # noqa: E731
    model = joined(
        T, a=double(1, 16), b=double(16, 32), c=double(32, 64), d=double(64, 32), e=double(32, 16),
        up=nn.ConvTranspose2d(64, 32, 2, 2), top=nn.ConvTranspose2d(32, 16, 2, 2), pool=nn.MaxPool2d(2),
        head=nn.Conv2d(16, 2, 1),
    )  # fmt: skip
    x, t = numbers(T, 4, 1, 64, 64), labels(T, 2, 4, 64, 64)

    def loss(m: Any) -> Any:
        a = m.a(x)
        b = m.b(m.pool(a))
        d = m.d(T.cat([m.up(m.c(m.pool(b))), b], 1))
        return nn.functional.cross_entropy(m.head(m.e(T.cat([m.top(d), a], 1))), t)

    return training(T, model, loss)
