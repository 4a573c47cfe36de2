"""Steps of models for images, added to `PROGRAMS` of `training_steps`."""

from __future__ import annotations

from typing import Any

from training_steps import Step, classes, classifying, numbers, program, training


@program("images: convolutions 1-8-16, batch of 16 x 28 x 28")
def convolutions(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn
    net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                        nn.Linear(784, 10))  # fmt: skip
    x, y = numbers(T, rng, 16, 1, 28, 28), classes(T, rng, 10, 16)
    return classifying(T, net, x, y, "SGD", lr=0.1)


@program("images: U-Net 8-16-32, batch of 4 x 32 x 32")
def u_net(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn

    def block(a: int, b: int) -> Any:
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())

    net = nn.ModuleDict({
        "down": nn.ModuleList([block(1, 8), block(8, 16), block(16, 32)]),
        "wider": nn.ModuleList([nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)]),
        "up": nn.ModuleList([block(32, 16), block(16, 8)]), "out": nn.Conv2d(8, 2, 1),
    })  # fmt: skip
    x, y, pool = numbers(T, rng, 4, 1, 32, 32), classes(T, rng, 2, 4, 32, 32), nn.MaxPool2d(2)

    def loss_of() -> Any:
        a = net["down"][0](x)
        b = net["down"][1](pool(a))
        c = net["down"][2](pool(b))
        b = net["up"][0](T.cat([net["wider"][0](c), b], 1))
        a = net["up"][1](T.cat([net["wider"][1](b), a], 1))
        return nn.functional.cross_entropy(net["out"](a), y)

    return training(T, net, T.optim.Adam(net.parameters()), loss_of)


@program("images: depthwise and pointwise convolutions, 8 x 16 x 16")
def separable(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn

    def block(a: int, b: int, stride: int) -> Any:
        return nn.Sequential(nn.Conv2d(a, a, 3, stride, 1, groups=a, bias=False), nn.BatchNorm2d(a), nn.ReLU6(),
                             nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU6())  # fmt: skip

    net = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU6(), block(16, 32, 1), block(32, 64, 2), block(64, 64, 1),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))  # fmt: skip
    return classifying(T, net, numbers(T, rng, 8, 3, 32, 32), classes(T, rng, 10, 8))


@program("images: ResNet of 8 blocks")
def res_net(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int, stride: int) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.Conv2d(b, b, 3, 1, 1, bias=False)
            self.n1, self.n2 = nn.BatchNorm2d(b), nn.BatchNorm2d(b)
            self.short = nn.Conv2d(a, b, 1, stride, bias=False) if a != b else nn.Identity()

        def forward(self, x: Any) -> Any:
            return T.relu(self.n2(self.second(T.relu(self.n1(self.first(x))))) + self.short(x))

    widths = [16, 16, 16, 32, 32, 64, 64, 128, 128]
    blocks = [Block(a, b, 1 + (a != b)) for a, b in zip(widths, widths[1:])]
    net = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1),
                        nn.Flatten(), nn.Linear(128, 10))  # fmt: skip
    x, y = numbers(T, rng, 8, 3, 32, 32), classes(T, rng, 10, 8)
    return classifying(T, net, x, y, "SGD", lr=0.1, momentum=0.9)


@program("images: ViT, 4 layers of 192")
def vision_transformer(T: Any, rng: Any) -> tuple[Any, Step]:
    nn = T.nn

    class ViT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.head = nn.Conv2d(3, 192, 4, 4), nn.Linear(192, 10)
            self.first, self.places = nn.Parameter(T.zeros(1, 1, 192)), nn.Parameter(T.zeros(1, 65, 192))
            layer = nn.TransformerEncoderLayer(192, 3, 384, 0.0, "gelu", batch_first=True, norm_first=True)
            self.core = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)

        def forward(self, x: Any) -> Any:
            x = self.patches(x).flatten(2).transpose(1, 2)  # (N, 64, 192)
            x = T.cat([self.first.expand(len(x), 1, 192), x], 1) + self.places
            return self.head(self.core(x)[:, 0])

    return classifying(T, ViT(), numbers(T, rng, 8, 3, 32, 32), classes(T, rng, 10, 8), "AdamW")
