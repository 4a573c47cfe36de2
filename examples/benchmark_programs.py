"""The speed of training steps as papers' and tutorials' programs write them, beside PyTorch's.

Their steps are short and many of them Python's: what is measured is as much the price of a call as that of numbers.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import turns
from benchmark_models import classics, pictures, research

ROWS: dict[str, Callable[[Any], Callable[[], Any]]] = {
    "a line through 15 points, SGD": classics.line,
    "a curve 1-10-1 through 100 points, SGD": classics.curve,
    "two layers by hand, 64 x 100-50-10": classics.by_hand,
    "REINFORCE, an episode of 20 states": classics.reinforce,
    "PPO, a minibatch of 64": classics.ppo,
    "GAT, 200 nodes, 4 heads": classics.gat,
    "seq2seq with attention, a sentence word for word": classics.seq2seq,
    "makemore's MLP, batch norm by hand": classics.characters,
    "character RNN, 2 x GRU 64, 30 characters": classics.character_rnn,
    "encoder 2 x 128, one sentence": classics.sentence,
    "encoder 2 x 128 by hand, one sentence": classics.sentence_by_hand,
    "matrix factorization, 512 ratings": classics.factors,
    "speech, LSTM and CTC": classics.speech,
    "adjoint ODE 2-50-2, 20 steps": research.adjoint_ode,
    "KAN 64-32-10": research.kan,
    "hyper-LSTM 64, 12 characters": research.hyper_lstm,
    "SIREN 64 x 4, by its gradient": research.siren,
    "RealNVP, 6 couplings": research.real_nvp,
    "N-BEATS, 6 blocks": research.n_beats,
    "MAML, 4 tasks": research.maml,
    "Bayes by backprop 1-32-32-1": research.bayes_by_backprop,
    "mixture density 1-20-15": research.mixture_density,
    "mixture of 4 experts": research.experts,
    "Mamba, a block of 32, scanned in Python": research.state_space,
    "ResNet-56, 32 pixels, batch 4": lambda T: pictures.res_net(T, 9, False, 4),
    "ResNet of 12 bottlenecks, 32 pixels, batch 4": lambda T: pictures.res_net(T, 4, True, 4),
    "EfficientNet by hand, 32 pixels, batch 8": pictures.efficient_net,
    "DCGAN, 32 pixels, batch 16": pictures.dcgan,
    "WGAN-GP, a step of the critic": pictures.wgan_gp,
    "VQ-VAE, 32 pixels, batch 8": pictures.vq_vae,
    "TCN 4 x 24, 100 steps": pictures.tcn,
    "super resolution 24 to 72 pixels": pictures.super_resolution,
    "style transfer, 48 pixels": pictures.style,
    "SimCLR, 2 x 32 pictures": pictures.contrastive,
    "diffusion, 16 pixels, batch 8": pictures.diffusion,
}


def cases(library: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """What prepares each case."""
    T = importlib.import_module(library)

    def prepared(make: Callable[[Any], Callable[[], Any]]) -> Callable[[], Callable[[], Any]]:
        def prepare() -> Callable[[], Any]:
            T.manual_seed(0)
            return make(T)

        return prepare

    return {name: prepared(make) for name, make in ROWS.items()}


def main(
    rounds: int = 7, seconds: float = 0.2, threads: tuple[int, ...] = (1,), only: str = "", out: str | None = None
) -> dict[str, Any]:
    """Measure and print; returns the times in seconds."""
    results: dict[str, Any] = {
        f"{n} threads": turns.compare(__file__, cases, n, rounds, seconds, only) for n in threads
    }
    if out:
        Path(out).write_text(json.dumps(results, indent=1), encoding="utf-8")
    return results


if __name__ == "__main__":
    options = turns.parser(__doc__, rounds=7, seconds=0.2)
    options.set_defaults(threads=(1,))
    turns.run(main, cases, options)
