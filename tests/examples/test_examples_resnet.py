"""examples/resnet.py: it is the ResNet-18 whose weights are published, and it learns."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import resnet
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn

PUBLISHED = 11_689_512  # parameters of the well-known model

# (name, inputs, outputs, kernel, stride) of every convolution, as table 1 of the paper has them; the name of its norm
CONVS = [("conv1", 3, 64, 7, 2, "bn1")]
for stage, (before, channels) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
    stride = 1 if stage == 1 else 2
    first, second = f"layer{stage}.0.", f"layer{stage}.1."
    CONVS += [
        (first + "conv1", before, channels, 3, stride, first + "bn1"),
        (first + "conv2", channels, channels, 3, 1, first + "bn2"),
        *([(first + "downsample.0", before, channels, 1, 2, first + "downsample.1")] if stage > 1 else []),
        (second + "conv1", channels, channels, 3, 1, second + "bn1"),
        (second + "conv2", channels, channels, 3, 1, second + "bn2"),
    ]


def pytorchs(torch):
    """ResNet-18 in PyTorch, built from the list above and called by names: no classes in common with the example."""
    norms = {name: norm for name, *_, norm in CONVS}

    class ByName(torch.nn.Module):
        def put(self, path: str, layer) -> None:
            *parents, name = path.split(".")
            place = self
            for parent in parents:
                if not hasattr(place, parent):
                    place.add_module(parent, torch.nn.Module())
                place = getattr(place, parent)
            place.add_module(name, layer)

        def convolved(self, name, x):
            return self.get_submodule(norms[name])(self.get_submodule(name)(x))

        def forward(self, x):
            x = torch.max_pool2d(torch.relu(self.convolved("conv1", x)), kernel_size=3, stride=2, padding=1)
            for block in [f"layer{i}.{j}." for i in range(1, 5) for j in range(2)]:
                shortcut = block + "downsample.0"
                same = self.convolved(shortcut, x) if shortcut in norms else x
                inner = torch.relu(self.convolved(block + "conv1", x))
                x = torch.relu(self.convolved(block + "conv2", inner) + same)
            return self.fc(x.mean(dim=(2, 3)))

    model = ByName()
    for name, inputs, outputs, kernel, stride, norm in CONVS:
        model.put(name, torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False))
        model.put(norm, torch.nn.BatchNorm2d(outputs))
    model.put("fc", torch.nn.Linear(512, 1000))
    with torch.no_grad():  # as if trained: every norm has other statistics and another weight
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.2)
                layer.running_var.uniform_(0.5, 2)
                layer.weight.uniform_(0.5, 1.2)
                layer.bias.normal_(0, 0.1)
                layer.num_batches_tracked.fill_(7)
            elif isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """PyTorch's network, and the example's with PyTorch's weights, by way of both files and the converter."""
    torch = pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")
    from tinygrad_lite.io.torch_checkpoints import convert

    torch.manual_seed(0)
    theirs, folder = pytorchs(torch), tmp_path_factory.mktemp("resnet")
    torch.save(theirs.state_dict(), folder / "resnet18.pth")
    convert(folder / "resnet18.pth", folder / "resnet18.safetensors")
    model = resnet.ResNet18()
    assert not model.load_state_dict(tg.load(folder / "resnet18.safetensors")).missing_keys
    return theirs, model


@pytest.fixture
def theirs(both):
    return copy.deepcopy(both[0])


@pytest.fixture
def ours(both):
    return copy.deepcopy(both[1])


def images(size: int, dtype=np.float32) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 3, size, size)).astype(dtype)


def test_the_names_and_shapes_are_pytorchs(theirs):
    expected = {name: tuple(value.shape) for name, value in theirs.state_dict().items()}
    model = resnet.ResNet18()
    assert {name: value.shape for name, value in model.state_dict().items()} == expected
    assert {name for name, _ in model.named_parameters()} == {name for name, _ in theirs.named_parameters()}


def test_the_order_and_number_of_parameters():
    model = resnet.ResNet18()
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED
    names = list(model.state_dict())
    assert len(names) == 122
    assert names[:7] == ["conv1.weight", *(f"bn1.{part}" for part in (
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked")), "layer1.0.conv1.weight"]  # fmt: skip
    assert names[-2:] == ["fc.weight", "fc.bias"]


def test_logits_are_pytorchs_in_evaluation(ours, theirs):
    import torch

    x = images(224)
    with tg.no_grad(), torch.no_grad():
        y, expected = ours.eval()(tg.tensor(x)).numpy(), theirs.eval()(torch.tensor(x)).numpy()
        written_again = resnet.by_pytorch(ours.state_dict(), x)
    assert y.dtype == np.float32
    scale = np.abs(expected).max()
    assert 0.5 < scale < 100  # logits of order 1: neither died out nor blew up
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4 * min(scale, 1))
    np.testing.assert_allclose(written_again, expected, rtol=0, atol=1e-4 * min(scale, 1))


def test_logits_are_pytorchs_in_training(ours, theirs):
    import torch

    x = images(96)
    with tg.no_grad(), torch.no_grad():
        y, expected = ours.train()(tg.tensor(x)).numpy(), theirs.train()(torch.tensor(x)).numpy()
    scale = np.abs(expected).max()
    assert 0.1 < scale < 100
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-4 * min(scale, 1))


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_gradients_and_statistics_are_pytorchs(ours, theirs, training):
    """In float64, where nothing but a mistake makes a difference."""
    import torch

    x, t = images(64, np.float64), np.array([3, 987])
    ours.double().train(training)
    theirs.double().train(training)
    mine, other = tg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    loss = nn.functional.cross_entropy(ours(mine), tg.tensor(t))
    expected = torch.nn.functional.cross_entropy(theirs(other), torch.tensor(t))
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-9)
    gradients = dict(theirs.named_parameters(), x=other)
    for name, p in (*ours.named_parameters(), ("x", mine)):
        g = gradients[name].grad.numpy()
        assert np.abs(g).max() > 0, name
        np.testing.assert_allclose(p.grad.numpy(), g, rtol=0, atol=1e-8 * np.abs(g).max(), err_msg=name)
    statistics = dict(theirs.named_buffers())
    for name, b in ours.named_buffers():
        np.testing.assert_allclose(b.numpy(), statistics[name].numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.fixture
def one_image(monkeypatch):
    monkeypatch.setattr(resnet, "TIMED", 1)


def test_resnet_learns_digits(digits, one_image, tmp_path, capsys):
    results = resnet.main(steps=70, batch_size=32, width=4, lr=0.1, out=str(tmp_path))
    assert results["accuracy"] > 0.75  # of 1,000 digits that it has not seen
    (_, _), (x, t) = load_mnist(flatten=False)
    assert resnet.accuracy(results["model"], x, t) == pytest.approx(results["accuracy"])
    assert np.mean(results["losses"][:5]) > 2 > 0.9 > np.mean(results["losses"][-10:])
    assert {p.dtype for p in results["model"].parameters()} == {np.dtype("f")}
    assert results["difference"] is None or results["difference"] < 1e-4
    assert min(results["forward"], results["training"]) > 0
    printed = capsys.readouterr().out
    assert f"Total parameters: {PUBLISHED:,}" in printed
    assert f"accuracy {results['accuracy']:.2%} on 1000 held-out digits" in printed
    from matplotlib.image import imread

    picture = imread(tmp_path / "resnet.png")[..., :3]
    assert all((part.min(axis=2) < 0.9).any() for part in np.array_split(picture, 4))


def test_resnet_with_weights_classifies_an_image(one_image, tmp_path, capsys):
    from matplotlib.image import imsave

    x = images(64)[0]
    x = (x - x.min()) / (x.max() - x.min())
    imsave(tmp_path / "image.png", np.kron(x.transpose(1, 2, 0), np.ones((5, 6, 1))))  # 320 x 384
    seen = resnet.read_image(tmp_path / "image.png")
    assert seen.shape == (3, 224, 224)
    assert seen.dtype == np.float32
    model = resnet.ResNet18()
    with tg.no_grad():
        model.fc.bias[[285, 17]] = tg.tensor([60.0, 58.0])
    tg.save(model.state_dict(), tmp_path / "weights.safetensors")
    results = resnet.main(weights=str(tmp_path / "weights.safetensors"), image=str(tmp_path / "image.png"),
                          out=str(tmp_path))  # fmt: skip
    with tg.no_grad():
        expected = model.eval()(tg.tensor(seen).unsqueeze(0))[0].softmax(dim=0).numpy()
    np.testing.assert_array_equal(results["classes"], np.argsort(-expected)[:5])
    assert set(results["classes"][:2]) == {285, 17}
    np.testing.assert_allclose(results["likely"], np.sort(expected)[:-6:-1], rtol=1e-4)
    assert "class  285" in capsys.readouterr().out
    assert (tmp_path / "resnet.png").is_file()


def test_an_image_is_read_as_published_weights_expect_it(tmp_path):
    """A ramp of grey from left to right stays one: the middle 224 of 256 columns, with ImageNet's mean taken off."""
    from matplotlib.image import imsave

    ramp = np.broadcast_to(np.linspace(0, 1, 512)[None, :, None], (512, 512, 3))
    imsave(tmp_path / "ramp.png", ramp)
    x = resnet.read_image(tmp_path / "ramp.png") * np.array(resnet.STD)[:, None, None]
    x += np.array(resnet.MEAN)[:, None, None]
    columns = (np.arange(16, 240) + 0.5) / 256
    np.testing.assert_allclose(x, np.broadcast_to(columns, x.shape), atol=0.005)


def test_an_image_needs_weights():
    with pytest.raises(ValueError, match=r"trained weights only, got cat\.png and no weights"):
        resnet.main(image="cat.png")
