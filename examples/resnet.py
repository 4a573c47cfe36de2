"""ResNet-18, under the names that the published weights have: compared with PyTorch, timed, and trained on digits.

The network for images of 224 x 224 is listed, loaded with `--weights` if given, compared with PyTorch where that is
installed, and timed. Weights in PyTorch's format are converted once, and then need PyTorch no more:

    python -m tinygrad_lite convert resnet18.pth resnet18.safetensors
    python examples/resnet.py --weights resnet18.safetensors --image photograph.jpg

shows the classes that it sees and what its stages make of the image. Without weights a variant for small images, a
quarter as wide and with the stem that the paper has for 32 x 32, learns the handwritten digits: 300 updates take
about a minute on two cores and leave little more than one in a hundred of the held-out digits wrong.

References
----------
K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016: table 1, 18 layers.
K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015: the first weights.
"""

from __future__ import annotations

import copy
import importlib.util
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from common import accuracy, batches, command_line, extra, progress, pyplot, save_figure, setup, train_step
from data import load_mnist
from train_digits import shifted

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, as all published weights expect
TIMED = 8  # images in the batch that is timed


class BasicBlock(nn.Module):
    """x + f(x), f two convolutions; where the shape changes, x goes through a convolution of 1 x 1."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """A stem, four stages of two blocks, and a linear layer on the mean over all places.

    Parameters
    ----------
    classes, channels : int
        Of the answer, and of the images.
    width : int
        Channels of the first stage; each further stage has twice as many at half the resolution.
    small : bool
        For small images: the stem is one convolution of 3 x 3 that keeps the resolution, without pooling.
    """

    def __init__(self, classes: int = 1000, channels: int = 3, width: int = 64, small: bool = False) -> None:
        super().__init__()
        kernel, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.maxpool = nn.Identity() if small else nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = nn.Sequential(BasicBlock(width, width), BasicBlock(width, width))
        self.layer2 = nn.Sequential(BasicBlock(width, 2 * width, 2), BasicBlock(2 * width, 2 * width))
        self.layer3 = nn.Sequential(BasicBlock(2 * width, 4 * width, 2), BasicBlock(4 * width, 4 * width))
        self.layer4 = nn.Sequential(BasicBlock(4 * width, 8 * width, 2), BasicBlock(8 * width, 8 * width))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8 * width, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))  # (N, width, H/4, W/4)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))  # (N, 8 width, H/32, W/32)
        return self.fc(self.avgpool(x).flatten(1))  # (N, classes)


# --- the network of the paper -----------------------------------------------------------------------------------------


def by_pytorch(state: dict, images: np.ndarray) -> np.ndarray:
    """The logits that PyTorch computes from the same state dict, in evaluation: the network without its classes."""
    import torch
    import torch.nn.functional as F

    s = {name: torch.from_numpy(value.numpy()) for name, value in state.items()}

    def conv(x, name: str, norm: str, stride: int = 1):
        weight = s[f"{name}.weight"]
        x = F.conv2d(x, weight, stride=stride, padding=weight.shape[-1] // 2)
        return F.batch_norm(x, *(s[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    x = F.max_pool2d(conv(torch.from_numpy(images), "conv1", "bn1", 2).relu(), 3, 2, 1)
    for block in (f"layer{i}.{j}." for i in (1, 2, 3, 4) for j in (0, 1)):
        changes = f"{block}downsample.0.weight" in s
        y = conv(x, f"{block}conv1", f"{block}bn1", 2 if changes else 1).relu()
        y = conv(y, f"{block}conv2", f"{block}bn2")
        x = (y + (conv(x, f"{block}downsample.0", f"{block}downsample.1", 2) if changes else x)).relu()
    return F.linear(x.mean((2, 3)), s["fc.weight"], s["fc.bias"]).numpy()


def compare(model: ResNet18, rng: np.random.Generator) -> float | None:
    """The largest difference from PyTorch's logits, relative to the largest logit; None without PyTorch."""
    if not importlib.util.find_spec("torch"):
        return None
    images = rng.standard_normal((2, 3, 224, 224), np.float32)
    model.eval()
    with tg.no_grad():
        ours = model(tg.tensor(images)).numpy()
    theirs = by_pytorch(model.state_dict(), images)
    difference, scale = np.abs(ours - theirs).max(), np.abs(theirs).max()
    print(f"largest difference from PyTorch's logits: {difference:.1e}, of logits up to {scale:.2g}")
    return float(difference / scale)


def speed(model: ResNet18, rng: np.random.Generator) -> dict[str, float]:
    """Images per second, in evaluation and in training."""
    model = copy.deepcopy(model)
    x = rng.standard_normal((TIMED, 3, 224, 224), np.float32)
    sgd = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    t = rng.integers(0, 1000, TIMED)
    per_second = {
        "forward": TIMED / seconds(partial(accuracy, model, x, t)),
        "training": TIMED / seconds(partial(train_step, model.train(), sgd, x, t)),
    }
    print(f"images of 224 x 224 per second: {per_second['forward']:.1f} forward, {per_second['training']:.1f} training")
    return per_second


def seconds(call: Callable[[], object], times: int = 3) -> float:
    """The shortest time of a call; the first, which may wait for a kernel to be compiled, does not count."""
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def read_image(path: str | Path) -> np.ndarray:
    """Read an image as published weights expect it: its middle 224 x 224 at a shorter side of 256, normalized."""
    pixels = np.asarray(extra("matplotlib.image").imread(path))
    scale = 255 if pixels.dtype == np.uint8 else 1
    pixels = np.stack([pixels] * 3, axis=2) if pixels.ndim == 2 else pixels[:, :, :3]
    x = tg.tensor(pixels.astype(np.float32) / scale).permute(2, 0, 1).unsqueeze(0)
    height, width = (round(256 * size / min(pixels.shape[:2])) for size in pixels.shape[:2])
    x = nn.functional.interpolate(x, size=(height, width), mode="bilinear", antialias=True)
    top, left = (height - 224) // 2, (width - 224) // 2
    x = x[0, :, top : top + 224, left : left + 224].numpy()
    return (x - np.float32(MEAN)[:, None, None]) / np.float32(STD)[:, None, None]


def classify(model: ResNet18, x: np.ndarray, out: str) -> dict:
    """Print the five likeliest of ImageNet's classes and draw them, with what the stages make of the image."""
    logits, stages = watch(model, x)
    likely = logits.softmax(dim=0).numpy()
    top = np.argsort(-likely)[:5]
    for k in top:
        print(f"class {k:4} {likely[k]:7.1%}")
    figure = pyplot().figure(figsize=(13, 7))
    upper, lower = figure.subfigures(2, 1)
    left, right = upper.subplots(1, 2)
    left.imshow(np.clip(x * np.float32(STD)[:, None, None] + np.float32(MEAN)[:, None, None], 0, 1).transpose(1, 2, 0))
    left.set(title="what the network sees", xticks=[], yticks=[])
    right.barh([f"class {k}" for k in top], 100 * likely[top])
    right.set(title="the five likeliest classes of ImageNet", xlabel="%")
    right.invert_yaxis()
    draw_stages(lower, stages)
    save_figure(figure, out, "resnet")
    return {"classes": top, "likely": likely[top]}


# --- digits -----------------------------------------------------------------------------------------------------------


def train_digits(model: ResNet18, digits, steps: int, batch_size: int, lr: float, rng: np.random.Generator) -> dict:
    """Train on the digits with momentum and a cosine of a learning rate; losses, and the accuracy held out."""
    (x_train, t_train), (x_test, t_test) = digits
    groups = optim.decay_groups(model, weight_decay=5e-4)  # no decay for biases and norms
    schedule = optim.schedules.warmup_cosine(lr, steps // 10, steps)
    sgd = optim.SGD(groups, lr=schedule, momentum=0.9, nesterov=True)
    losses, held_out, every = [], [], max(1, steps // 6)
    start, bar = time.perf_counter(), progress(batches(len(x_train), batch_size, steps, rng), "training")
    print("update  loss in training  accuracy held out")
    for step, i in enumerate(bar, 1):
        losses.append(train_step(model, sgd, shifted(x_train[i], rng), t_train[i]))
        if step % every == 0 or step == steps:
            held_out.append((step, accuracy(model, x_test, t_test)))
            bar.write(f"{step:6}{np.mean(losses[-every:]):18.4f}{held_out[-1][1]:19.2%}")
    took = time.perf_counter() - start
    print(f"accuracy {held_out[-1][1]:.2%} on {len(x_test)} held-out digits after {steps} updates, {took:.1f} s")
    return {"losses": losses, "held_out": np.array(held_out), "accuracy": held_out[-1][1], "model": model}


def main(
    steps: int = 300, seed: int = 0, out: str = "out", backend: str | None = None, data: str | None = None,
    weights: str | None = None, image: str | None = None, batch_size: int = 64, width: int = 16, lr: float = 0.05,
) -> dict:  # fmt: skip
    if image is not None and weights is None:
        raise ValueError(f"resnet: an image can be classified with trained weights only, got {image} and no weights")
    rng = setup(seed, backend)
    model = ResNet18()
    print(nn.summary(model, input_size=(1, 3, 224, 224), depth=2))
    if weights is not None:
        model.load_state_dict(tg.load(weights))
    results = {"difference": compare(model, rng), **speed(model, rng)}
    if image is not None:
        results |= classify(model, read_image(image), out)
    if weights is None:
        digits = load_mnist(flatten=False, folder=data)
        small = ResNet18(classes=10, channels=1, width=width, small=True)
        results |= train_digits(small, digits, steps, batch_size, lr, rng)
        save_figure(draw(results, digits[1][0][0]), out, "resnet")
    return results


# --- figures ----------------------------------------------------------------------------------------------------------


def watch(model: ResNet18, x: np.ndarray) -> tuple[tg.Tensor, dict[str, np.ndarray]]:
    """The logits of one image (C, H, W), and what comes out of the stem and of each stage."""
    stages: dict[str, np.ndarray] = {}

    def note(name: str, module: nn.Module, args: object, output: tg.Tensor) -> None:
        stages[name] = output[0].numpy()

    names = ("maxpool", "layer1", "layer2", "layer3", "layer4")
    hooks = [getattr(model, name).register_forward_hook(partial(note, name)) for name in names]
    model.eval()
    with tg.no_grad():
        logits = model(tg.tensor(x).unsqueeze(0))[0]
    for hook in hooks:
        hook.remove()
    return logits, stages


def draw_stages(figure, stages: dict[str, np.ndarray]) -> None:
    """Sixteen channels of each stage as pictures, each as bright as its own largest value."""
    for ax, (name, pictures) in zip(figure.subplots(1, len(stages)), stages.items()):
        channels, height, width = pictures.shape
        title = "stem" if name == "maxpool" else name
        ax.set(title=f"{title}: {channels} x {height} x {width}", xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(False)
        if channels == 1:
            ax.imshow(pictures[0])
            continue
        strongest = np.sort(np.argsort(-pictures.std(axis=(1, 2)))[:16])
        tiles = pictures[strongest] / np.maximum(pictures[strongest].max(axis=(1, 2), keepdims=True), 1e-12)
        edge = max(1, height // 14)
        tiles = np.pad(tiles, ((0, 16 - len(tiles)), (0, edge), (0, edge)), constant_values=np.nan)
        ax.imshow(tiles.reshape(4, 4, *tiles.shape[1:]).transpose(0, 2, 1, 3).reshape(4 * tiles.shape[1], -1))


def draw(results: dict, image: np.ndarray):
    """Learning curves, and one digit on its way through the network."""
    figure = pyplot().figure(figsize=(13, 8))
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.3, 1))
    ax = upper.subplots()
    ax.semilogy(results["losses"], color="tab:blue", lw=1)
    ax.set(title=f"Digits it has not seen: {results['accuracy']:.2%} right", xlabel="update")
    ax.set_ylabel("cross entropy in training", color="tab:blue")
    right = ax.twinx()
    right.plot(*(results["held_out"] * (1, 100)).T, "o-", color="tab:red")
    right.set(ylim=(min(80, 100 * results["accuracy"] - 5), 100.2))
    right.set_ylabel("accuracy held out, %", color="tab:red")
    right.grid(False)
    lower.suptitle("A digit on its way through the network: sixteen channels after each stage", fontsize=12)
    draw_stages(lower, {"digit": image, **watch(results["model"], image)[1]})
    return figure


if __name__ == "__main__":
    command_line(main)
