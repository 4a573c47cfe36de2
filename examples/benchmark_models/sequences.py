"""Steps of models of sequences: LSTM, GRU, language models, and transformers of several kinds."""

from __future__ import annotations

from typing import Any

from networks import block, gpt

from .common import Step, joined, labels, numbers, training


def lstm(T: Any) -> Step:
    """One LSTM layer, and a linear one on its last output."""
    model = joined(T, lstm=T.nn.LSTM(64, 128, batch_first=True), head=T.nn.Linear(128, 10))
    x, t = numbers(T, 32, 64, 64), labels(T, 10, 32)
    return training(T, model, lambda m: T.nn.functional.cross_entropy(m.head(m.lstm(x)[0][:, -1]), t))


def gru(T: Any) -> Step:
    """A GRU over short sequences."""
    model = joined(T, gru=T.nn.GRU(32, 64, batch_first=True), head=T.nn.Linear(64, 5))
    x, t = numbers(T, 32, 20, 32), labels(T, 5, 32)
    return training(T, model, lambda m: T.nn.functional.cross_entropy(m.head(m.gru(x)[0][:, -1]), t))


def lstm_cells(T: Any) -> Step:
    """LSTM cells in a loop of Python's."""
    model = joined(T, cell=T.nn.LSTMCell(64, 128), head=T.nn.Linear(128, 10))
    x, t = numbers(T, 50, 32, 64), labels(T, 10, 32)

    def loss(model: Any) -> Any:
        h = c = T.zeros(32, 128)
        for step in x:
            h, c = model.cell(step, (h, c))
        return T.nn.functional.cross_entropy(model.head(h), t)

    return training(T, model, loss)


def lstm_language_model(T: Any) -> Step:
    """Two LSTM layers that foretell words."""
    nn = T.nn
    model = joined(T, words=nn.Embedding(2000, 256), lstm=nn.LSTM(256, 256, 2, batch_first=True),
                   head=nn.Linear(256, 2000))  # fmt: skip
    x, t = labels(T, 2000, 16, 35), labels(T, 2000, 16 * 35)
    return training(T, model, lambda m: nn.functional.cross_entropy(m.head(m.lstm(m.words(x))[0]).reshape(-1, 2000), t))


def characters(T: Any, width: int, depth: int, heads: int, context: int, batch: int) -> Step:
    """A GPT of characters."""
    model = gpt(T, 65, width, depth, heads, context)
    x, t = labels(T, 65, batch, context), labels(T, 65, batch * context)
    return training(T, model, lambda m: T.nn.functional.cross_entropy(m(x), t), "AdamW")


def vit(T: Any) -> Step:
    """A vision transformer of 32 x 32 pixels."""
    nn, Block = T.nn, block(T)
    model = joined(T, patches=nn.Conv2d(3, 192, 4, 4), places=nn.Embedding(64, 192), norm=nn.LayerNorm(192),
                   blocks=nn.Sequential(*[Block(192, 3) for _ in range(4)]), head=nn.Linear(192, 10))  # fmt: skip
    x, t = numbers(T, 16, 3, 32, 32), labels(T, 10, 16)

    def loss(m: Any) -> Any:
        h = m.patches(x).flatten(2).transpose(1, 2) + m.places(T.arange(64))
        return nn.functional.cross_entropy(m.head(m.norm(m.blocks(h)).mean(1)), t)

    return training(T, model, loss, "AdamW")


def translating(T: Any) -> Step:
    """Encoder and decoder, by `nn.Transformer`."""
    nn = T.nn
    model = joined(T, source=nn.Embedding(1000, 128), target=nn.Embedding(1000, 128), head=nn.Linear(128, 1000),
                   both=nn.Transformer(128, 4, 2, 2, 512, batch_first=True))  # fmt: skip
    a, b, t = labels(T, 1000, 16, 20), labels(T, 1000, 16, 20), labels(T, 1000, 320)
    mask = nn.Transformer.generate_square_subsequent_mask(20)

    def loss(m: Any) -> Any:
        out = m.both(m.source(a), m.target(b), tgt_mask=mask, tgt_is_causal=True)
        return nn.functional.cross_entropy(m.head(out).reshape(-1, 1000), t)

    return training(T, model, loss)


def encoding(T: Any) -> Step:
    """A BERT-like encoder that is only asked."""
    nn, Block = T.nn, block(T)
    words, head = nn.Embedding(2000, 256), nn.Linear(256, 2)
    blocks, x = nn.Sequential(*[Block(256, 4, after=True) for _ in range(4)]), labels(T, 2000, 8, 64)
    blocks.eval()

    def run() -> None:
        with T.no_grad():
            head(blocks(words(x))[:, 0])

    return run
