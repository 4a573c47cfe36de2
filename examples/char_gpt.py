"""Train a small GPT on the language reference that ships with Python, character by character, and let it write.

A decoder-only transformer: learned positions, layer norms before causal attention and before a GELU MLP, the
embedding's matrix again in front of the softmax, GPT-2's first weights; AdamW, a warm-up and a cosine, gradients
clipped inside the optimizer's step, dropout. Beside it stand what the frequencies of the characters, and of pairs of
them, would reach on the same held-out text: 2.42 nats a character. With the defaults the model falls below 1.25 nats
(1.80 bits) there in a few minutes; the figures are those of Python 3.11, whose reference is not the others'.

After every evaluation all that the training depends on goes to ``OUT/char_gpt.safetensors``; ``--resume`` continues
from there, to the very same numbers as if nothing had happened; beyond the last step, with the last learning rate.
A run that is through only writes::

    python examples/char_gpt.py
    python examples/char_gpt.py --resume --prompt "The with statement" --temperature 0.5

References
----------
A. Radford et al., "Language models are unsupervised multitask learners", 2019 (GPT-2).
O. Press and L. Wolf, "Using the output embedding to improve language models", EACL 2017.
"""

from __future__ import annotations

import hashlib
import math
import pydoc_data.topics
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import command_line, progress, pyplot, save_figure, setup, smooth_curve

import tinygrad_lite as tg
from tinygrad_lite import nn, optim

PIECES, HELD_OUT = 100, 10  # the text is cut into so many pieces, of which every tenth is held out
ASCII = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "..."})
SHOWN = 32  # characters whose attention the figure shows


# --- text -------------------------------------------------------------------------------------------------------------


def python_reference() -> str:
    """The topics that Python's `help` knows, in printable ASCII; paragraphs that several of them share come once."""
    topics = pydoc_data.topics.topics
    text = "\n\n".join(topics[name] for name in sorted(topics)).translate(ASCII)
    plain = "".join(c for c in text if c == "\n" or " " <= c <= "~")
    return "\n\n".join(dict.fromkeys(re.split("\n{2,}", plain)))


class Text:
    """A text as numbers: its alphabet, and the parts to learn from and to be judged by, which are int64 (N,)."""

    def __init__(self, text: str) -> None:
        self.alphabet = sorted(set(text))
        self.numbers = {character: i for i, character in enumerate(self.alphabet)}
        self.digest = hashlib.sha256(text.encode()).hexdigest()
        pieces = np.array_split(self.encode(text), PIECES)
        held_out = [i % HELD_OUT == HELD_OUT // 2 for i in range(PIECES)]
        self.train, self.test = (
            np.concatenate([piece for piece, held in zip(pieces, held_out) if held is wanted])
            for wanted in (False, True)
        )

    def encode(self, text: str) -> np.ndarray:
        unknown = sorted(set(text) - self.numbers.keys())
        if unknown:
            raise ValueError(f"prompt must be of characters that the text has, got {', '.join(map(repr, unknown))}")
        return np.array([self.numbers[character] for character in text], dtype=np.int64)

    def decode(self, numbers: np.ndarray) -> str:
        return "".join(self.alphabet[i] for i in numbers)


def windows(text: np.ndarray, starts: np.ndarray, length: int) -> tuple[tg.Tensor, tg.Tensor]:
    """Stretches of the text, and the same ones a character later: int64 (len(starts), length) both."""
    found = text[starts[:, None] + np.arange(length + 1)]
    return tg.tensor(found[:, :-1]), tg.tensor(found[:, 1:])


def frequencies(train: np.ndarray, test: np.ndarray, characters: int) -> dict[str, float]:
    """Nats a character that counting reaches: each by itself, and each after the one before; add-one smoothed."""
    pairs = np.ones((characters, characters))
    np.add.at(pairs, (train[:-1], train[1:]), 1)
    single = np.bincount(train, minlength=characters) + 1
    return {
        "characters": float(-np.log(single / single.sum())[test].mean()),
        "pairs": float(-np.log(pairs / pairs.sum(axis=1, keepdims=True))[test[:-1], test[1:]].mean()),
    }


# --- model ------------------------------------------------------------------------------------------------------------


class Attention(nn.Module):
    """Every character looks at itself and at those before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def split(self, x: tg.Tensor) -> tuple[tg.Tensor, tg.Tensor, tg.Tensor]:
        """Queries, keys and values of x (B, T, C): each (B, heads, T, C / heads)."""
        batch, length, width = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        y = nn.functional.scaled_dot_product_attention(*self.split(x), is_causal=True)  # (B, heads, T, C / heads)
        return self.dropout(self.out(y.transpose(1, 2).flatten(2)))  # (B, T, C)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads, dropout)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width), nn.Dropout(dropout)
        )

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """Characters (B, T) -> logits of the character that follows each of them (B, T, characters)."""

    def __init__(self, characters: int, context: int, width: int, heads: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.context = context
        self.tokens = nn.Embedding(characters, width)
        self.positions = nn.Embedding(context, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, characters, bias=False)
        self.head.weight = self.tokens.weight
        self.init_weights()

    def init_weights(self) -> None:
        """As GPT-2: all matrices from N(0, 0.02), smaller in front of the sums, which add up 2 of them a layer."""
        for name, p in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(p)
            elif p.ndim == 2:
                into_sum = name.endswith(("attention.out.weight", "mlp.2.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * len(self.blocks)) if into_sum else 0.02)

    def forward(self, x: tg.Tensor) -> tg.Tensor:
        h = self.tokens(x) + self.positions(tg.arange(x.shape[1]))  # (B, T, C)
        return self.head(self.norm(self.blocks(self.dropout(h))))


def cross_entropy(logits: tg.Tensor, t: tg.Tensor) -> tg.Tensor:
    """Nats a character, the mean over all characters (B, T)."""
    return nn.functional.cross_entropy(logits.flatten(0, 1), t.flatten())


@tg.no_grad()
def evaluate(model: GPT, text: np.ndarray, batch_size: int = 64) -> float:
    """Cross entropy on the whole text, cut into contexts: most characters are predicted from less than a full one."""
    model.eval()
    starts = np.arange(0, len(text) - model.context, model.context)
    batches = [starts[i : i + batch_size] for i in range(0, len(starts), batch_size)]
    sums = [len(b) * cross_entropy(model(x), t).item() for b in batches for x, t in [windows(text, b, model.context)]]
    model.train()
    return sum(sums) / len(starts)


@tg.no_grad()
def write(model: GPT, prompt: np.ndarray, length: int, temperature: float, top_k: int, seed: int) -> np.ndarray:
    """Continue the prompt (N,) by so many characters, each drawn from the likeliest `top_k`; 0 stands for all."""
    if not (len(prompt) and temperature > 0):
        raise ValueError(f"prompt must not be empty, and temperature positive, got {len(prompt)} and {temperature}")
    model.eval()
    generator = tg.Generator().manual_seed(seed)
    written = tg.tensor(prompt[None])  # (1, N)
    for _ in range(length):
        logits = model(written[:, -model.context :])[:, -1] / temperature  # (1, characters)
        if 0 < top_k < logits.shape[1]:
            logits = logits.masked_fill(logits < logits.topk(top_k).values[:, -1:], -math.inf)
        following = tg.multinomial(logits.softmax(dim=-1), 1, generator=generator)
        written = tg.cat([written, following], dim=1)
    model.train()
    return written[0].numpy()


@tg.no_grad()
def attention_maps(model: GPT, x: np.ndarray) -> list[np.ndarray]:
    """Where the characters x (T,) look, in each layer: (heads, T, T), rows that sum to 1."""
    maps: list[np.ndarray] = []

    def look(attention: Attention, inputs: tuple[tg.Tensor]) -> None:
        q, k, _ = attention.split(*inputs)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        future = tg.ones(len(x), len(x), dtype=tg.bool).triu(1)
        maps.append(scores.masked_fill(future, -math.inf).softmax(dim=-1)[0].numpy())

    handles = [block.attention.register_forward_pre_hook(look) for block in model.blocks]
    model.eval()
    model(tg.tensor(x[None]))
    model.train()
    for handle in handles:
        handle.remove()
    return maps


# --- training ---------------------------------------------------------------------------------------------------------


class Run:
    """A training and all that it depends on: model, optimizer with its schedule, random streams, what was measured."""

    def __init__(
        self, text: Text, steps: int, batch_size: int, lr: float, rng: np.random.Generator, **sizes: Any
    ) -> None:
        if len(text.test) <= sizes["context"]:
            raise ValueError(f"context must be below {len(text.test)}, the held-out characters, got {sizes['context']}")
        self.text, self.batch_size, self.rng = text, batch_size, rng
        self.model = GPT(len(text.alphabet), **sizes)
        schedule = optim.schedules.warmup_cosine(lr, steps // 20, steps, end=lr / 10)
        self.optimizer = optim.AdamW(
            optim.decay_groups(self.model, 0.1), lr=schedule, betas=(0.9, 0.99), max_grad_norm=1.0
        )
        self.settings = {"text": text.digest, "batch_size": batch_size, "lr": lr, **sizes}
        self.losses: list[float] = []
        self.rates: list[float] = []
        self.held_out: dict[int, float] = {}  # after how many updates -> nats a character

    def step(self) -> None:
        """Make one update on stretches from anywhere in the text."""
        starts = self.rng.integers(len(self.text.train) - self.model.context, size=self.batch_size)
        x, t = windows(self.text.train, starts, self.model.context)
        loss = cross_entropy(self.model(x), t)
        self.optimizer.zero_grad()
        loss.backward()
        self.rates.append(self.optimizer.lr(len(self.losses)))
        self.optimizer.step()
        self.losses.append(loss.item())

    def save(self, path: Path) -> None:
        state = {
            "settings": self.settings, "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "dropout": tg.get_rng_state(), "batches": self.rng.bit_generator.state,
            "losses": self.losses, "rates": self.rates, "held_out": self.held_out,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        tg.save(state, path)

    def load(self, path: Path) -> None:
        state = tg.load(path)
        for name, value in self.settings.items():
            if state["settings"][name] != value:
                raise ValueError(f"{path} is of a run with {name} {state['settings'][name]}, got {value}")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        tg.set_rng_state(state["dropout"])
        self.rng.bit_generator.state = state["batches"]
        self.losses, self.rates, self.held_out = state["losses"], state["rates"], state["held_out"]


def train(run: Run, steps: int, path: Path) -> float:
    """Go on to so many updates, with ten evaluations and checkpoints on the way; return characters per second."""
    every = max(1, steps // 10)
    bar = progress(range(len(run.losses) + 1, steps + 1), "training")
    seconds = 0.0
    for step in bar:
        start = time.perf_counter()
        run.step()
        seconds += time.perf_counter() - start
        if step % every == 0 or step == steps:
            run.held_out[step] = evaluate(run.model, run.text.test)
            run.save(path)
            recent, held_out = np.mean(run.losses[-every:]), run.held_out[step]
            bar.write(f"{step:6}{recent:20.4f}{held_out:12.4f}{held_out / math.log(2):8.3f}{run.rates[-1]:12.2e}")
    speed = len(bar) * run.batch_size * run.model.context / seconds if len(bar) else math.nan
    if len(bar):
        print(f"{speed:.0f} characters a second in training")
    return speed


def main(
    steps: int = 2500, seed: int = 0, out: str = "out", backend: str | None = None, text: str | None = None,
    resume: bool = False, checkpoint: str | None = None, prompt: str = "The ", length: int = 500,
    temperature: float = 0.8, top_k: int = 20, batch_size: int = 32, context: int = 64, layers: int = 3,
    width: int = 128, heads: int = 4, dropout: float = 0.1, lr: float = 3e-3,
) -> dict:  # fmt: skip
    rng = setup(seed, backend)
    known = Text(Path(text).read_text(encoding="utf-8") if text else python_reference())
    beginning = known.encode(prompt)
    run = Run(known, steps, batch_size, lr, rng, context=context, width=width, heads=heads, layers=layers,
              dropout=dropout)  # fmt: skip
    path = Path(checkpoint or Path(out) / "char_gpt.safetensors")
    if resume:
        run.load(path)
    print(f"{len(known.train)} characters to learn from, {len(known.test)} held out, {len(known.alphabet)} different")
    print(f"{nn.summary(run.model).parameters} parameters; {len(run.losses)} of {steps} updates are done")
    print("update  nats in training    held out    bits          lr")
    speed = train(run, steps, path)
    counted = frequencies(known.train, known.test, len(known.alphabet))
    loss = list(run.held_out.values())[-1]
    rows = {"characters counted": counted["characters"], "pairs counted": counted["pairs"], "this GPT": loss}
    for name, nats in rows.items():
        print(f"{name:>26}{nats:12.4f}{nats / math.log(2):8.3f}")
    print(f"{loss:.4f} nats, {loss / math.log(2):.3f} bits a held-out character")
    written = known.decode(write(run.model, beginning, length, temperature, top_k, seed))
    print(f"\n{written}\n")
    shown = written[: min(SHOWN, context)]
    save_figure(draw(run, counted, shown, attention_maps(run.model, known.encode(shown))), out, "char_gpt")
    return {
        "loss": loss, "bits": loss / math.log(2), "characters": counted["characters"], "pairs": counted["pairs"],
        "characters_per_second": speed, "losses": run.losses, "held_out": run.held_out, "rates": run.rates,
        "written": written, "model": run.model,
    }  # fmt: skip


def draw(run: Run, counted: dict[str, float], shown: str, maps: list[np.ndarray]):
    """Losses and learning rates on the left; on the right where the heads look, a row for each layer."""
    figure = pyplot().figure(figsize=(16, 9))
    left, right = figure.subfigures(1, 2, width_ratios=(4, 7))
    losses, rates = left.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 1)})
    updates = np.arange(1, len(run.losses) + 1)
    losses.plot(updates, run.losses, color="tab:blue", alpha=0.25)
    losses.plot(updates, smooth_curve(run.losses, 51), color="tab:blue", label="training, with dropout")
    losses.plot(list(run.held_out), list(run.held_out.values()), "o-", color="tab:red", label="held out")
    for name, style in (("characters", ":"), ("pairs", "--")):
        losses.axhline(counted[name], color="0.4", ls=style, label=f"held out, {name} counted: {counted[name]:.2f}")
    loss = list(run.held_out.values())[-1]
    losses.set(title=f"{loss:.3f} nats, {loss / math.log(2):.2f} bits a held-out character", ylabel="nats a character")
    losses.legend()
    rates.plot(updates, run.rates, color="tab:green")
    rates.set(title="Learning rate", xlabel="update", ylim=(0, None))

    right.suptitle("Attention: how much a character (row) looks at itself and at those before it, in text it wrote")
    characters = [c if c.isprintable() else "·" for c in shown]
    axes = right.subplots(len(maps), len(maps[0]), squeeze=False)
    for (layer, head), ax in np.ndenumerate(axes):
        ax.imshow(np.sqrt(maps[layer][head]), cmap="Blues", vmin=0, vmax=1)  # the root shows the faint ones, too
        ax.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=9)
        ax.set_xticks(range(len(characters)), characters, fontsize=6, family="monospace")
        ax.set_yticks(range(len(characters)), characters, fontsize=6, family="monospace")
        ax.tick_params(length=0, pad=1)
        ax.grid(False)
    return figure


if __name__ == "__main__":
    command_line(main)
