"""What the examples share: options, seeds, batches, networks, curves and figures.

An example is a function ``main(steps=..., seed=0, out="out", ...) -> dict`` that prints its table, writes its
figure and returns its numbers; its file ends with ``if __name__ == "__main__": command_line(main)``.
The defaults stand in that signature and nowhere else.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn, optim

HELP = {
    "steps": "number of updates (in dropout_check: of masks)",
    "seed": "of every random number: the same seed gives the same figures",
    "seeds": "of how many seeds results are compared",
    "out": "folder for the figures",
    "backend": "numpy or numba; the library's own choice when left out",
    "data": "folder of the MNIST files; see data.py for what is used when left out",
    "batch_size": "samples in a mini-batch",
    "lr": "learning rate",
    "keep": "probability of an element to be kept",
    "later": "number of updates that the thin blue lines show",
    "text": "file of a text to learn from, UTF-8; the language reference inside Python when left out",
    "resume": "go on from the checkpoint, which must be of a run with the same options",
    "checkpoint": "file of the checkpoint; in the folder of the figures when left out",
    "prompt": "beginning of the text that the model continues",
    "length": "number of characters that the model writes (in sequence: of steps that it reads)",
    "temperature": "below 1 the likeliest characters are still likelier, above 1 less so",
    "top_k": "draw from so many of the likeliest characters; 0 stands for all",
    "context": "number of characters that the model sees at once",
    "layers": "number of transformer blocks",
    "width": "length of the vector that stands for a character (in resnet: channels of the first stage)",
    "hidden": "units of the recurrent layer",
    "weights": "safetensors file of a state dict; `python -m tinygrad_lite convert` makes one of PyTorch's",
    "image": "file of an image to classify",
    "heads": "number of attention heads in a block",
    "dropout": "probability of an element to be dropped",
}


def extra(name: str) -> Any:
    """Import a module that only the examples need."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"the examples need {error.name}: pip install 'tinygrad_lite[examples]'", name=error.name
        ) from None


def command_line(main: Callable[..., dict], arguments: list[str] | None = None) -> dict:
    """Call an example with options of the same names, types and defaults as its parameters.

    A parameter whose default is neither a number, nor a string, a bool or None is left to callers in Python.
    """
    about = (inspect.getdoc(inspect.getmodule(main)) or inspect.getdoc(main) or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    for name, parameter in inspect.signature(main).parameters.items():
        default = parameter.default
        how: dict[str, Any] = {"type": str if default is None else type(default)}
        if isinstance(default, bool):
            how = {"action": argparse.BooleanOptionalAction}
        elif not isinstance(default, (int, float, str, type(None))):
            continue
        elif name == "backend":
            how["choices"] = ("numpy", "numba")
        parser.add_argument(f"--{name.replace('_', '-')}", default=default, help=HELP.get(name, " "), **how)
    return main(**vars(parser.parse_args(arguments)))


def setup(seed: int, backend: str | None = None) -> np.random.Generator:
    """Seed the library, choose the kernels, and return a generator for what the example itself draws."""
    if backend is not None:
        kernels.use(backend)
    tg.manual_seed(seed)
    return np.random.default_rng(seed)


def progress(items: Iterable, title: str) -> Any:
    """Show a bar over the items on a terminal; none in a log file."""
    return extra("tqdm").tqdm(items, desc=title, disable=None, leave=False)


def batches(n: int, size: int, steps: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices of `steps` mini-batches of n samples: every sample once, shuffled, before any comes again."""
    order = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        while len(order) < size:
            order = np.concatenate([order, rng.permutation(n)])
        yield order[:size]
        order = order[size:]


def mlp(
    *sizes: int,
    activation: Callable[[], nn.Module] = nn.ReLU,
    std: str | float = "he",
    batch_norm: bool = False,
    dropout: Callable[[], nn.Module] | None = None,
) -> nn.Sequential:
    """Build a fully connected network: linear, [batch norm], activation, [dropout] for every hidden layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes[:-1]):
        layers.append(nn.Linear(inputs, outputs))
        if batch_norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(activation())
        if dropout:
            layers.append(dropout())
    return init_weights(nn.Sequential(*layers, nn.Linear(*sizes[-2:])), std)


def init_weights(model: nn.Module, std: str | float) -> nn.Module:
    """Draw every linear layer's weights from a normal distribution; biases become zero.

    Parameters
    ----------
    std : {"he", "xavier"} or float
        The standard deviation: sqrt(2/n) (He et al. 2015), sqrt(1/n) (Glorot & Bengio 2010, in the form that
        textbooks use), n the number of inputs; or one number for all layers.
    """
    gain = {"he": 2.0, "xavier": 1.0}
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=(gain[std] / layer.in_features) ** 0.5 if std in gain else std)
            nn.init.zeros_(layer.bias)
    return model


def train_step(model: nn.Module, optimizer: optim.Optimizer, x: np.ndarray, t: np.ndarray) -> float:
    """Make one update on the samples x of the classes t; return the cross entropy before it."""
    loss = nn.functional.cross_entropy(model(tg.tensor(x)), tg.tensor(t))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def accuracy(model: nn.Module, x: np.ndarray, t: np.ndarray, size: int = 1000) -> float:
    """Fraction of the samples that the model, in evaluation mode, puts into their class t."""
    was_training = model.training
    model.eval()
    with tg.no_grad():
        right = sum(
            int((model(tg.tensor(x[i : i + size])).numpy().argmax(axis=1) == t[i : i + size]).sum())
            for i in range(0, len(x), size)
        )
    model.train(was_training)
    return right / len(x)


def smooth_curve(y: np.ndarray, length: int = 11, beta: float = 2.0) -> np.ndarray:
    """Smooth by a running mean weighted with a Kaiser window; the ends are continued by reflection.

    >>> smooth_curve(np.array([1.0, 1, 1, 5, 1, 1, 1]), length=3, beta=0).round(3).tolist()
    [1.0, 1.0, 2.333, 2.333, 2.333, 1.0, 1.0]
    """
    window = np.kaiser(length, beta)
    continued = np.pad(np.asarray(y, dtype=float), length // 2, mode="reflect")
    return np.convolve(continued, window / window.sum(), mode="valid")[: len(y)]


def pyplot() -> Any:
    """Matplotlib's pyplot, drawing to files, in the examples' common style."""
    extra("matplotlib").use("Agg")
    plt = extra("matplotlib.pyplot")
    plt.rcParams.update(
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": 120,
            "font.size": 10,
            "legend.frameon": False,
            "axes.grid": True,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "grid.alpha": 0.3,
        }
    )
    return plt


def save_figure(figure: Any, out: str | Path, name: str) -> Path:
    """Write the figure to out/name.png, say so, and free it."""
    path = Path(out) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.get_layout_engine().execute(figure)  # once: saving would do it twice
    figure.set_layout_engine("none")
    figure.savefig(path)
    pyplot().close(figure)
    print(f"wrote {path}")
    return path
