"""PyTorch programs in many styles, run as they are with this library in PyTorch's place: equal losses.

They run one after the other in one process of their own, in which ``import torch`` is this library as it is under
``python -m tinygrad_lite run``; where PyTorch is installed, they run in this one with it, too.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "programs"
PROGRAMS = sorted(path.stem for path in FOLDER.glob("*.py"))
SUMS = {  # how many numbers each prints, and their sum: PyTorch 2.13's
    "annotated_transformer": (20, 18.45712), "autoencoder": (40, 166.0612), "cellular_automaton": (20, 48.30219),
    "char_rnn": (21, 80.22096), "ctc_speech": (20, 68.74973), "ddpm": (11, 4.917651), "deep_sets": (10, 8.317033),
    "distillation": (20, 24.61302), "dqn": (12, 4.764604), "ema_weights": (44, 67.26204),
    "energy_based": (20, 0.307786), "gan": (30, 56.53431), "gat": (10, 10.46743), "gaussian_process": (41, 160.4558),
    "gcn": (30, 70.6565), "hypernetwork": (30, 4.23393), "kan": (10, 3.62581), "llama_style": (10, 26.86451),
    "makemore_mlp": (14, 128.4417), "maml": (20, 52.87989), "matrix_factorization": (20, 11.98725),
    "min_gpt": (21, 59.98098), "mixture_of_experts": (30, 67.39761), "mnist_cnn": (34, 451.8648),
    "nano_gpt": (28, 1435.789), "neural_ode": (20, 56.42692), "neural_turing": (20, 191.9854), "pinn": (10, 3.523919),
    "planar_flow": (22, 71.32932), "pointer_network": (10, 27088.67), "ppo": (30, 3.262127), "rbm": (30, 94.60083),
    "real_nvp": (21, 76.95763), "reinforce": (20, 62.90698), "resnet_cifar": (40, 159.6872), "sac": (40, -90.53236),
    "seq2seq_attention": (20, 65.54451), "siamese": (30, 72.69369), "simclr": (40, 920.3964), "siren": (30, 46.39949),
    "style_transfer": (20, 225.2894), "super_resolution": (30, 285.8972), "tcn": (20, 56.47364),
    "time_sequence": (22, 67.29394), "unet_segmentation": (20, 18.62508), "vae": (34, 726.9803),
    "vit": (10, 11.99087), "vq_vae": (30, 92.67862), "wgan_gp": (30, 39.52406), "word2vec": (9, 23.14764),
    "adjoint_ode": (20, 55.43336), "bayes_by_backprop": (20, 2167.893), "hyper_lstm": (33, 99.35057),
    "lora_finetune": (45, 492.2904), "mixup_swa": (35, 475.5162), "n_beats": (32, 3953.447),
}  # fmt: skip
NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")
RUNNER = """
import contextlib, io, json, sys, traceback
from tinygrad_lite.torch_imports.activation import activate
activate(instead=True)
for line in sys.stdin:
    out, path = io.StringIO(), line.strip()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(open(path, encoding="utf-8").read(), path, "exec"), {"__name__": "__main__"})
        answer = {"printed": out.getvalue()}
    except BaseException:
        answer = {"failed": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def run_here() -> Iterator[Callable[[str], str]]:
    """Runs a program on this library, and returns what it prints."""
    command = [sys.executable, "-W", "error", "-c", RUNNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=FOLDER.parent.parent
    ) as child:
        assert child.stdin
        assert child.stdout

        def run(name: str) -> str:
            print(FOLDER / f"{name}.py", file=child.stdin, flush=True)
            answer: dict[str, str] = json.loads(child.stdout.readline())
            assert "failed" not in answer, answer["failed"]
            return answer["printed"]

        yield run
        child.stdin.close()


def run_in_pytorch(torch: Any, name: str) -> str:
    path, out, threads = FOLDER / f"{name}.py", io.StringIO(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "__main__"})
    finally:
        torch.set_num_threads(threads)
    return out.getvalue()


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(text)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_losses_are_pytorchs(name, run_here):
    found = run_here(name)
    count, total = SUMS[name]
    assert len(numbers(found)) == count
    assert sum(numbers(found)) == pytest.approx(total, 1e-4, 1e-3)
    torch = pytest.importorskip("torch")
    expected = run_in_pytorch(torch, name)
    assert NUMBER.sub("", found) == NUMBER.sub("", expected)
    np.testing.assert_allclose(numbers(found), numbers(expected), 1e-4, 1e-5)
