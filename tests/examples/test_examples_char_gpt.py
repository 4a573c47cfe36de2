"""The character-level GPT: it learns more than counting tells, goes on from a checkpoint to the bit, and writes."""

from __future__ import annotations

import math
from pathlib import Path

import char_gpt
import common
import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import optim

SMALL = {"context": 16, "width": 32, "heads": 2, "layers": 2, "dropout": 0.1, "batch_size": 8}
SIZES = {name: SMALL[name] for name in ("context", "width", "heads", "layers", "dropout")}


@pytest.fixture(scope="module")
def reference() -> char_gpt.Text:
    return char_gpt.Text(char_gpt.python_reference())


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> str:
    """A file with the reference's beginning: an evaluation takes a moment."""
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text(char_gpt.python_reference()[:30_000], encoding="utf-8")
    return str(path)


@pytest.fixture
def model() -> char_gpt.GPT:
    """With weights large enough for attention to differ between characters."""
    found = char_gpt.GPT(20, **SIZES)
    with tg.no_grad():
        for p in found.parameters():
            p.mul_(10 if p.ndim == 2 else 1)
    return found


@pytest.fixture
def no_figure(monkeypatch):
    for name in ("draw", "save_figure"):
        monkeypatch.setattr(char_gpt, name, lambda *_: None)


# --- the whole --------------------------------------------------------------------------------------------------------


def test_it_learns_more_than_pairs_of_characters_tell(short, tmp_path, capsys):
    options = {**SMALL, "layers": 1, "dropout": 0.0, "batch_size": 64, "steps": 400, "lr": 2e-2, "length": 100,
               "text": short, "out": tmp_path}  # fmt: skip
    characters = len(set(Path(short).read_text(encoding="utf-8")))
    results = common.command_line(
        char_gpt.main, [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    )
    assert results["loss"] < results["pairs"] < results["characters"] < math.log(characters)
    assert results["bits"] == pytest.approx(results["loss"] / math.log(2))
    assert results["losses"][0] == pytest.approx(math.log(characters), rel=0.05)  # the first weights know nothing
    assert len(results["losses"]) == list(results["held_out"])[-1] == 400
    assert results["characters_per_second"] > 0
    assert results["written"].startswith("The ")
    assert len(results["written"]) == 104
    printed = capsys.readouterr().out
    assert f"{results['loss']:.4f} nats, {results['bits']:.3f} bits a held-out character" in printed
    assert results["written"] in printed
    picture = common.extra("matplotlib.image").imread(tmp_path / "char_gpt.png")
    ink = (picture[..., :3].min(axis=2) < 0.9).reshape(4, picture.shape[0] // 4, -1)
    assert all(part.any() for part in ink), "a quarter of the figure is empty"


@pytest.mark.parametrize("at", [13, 20])  # between two checkpoints, and at one
def test_a_resumed_run_continues_to_the_bit(at, short, tmp_path, monkeypatch, no_figure):
    options = {**SMALL, "steps": 30, "length": 20, "text": short}
    whole = char_gpt.main(**options, out=str(tmp_path / "whole"))

    step = char_gpt.Run.step

    def interrupted(run):
        if len(run.losses) == at:
            raise KeyboardInterrupt
        step(run)

    monkeypatch.setattr(char_gpt.Run, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        char_gpt.main(**options, out=str(tmp_path))
    monkeypatch.setattr(char_gpt.Run, "step", step)
    resumed = char_gpt.main(**options, out=str(tmp_path), resume=True, seed=123)  # the checkpoint's streams count
    for name in ("losses", "held_out", "rates", "loss"):
        assert resumed[name] == whole[name], name
    for name, p in whole["model"].state_dict().items():
        np.testing.assert_array_equal(resumed["model"].state_dict()[name].numpy(), p.numpy(), err_msg=name)
    assert len(set(whole["losses"])) == len(whole["rates"]) == 30

    again = char_gpt.main(**options, out=str(tmp_path), resume=True)  # it is through and only writes
    assert (again["loss"], again["written"]) == (whole["loss"], whole["written"])
    assert again["losses"] == whole["losses"]

    longer = char_gpt.main(**{**options, "steps": 32}, out=str(tmp_path), resume=True)
    assert longer["losses"][:30] == whole["losses"]
    np.testing.assert_allclose(longer["rates"][30:], [3e-4] * 2)


def test_a_run_with_other_options_or_another_text_is_not_continued(tmp_path, no_figure):
    text = tmp_path / "own.txt"
    text.write_text("aßb\n" * 200, encoding="utf-8")
    options = {**SMALL, "steps": 1, "length": 3, "prompt": "ß", "text": str(text), "checkpoint": str(tmp_path / "c")}
    assert set(char_gpt.main(**options)["written"]) <= set("aßb\n")
    with pytest.raises(ValueError, match="is of a run with width 32, got 16"):
        char_gpt.main(**{**options, "width": 16}, resume=True)
    text.write_text("abß\n" * 200, encoding="utf-8")
    with pytest.raises(ValueError, match="is of a run with text [0-9a-f]+, got [0-9a-f]+"):
        char_gpt.main(**options, resume=True)


# --- text -------------------------------------------------------------------------------------------------------------


def test_the_reference_is_plain_and_without_repetitions():
    text = char_gpt.python_reference()
    assert len(text) > 200_000
    assert all(character == "\n" or " " <= character <= "~" for character in text)
    assert '"with" statement' in text
    paragraphs = text.split("\n\n")
    assert len(paragraphs) == len(set(paragraphs))


def test_a_tenth_is_held_out_and_no_character_is_lost(reference):
    text = char_gpt.python_reference()
    assert len(reference.train) + len(reference.test) == len(text)
    assert len(reference.test) == pytest.approx(len(text) / 10, abs=10)
    piece, longer = divmod(len(text), 100)
    begin = 5 * piece + min(5, longer)
    assert reference.decode(reference.train[:begin]) == text[:begin]
    assert reference.decode(reference.test[:piece]) == text[begin : begin + piece]
    both = np.concatenate([reference.train, reference.test])
    np.testing.assert_array_equal(np.sort(both), np.sort(reference.encode(text)))
    with pytest.raises(ValueError, match="prompt must be of characters that the text has, got 'ß', 'é'"):
        reference.encode("Straße, café")


def test_windows_are_stretches_and_what_follows():
    x, t = char_gpt.windows(np.arange(100), np.array([3, 90]), 4)
    assert x.tolist() == [[3, 4, 5, 6], [90, 91, 92, 93]]
    assert t.tolist() == [[4, 5, 6, 7], [91, 92, 93, 94]]


def test_frequencies_are_those_counted_by_hand():
    found = char_gpt.frequencies(np.array([0, 1, 0, 1, 2]), np.array([0, 1, 1]), 3)
    # 0 and 1 twice, 2 once, one more of each; after 0 came 1 twice, after 1 came 0 and 2
    assert found["characters"] == pytest.approx(-math.log(3 / 8))
    assert found["pairs"] == pytest.approx(-(math.log(3 / 5) + math.log(1 / 5)) / 2)


# --- model ------------------------------------------------------------------------------------------------------------


def test_the_model_is_gpt2s(model):
    model = char_gpt.GPT(94, context=64, width=128, heads=4, layers=3, dropout=0.1)
    block = 12 * 128**2 + 13 * 128
    assert sum(p.numel() for p in model.parameters()) == 94 * 128 + 64 * 128 + 3 * block + 2 * 128
    assert model.head.weight is model.tokens.weight
    std = {name: p.detach().numpy().std() for name, p in model.named_parameters() if p.ndim == 2}
    for name, value in std.items():
        into_sum = name.endswith(("attention.out.weight", "mlp.2.weight"))
        assert value == pytest.approx(0.02 / math.sqrt(6) if into_sum else 0.02, rel=0.05), name
    assert sum(value < 0.01 for value in std.values()) == 6
    assert all(not p.detach().numpy().any() for name, p in model.named_parameters() if name.endswith("bias"))


def test_vectors_are_not_decayed_and_gradients_are_clipped(reference):
    run = char_gpt.Run(reference, 10, 8, 1e-3, np.random.default_rng(0), **SIZES)
    assert isinstance(run.optimizer, optim.AdamW)
    assert run.optimizer.max_grad_norm == 1
    decayed, others = run.optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0)
    assert all(name.endswith("weight") and "norm" not in name for name in decayed["param_names"])
    assert all(name.endswith("bias") or "norm" in name for name in others["param_names"])


def test_no_character_sees_those_behind_it(model):
    model.eval()
    x = np.arange(16)[None]
    other = x.copy()
    other[0, 9:] = 19
    with tg.no_grad():
        a, b = model(tg.tensor(x)).numpy(), model(tg.tensor(other)).numpy()
    np.testing.assert_array_equal(a[0, :9], b[0, :9])
    assert np.abs(a[0, 9] - b[0, 9]).max() > 1e-3
    other = x.copy()
    other[0, 0] = 19
    with tg.no_grad():
        assert np.abs(a[0, 15] - model(tg.tensor(other)).numpy()[0, 15]).max() > 1e-4


def test_evaluation_is_the_mean_over_the_text(model):
    text = np.random.default_rng(0).integers(20, size=16 * 5 + 1)
    model.eval()
    with tg.no_grad():
        logits = np.concatenate([model(tg.tensor(part[None])).numpy()[0] for part in text[:-1].reshape(5, 16)])
    likely = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    model.train()
    loss = char_gpt.evaluate(model, text, batch_size=2)  # 2, 2 and 1 windows
    assert loss == pytest.approx(-likely[np.arange(80), text[1:]].mean(), rel=1e-5)
    assert model.training


def test_attention_maps_are_what_the_layers_use(model):
    x = np.arange(3, 15)
    maps = char_gpt.attention_maps(model, x)
    assert [m.shape for m in maps] == [(2, 12, 12)] * 2
    for m in maps:
        np.testing.assert_allclose(m.sum(axis=-1), 1, rtol=1e-5)
        assert not np.triu(m, 1).any()
    model.eval()
    with tg.no_grad():
        first = model.blocks[0]
        h = first.norm1(model.tokens(tg.tensor(x[None])) + model.positions(tg.arange(12)))
        values = first.attention.split(h)[2].numpy()[0]
        mixed = (maps[0] @ values).transpose(1, 0, 2).reshape(1, 12, 32)
        expected = first.attention.out(tg.tensor(mixed)).numpy()
        np.testing.assert_allclose(first.attention(h).numpy(), expected, rtol=1e-4, atol=1e-5)


# --- writing ----------------------------------------------------------------------------------------------------------


def test_of_one_character_the_likeliest_is_written_beyond_the_context_too(model):
    written = char_gpt.write(model, np.array([1, 2]), 30, temperature=1.0, top_k=1, seed=0)
    np.testing.assert_array_equal(written, char_gpt.write(model, np.array([1, 2]), 30, 2.0, 1, seed=5))
    assert written.shape == (32,)
    model.eval()
    for end in (2, 10, 31):
        with tg.no_grad():
            logits = model(tg.tensor(written[None, max(0, end - 16) : end])).numpy()[0, -1]
        assert written[end] == logits.argmax()


def test_characters_are_drawn_as_temperature_and_top_k_say(model):
    prompt = np.array([4])
    model.eval()
    with tg.no_grad():
        logits = model(tg.tensor(prompt[None])).numpy()[0, -1].astype(float)
    p = np.where(logits >= np.sort(logits)[-5], np.exp(logits / 0.7), 0)
    drawn = [char_gpt.write(model, prompt, 1, temperature=0.7, top_k=5, seed=seed)[1] for seed in range(400)]
    share = np.bincount(drawn, minlength=20) / 400
    assert not share[p == 0].any()
    np.testing.assert_allclose(share, p / p.sum(), atol=0.1)  # four standard deviations of the largest
    state = tg.get_rng_state()
    assert len({tuple(char_gpt.write(model, prompt, 8, 5.0, 0, seed)) for seed in (1, 2, 1)}) == 2
    assert tg.equal(tg.get_rng_state(), state)  # it has a stream of its own


def test_nothing_to_continue_and_no_temperature_are_refused(model):
    with pytest.raises(ValueError, match="prompt must not be empty, and temperature positive, got 0 and 1.0"):
        char_gpt.write(model, np.array([], dtype=int), 1, 1.0, 0, 0)
    with pytest.raises(ValueError, match="got 1 and 0.0"):
        char_gpt.write(model, np.array([1]), 1, 0.0, 0, 0)
