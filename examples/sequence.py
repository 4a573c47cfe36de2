"""Three recurrent networks add two numbers that lie up to 99 steps apart: what gates are for.

The adding problem of Hochreiter and Schmidhuber (1997), with today's inputs. A sequence has 100 steps of two inputs: a
value, uniform between 0 and 1, and a mark, which is 1 at one step of the first half and at one of the second, and 0
elsewhere. After the last step the network is to say the sum of the two marked values. Always saying 1 has a mean
squared error of 1/6 = 0.1667, the variance of that sum.

`nn.RNN`, `nn.GRU` and `nn.LSTM` of 32 units each read the same sequences, new ones for every update, with gradients
clipped to norm 1. The plain network stays at 1/6: the gradient that reaches the first half is too small to say what
to keep. Both gated ones learn to add. The last row is the LSTM with biases that keep its cells for 2 to 100 steps from
the start: the figure shows how far its gradient reaches before it has learnt anything, and it learns sooner. The
figure also shows what has been learnt: a cell that stays as it is until a marked step adds its value. All four take
less than a minute.

References
----------
S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997: experiment 4.
C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?", ICLR 2018: the biases.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup, smooth_curve

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

BASELINE = 1 / 6  # the variance of the sum of two uniform numbers
LEARNT = BASELINE / 10
HELD_OUT = 500
COLOURS = {"RNN": "tab:grey", "GRU": "tab:green", "LSTM": "tab:blue", "LSTM, slow": "tab:red"}


def adding(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw n sequences (n, length, 2) of values and marks, and the sums (n,) of the marked values."""
    values, marks = rng.random((n, length), np.float32), np.zeros((n, length), np.float32)
    for first, last in ((0, length // 2), (length // 2, length)):
        marks[np.arange(n), rng.integers(first, last, n)] = 1
    return np.stack([values, marks], axis=2), (values * marks).sum(axis=1)


class Adder(nn.Module):
    """A recurrent layer, and a linear one that reads its state after the last step."""

    def __init__(self, kind: type[nn.RNNBase], hidden: int) -> None:
        super().__init__()
        self.rnn = kind(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        states, _ = self.rnn(x)  # (B, T, hidden)
        return self.out(states[:, -1]).squeeze(1)  # (B,)


def slow(model: Adder, length: int) -> Adder:
    """Have the LSTM's cells forget, and take in, at rates that last 2 to `length` steps.

    A forget gate that stays at sigmoid(b) keeps a cell for 1 + f + f^2 + ... = 1 + exp(b) steps.
    """
    hidden = model.rnn.hidden_size
    b = nn.init.uniform_(tg.empty(hidden), 1, length - 1).log()
    with tg.no_grad():
        model.rnn.bias_ih_l0[hidden : 2 * hidden] = b  # rows: input gate, forget gate, cell, output gate
        model.rnn.bias_ih_l0[:hidden] = -b
        model.rnn.bias_hh_l0[: 2 * hidden] = 0
    return model


NETWORKS: dict[str, Callable[[int, int], Adder]] = {
    "RNN": lambda hidden, length: Adder(nn.RNN, hidden),
    "GRU": lambda hidden, length: Adder(nn.GRU, hidden),
    "LSTM": lambda hidden, length: Adder(nn.LSTM, hidden),
    "LSTM, slow": lambda hidden, length: slow(Adder(nn.LSTM, hidden), length),
}


def reach(model: Adder, x: np.ndarray) -> np.ndarray:
    """How much the answer depends on each step's input: mean norms (T,) of the derivative."""
    x = tg.tensor(x, requires_grad=True)
    (slope,) = tg.autograd.grad(model(x).sum(), x)  # (B, T, 2)
    return slope.norm(dim=2).mean(dim=0).numpy()


def train(model: Adder, held_out, steps: int, batch_size: int, lr: float, rng, title: str) -> dict:
    """Train on new sequences in every update; errors held out, and how often the gradient was clipped."""
    x_test, t_test = held_out
    before = reach(model, x_test)
    adam = optim.Adam(model.parameters(), lr=lr)
    norms, curve, every = [], [], max(1, steps // 60)
    start = time.perf_counter()
    for step in progress(range(1, steps + 1), f"{title:10}"):
        x, t = map(tg.tensor, adding(batch_size, x_test.shape[1], rng))
        loss = nn.functional.mse_loss(model(x), t)
        adam.zero_grad()
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0).item())
        adam.step()
        if step % every == 0 or step == steps:
            with tg.no_grad():
                curve.append((step, nn.functional.mse_loss(model(tg.tensor(x_test)), tg.tensor(t_test)).item()))
    return {
        "model": model, "curve": np.array(curve), "error": curve[-1][1],
        "learnt": next((step for step, error in curve if error < LEARNT), None),
        "clipped": float(np.mean(np.array(norms) > 1)), "before": before, "after": reach(model, x_test),
        "seconds": time.perf_counter() - start,
    }  # fmt: skip


def main(
    steps: int = 1500, seed: int = 0, out: str = "out", backend: str | None = None, length: int = 100,
    hidden: int = 32, batch_size: int = 32, lr: float = 0.01,
) -> dict:  # fmt: skip
    held_out = adding(HELD_OUT, length, setup(seed + 1000, backend))
    results = {}
    for name, network in NETWORKS.items():
        rng = setup(seed, backend)  # the same sequences for all
        results[name] = train(network(hidden, length), held_out, steps, batch_size, lr, rng, name)
    print(f"{length} steps, {hidden} units, {steps} updates on {batch_size} sequences each, {HELD_OUT} held out\n")
    print(f"{'':12}{'parameters':>10}{'error':>10}{'below 1/60 after':>20}{'clipped':>10}{'seconds':>10}")
    for name, r in results.items():
        size = sum(p.numel() for p in r["model"].parameters())
        learnt = f"{r['learnt']} updates" if r["learnt"] else "-"
        print(f"{name:12}{size:10}{r['error']:10.5f}{learnt:>20}{r['clipped']:10.0%}{r['seconds']:10.1f}")
    results["LSTM"]["remembered"] = remembered(results["LSTM"]["model"], held_out[0])
    k = np.abs(results["LSTM"]["remembered"]).argmax()
    print(f"halfway, the LSTM's cell {k} and the first value correlate: {results['LSTM']['remembered'][k]:.3f}")
    print(f"mean squared error of the LSTM {results['LSTM']['error']:.5f}; always saying 1: 1/6 = {BASELINE:.5f}")
    save_figure(draw(results, held_out), out, "sequence")
    return results


def memory(model: Adder, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell states (T, hidden) of an LSTM along one sequence (T, 2), and what it would answer at each step (T,)."""
    cells, answers, state = [], [], None
    with tg.no_grad():
        for step in tg.tensor(x):
            output, state = model.rnn(step.unsqueeze(0), state)
            cells.append(state[1][0].numpy())
            answers.append(model.out(output).item())
    return np.array(cells), np.array(answers)


def remembered(model: Adder, x: np.ndarray) -> np.ndarray:
    """Correlations (hidden,) of an LSTM's cells, after the first half of the sequences, with the value marked there."""
    half = x[:, : x.shape[1] // 2]
    with tg.no_grad():
        _, (_, c) = model.rnn(tg.tensor(half))  # c (1, B, hidden)
    return np.corrcoef(c[0].numpy().T, half.prod(axis=2).sum(axis=1))[-1, :-1]


def draw(results: dict[str, dict], held_out):
    figure = pyplot().figure(figsize=(13, 10))
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.25))
    left, right = top.subplots(1, 2)
    for name, r in results.items():
        left.semilogy(*r["curve"].T, color=COLOURS[name], lw=1.8, label=name)
        steps = np.arange(1, len(r["before"]) + 1)
        right.semilogy(steps, smooth_curve(r["before"], 5), ":", color=COLOURS[name], lw=1.8)
        right.semilogy(steps, smooth_curve(r["after"], 5), color=COLOURS[name], lw=1.8, label=name)
    left.axhline(BASELINE, color="black", ls="--", lw=1, label="always saying 1: 1/6")
    left.set(title="Error on sequences held out", xlabel="update", ylabel="mean squared error")
    right.set(title="How far the gradient reaches: before learning (dotted), and after", xlabel="step",
              ylabel="|d answer / d input of the step|", ylim=(1e-12, None))  # fmt: skip
    left.legend()
    right.legend(loc="lower right")
    x, t = held_out
    marks = np.nonzero(x[:, :, 1])[1].reshape(-1, 2)
    values = np.take_along_axis(x[:, :, 0], marks, axis=1)
    i = (values.min(axis=1) * (marks[:, 1] - marks[:, 0])).argmax()  # one in which both are easy to see
    draw_memory(bottom, results["LSTM"], x[i], t[i])
    return figure


def draw_memory(figure, result: dict, x: np.ndarray, t: float) -> None:
    """One sequence: what goes in, the cells that remember the first number, and what the network would say."""
    figure.suptitle("The LSTM on one of these sequences", fontsize=12)
    upper, middle, lower = axes = figure.subplots(3, 1, sharex=True, height_ratios=(1, 2, 1.6))
    cells, answers = memory(result["model"], x)
    steps = np.arange(1, len(x) + 1)
    upper.bar(steps, x[:, 0], color=np.where(x[:, 1] > 0, "tab:red", "lightgrey"), width=0.8)
    upper.set(ylabel="value", title="its values; red: the two that are marked")
    for k in np.argsort(-np.abs(result["remembered"]))[:4]:
        middle.plot(steps, cells[:, k], lw=1.8, label=f"cell {k}: {result['remembered'][k]:.2f}")
    middle.set(ylabel="cell state", title="the four cells that correlate most, halfway, with the first marked value")
    middle.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    lower.step(steps, np.cumsum(x.prod(axis=1)), "--", color="black", where="post", label="marked\nvalues so far")
    lower.plot(steps, answers, color="tab:blue", label="what it\nwould answer")
    lower.set(xlabel="step", ylabel="sum", xlim=(0, len(x) + 1),
              title=f"after the last step it says {answers[-1]:.3f}; right is {t:.3f}")  # fmt: skip
    lower.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    for ax in axes:
        for mark in steps[x[:, 1] > 0]:
            ax.axvline(mark, color="tab:red", lw=0.8, alpha=0.5)


if __name__ == "__main__":
    command_line(main)
