"""Recurrent layers and packed sequences: what the rows of `layers_rows_sequence` do not say."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn
from tinygrad_lite.kernels.rnn import cells, loops, rnn_numpy
from tinygrad_lite.nn.utils import rnn
from tinygrad_lite.testing import gradcheck_module

LAYERS = ["RNN", "LSTM", "GRU"]


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def twins(torch, layer, *args, **options):
    """Our layer and PyTorch's, in float64 and with the same parameters."""
    ours = getattr(nn, layer)(*args, **options).double()
    theirs = getattr(torch.nn, layer)(*args, **options).double()
    theirs.load_state_dict({n: torch.from_numpy(v.numpy().copy()) for n, v in ours.state_dict().items()})
    return ours, theirs


def flat(out):
    if isinstance(out, tuple) and hasattr(out, "batch_sizes"):
        return [out.data]
    return [t for part in out for t in flat(part)] if isinstance(out, tuple) else [out]


def agree(ours, theirs, x, y, *, torch, parameters):
    """Compare results, and the gradients of inputs and parameters for random gradients of all results."""
    rng = np.random.default_rng(1)
    a, b = flat(ours), flat(theirs)
    assert len(a) == len(b)
    total, expected = 0.0, 0.0
    for p, q in zip(a, b):
        assert p.shape == tuple(q.shape)
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-10, atol=1e-12)
        g = rng.standard_normal(p.shape)
        total = total + (p * tg.tensor(g)).sum()
        expected = expected + (q * torch.tensor(g)).sum()
    total.backward()
    expected.backward()
    for p, q in [*zip(x, y), *zip(*parameters, strict=True)]:
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-9, atol=1e-11)


def given(torch, *shapes):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in shapes]
    return [tg.tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]


# States


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=["one", "four"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_given_states_equal_pytorch(layer, batch_first, options, torch):
    ours, theirs = twins(torch, layer, 3, 4, batch_first=batch_first, **options)
    count = 4 if options else 1
    shapes = [(2, 5, 3), (count, 2, 4), (count, 2, 4)] if batch_first else [(5, 2, 3), (count, 2, 4), (count, 2, 4)]
    x, y = given(torch, *shapes[: 3 if layer == "LSTM" else 2])
    hx, hy = (tuple(x[1:]), tuple(y[1:])) if layer == "LSTM" else (x[1], y[1])
    parameters = list(ours.parameters()), list(theirs.parameters())
    agree(ours(x[0], hx), theirs(y[0], hy), x, y, torch=torch, parameters=parameters)


def test_states_of_projections_equal_pytorch(torch):
    ours, theirs = twins(torch, "LSTM", 3, 4, proj_size=2, num_layers=2)
    x, y = given(torch, (5, 2, 3), (2, 2, 2), (2, 2, 4))
    parameters = list(ours.parameters()), list(theirs.parameters())
    agree(ours(x[0], tuple(x[1:])), theirs(y[0], tuple(y[1:])), x, y, torch=torch, parameters=parameters)


@pytest.mark.parametrize("layer", LAYERS)
def test_states_without_a_batch_equal_pytorch(layer, torch):
    ours, theirs = twins(torch, layer, 3, 4)
    x, y = given(torch, *[(5, 3), (1, 4), (1, 4)][: 3 if layer == "LSTM" else 2])
    hx, hy = (tuple(x[1:]), tuple(y[1:])) if layer == "LSTM" else (x[1], y[1])
    parameters = list(ours.parameters()), list(theirs.parameters())
    agree(ours(x[0], hx), theirs(y[0], hy), x, y, torch=torch, parameters=parameters)


@pytest.mark.parametrize("batched", [True, False])
def test_states_of_the_lstm_cell_equal_pytorch(batched, torch):
    ours, theirs = twins(torch, "LSTMCell", 3, 4)
    x, y = given(torch, *([(2, 3), (2, 4), (2, 4)] if batched else [(3,), (4,), (4,)]))
    parameters = list(ours.parameters()), list(theirs.parameters())
    agree(ours(x[0], tuple(x[1:])), theirs(y[0], tuple(y[1:])), x, y, torch=torch, parameters=parameters)


# Packed sequences

SORTED = [5, 5, 3, 1]
MIXED = [2, 5, 1, 5, 4]


@pytest.mark.parametrize("lengths", [SORTED, MIXED, [3, 3]], ids=["sorted", "mixed", "equal"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_packed_sequences_equal_pytorch(layer, bidirectional, lengths, torch):
    ours, theirs = twins(torch, layer, 3, 4, num_layers=2, bidirectional=bidirectional)
    count, size = 4 if bidirectional else 2, len(lengths)
    shapes = [(max(lengths), size, 3), (count, size, 4), (count, size, 4)]
    x, y = given(torch, *shapes[: 3 if layer == "LSTM" else 2])
    hx, hy = (tuple(x[1:]), tuple(y[1:])) if layer == "LSTM" else (x[1], y[1])
    packed = rnn.pack_padded_sequence(x[0], lengths, enforce_sorted=False)
    other = torch.nn.utils.rnn.pack_padded_sequence(y[0], torch.tensor(lengths), enforce_sorted=False)
    parameters = list(ours.parameters()), list(theirs.parameters())
    agree(ours(packed, hx), theirs(other, hy), x, y, torch=torch, parameters=parameters)


@pytest.mark.parametrize("layer", LAYERS)
def test_packing_gives_what_each_sequence_gives_alone(layer):
    module = getattr(nn, layer)(3, 4, bidirectional=True)
    sequences = [tg.randn(length, 3) for length in MIXED]
    packed, _ = module(rnn.pack_sequence(sequences, enforce_sorted=False))
    for one, out in zip(sequences, rnn.unpack_sequence(packed)):
        np.testing.assert_allclose(out.detach().numpy(), module(one)[0].detach().numpy(), rtol=1e-5, atol=1e-6)


def test_gradients_of_packed_sequences():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.LSTM(2, 2, bidirectional=True)

        def forward(self, x):
            out, states = self.inner(rnn.pack_padded_sequence(x, [2, 3, 1], enforce_sorted=False))
            return tg.cat([out.data.reshape(-1), *(s.reshape(-1) for s in states)])

    assert gradcheck_module(Packed(), tg.randn(3, 3, 2))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("lengths", [SORTED, MIXED])
def test_pack_and_pad_equal_pytorch(lengths, batch_first, torch):
    shape = (len(lengths), 5, 2) if batch_first else (5, len(lengths), 2)
    x, y = given(torch, shape)
    ours = rnn.pack_padded_sequence(x[0], lengths, batch_first, enforce_sorted=False)
    theirs = torch.nn.utils.rnn.pack_padded_sequence(y[0], lengths, batch_first, enforce_sorted=False)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    padded, sizes = rnn.pad_packed_sequence(ours, batch_first, padding_value=7.0, total_length=6)
    other, expected = torch.nn.utils.rnn.pad_packed_sequence(theirs, batch_first, 7.0, 6)
    np.testing.assert_array_equal(sizes.numpy(), expected.numpy())
    assert sizes.tolist() == lengths
    agree(padded, other, x, y, torch=torch, parameters=([], []))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pad_sequence_equals_pytorch(batch_first, side, torch):
    x, y = given(torch, (2, 3), (4, 3), (1, 3))
    ours = rnn.pad_sequence(x, batch_first, 2.5, side)
    agree(ours, torch.nn.utils.rnn.pad_sequence(y, batch_first, 2.5, side), x, y, torch=torch, parameters=([], []))
    if side == "right":
        for a, b in zip(rnn.unpad_sequence(ours, [2, 4, 1], batch_first), x):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_packed_sequences_convert():
    packed = rnn.pack_sequence([tg.ones(2, 3), tg.ones(1, 3)])
    assert packed.double().data.dtype == np.float64
    assert packed.to(tg.float64).float().data.dtype == np.float32
    assert not packed.is_cuda
    assert isinstance(packed.double(), rnn.PackedSequence)


def test_packing_refuses():
    x = tg.ones(4, 3, 2)
    with pytest.raises(ValueError, match="decreasing order when `enforce_sorted` is True"):
        rnn.pack_padded_sequence(x, [1, 2, 3])
    with pytest.raises(ValueError, match="greater than 0"):
        rnn.pack_padded_sequence(x, [2, 1, 0])
    with pytest.raises(ValueError, match="3 lengths of at most 4 expected"):
        rnn.pack_padded_sequence(x, [5, 2, 1])
    with pytest.raises(ValueError, match="3 lengths of at most 4 expected"):
        rnn.pack_padded_sequence(x, [2, 1])
    with pytest.raises(ValueError, match="vector of integers"):
        rnn.pack_padded_sequence(x, [2.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="total_length to be at least .* 3, got 2"):
        rnn.pad_packed_sequence(rnn.pack_padded_sequence(x, [3, 2, 1]), total_length=2)
    with pytest.raises(ValueError, match="agree in all dimensions but the first"):
        rnn.pad_sequence([tg.ones(2, 3), tg.ones(2, 4)])
    with pytest.raises(ValueError, match="padding_side must be"):
        rnn.pad_sequence([tg.ones(2)], padding_side="top")
    with pytest.raises(ValueError, match="lengths must fit"):
        rnn.unpad_sequence(x, [5, 1, 1])


# Doors


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="hidden_size must be a positive integer, got 0"):
        nn.LSTM(3, 0)
    with pytest.raises(ValueError, match="proj_size must be"):
        nn.LSTM(3, 4, proj_size=4)
    with pytest.raises(ValueError, match="nonlinearity must be one of"):
        nn.RNN(3, 4, nonlinearity="sigmoid")
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\]"):
        nn.GRU(3, 4, dropout=1.5)
    with pytest.warns(UserWarning, match="has no effect with num_layers=1"):
        nn.GRU(3, 4, dropout=0.5)


def test_states_are_checked():
    x = tg.ones(5, 2, 3)
    with pytest.raises(ValueError, match=r"expected hidden states of shape \(1, 2, 4\), got \(1, 3, 4\)"):
        nn.GRU(3, 4)(x, tg.zeros(1, 3, 4))
    with pytest.raises(ValueError, match=r"expected hidden states of shape \(1, 2, 4\), got \(2, 2, 4\)"):
        nn.LSTM(3, 4)(x, (tg.zeros(2, 2, 4), tg.zeros(1, 2, 4)))
    with pytest.raises(ValueError, match="pair"):
        nn.LSTM(3, 4)(x, (tg.zeros(1, 2, 4),))
    with pytest.raises(ValueError, match="at least one step"):
        nn.GRU(3, 4)(tg.ones(0, 2, 3))
    with pytest.raises(ValueError, match="one dtype"):
        nn.GRU(3, 4)(x.double())
    with pytest.raises(ValueError, match="take 4 parameters each, got 3"):
        tg.gru(x, tg.zeros(1, 2, 4), [tg.ones(12, 3), tg.ones(12, 4), tg.ones(12)], True, 1, 0.0, False, False)
    with pytest.raises(ValueError, match="batch_sizes must not grow"):
        tg.gru(tg.ones(3, 3), tg.zeros(1, 1, 4), [tg.ones(12, 3), tg.ones(12, 4)], False, 1, 0.0, False, False,
               batch_sizes=tg.tensor([1, 2]))  # fmt: skip
    with pytest.raises(ValueError, match="must have shape"):
        tg.gru_cell(x, tg.zeros(2, 4), tg.ones(12, 3), tg.ones(12, 4))


def test_initial_parameters():
    module = nn.GRU(30, 40)
    for parameter in module.parameters():
        values = parameter.detach().numpy()
        assert np.abs(values).max() <= 1 / np.sqrt(40)
        assert np.abs(values).max() > 0.9 / np.sqrt(40)
        assert abs(values.mean()) < 0.05
    assert [len(group) for group in nn.LSTM(3, 4, proj_size=2, bidirectional=True).all_weights] == [5, 5]


def test_dropout_is_between_layers_in_training_only():
    module = nn.RNN(3, 4, num_layers=2, dropout=0.5)
    x = tg.randn(5, 2, 3)
    assert not np.array_equal(module(x)[0].detach().numpy(), module(x)[0].detach().numpy())
    module.eval()
    assert np.array_equal(module(x)[0].detach().numpy(), module(x)[0].detach().numpy())


def test_a_needed_result_is_not_to_be_overwritten():
    out, _ = nn.LSTM(3, 4)(tg.randn(5, 2, 3))
    loss = out.sum()
    with tg.no_grad():
        out.mul_(2.0)
    with pytest.raises(RuntimeError, match="overwritten"):
        loss.backward()


@pytest.mark.parametrize("layer", LAYERS)
def test_steps_one_by_one(layer):
    """A sequence in two halves, with the state passed on, is the whole sequence."""
    module = getattr(nn, layer)(3, 4, num_layers=2)
    x = tg.randn(6, 2, 3)
    whole, last = module(x)
    first, state = module(x[:3])
    second, end = module(x[3:], state)
    np.testing.assert_allclose(tg.cat([first, second]).detach().numpy(), whole.detach().numpy(), atol=1e-6)
    for a, b in zip(flat((end,)), flat((last,))):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-6)


# Kernels


STEPS = {  # the arguments: shapes of arrays, H = 8, and others as they are
    "lstm_step": [(5, 32), (5, 8), (5, 32), (5, 8), (5, 8)],
    "lstm_back": [(5, 8), (5, 32), (5, 8), (5, 8), (5, 8), (5, 32)],
    "gru_step": [(5, 24), (5, 24), (5, 8), (5, 24), (5, 8), (5, 8)],
    "gru_back": [(5, 8), (5, 24), (5, 8), (5, 8), (5, 24), (5, 24)],
    "rnn_step": [(5, 8), False, (5, 8)],
    "rnn_step bent": [(5, 8), True, (5, 8)],
    "rnn_back": [(5, 8), False, (5, 8), (5, 8)],
    "rnn_back bent": [(5, 8), True, (5, 8), (5, 8)],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", STEPS)
def test_kernels_equal_their_twins(name, dtype):
    pytest.importorskip("numba")
    kernel = getattr(cells, name.split()[0])
    rng = np.random.default_rng(0)
    arrays = [3 * rng.standard_normal(a).astype(dtype) if isinstance(a, tuple) else a for a in STEPS[name]]
    ours, plain = copy.deepcopy(arrays), copy.deepcopy(arrays)
    kernel.compiled(*ours)
    kernel.plain(*plain)
    for a, b in zip(ours, plain):
        scale = 1 + np.abs(arrays[0]).max() ** 3
        np.testing.assert_allclose(a, b, rtol=0, atol=(1e-6 if dtype == np.float32 else 1e-14) * scale)


def test_tanh_of_single_precision():
    pytest.importorskip("numba")
    x = np.concatenate([np.linspace(-12, 12, 100_001), [0.0, 1e-20, -1e-20, np.inf, -np.inf, np.nan, 1e-4]])
    out = x.astype(np.float32)[None]
    cells.rnn_step.compiled(out, False, out)
    expected = np.tanh(x.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(out[0], expected, rtol=5e-7, atol=0)


def _given(kind, sizes, features, hidden, dtype):
    """Arguments of `forward` and `backward` in `kernels.rnn.loops`."""
    rng = np.random.default_rng(0)
    gates = {rnn_numpy.LSTM: 4, rnn_numpy.GRU: 3}.get(kind, 1) * hidden
    counts = np.array(sizes, np.intp)
    steps = np.stack([np.cumsum(counts) - counts, counts], 1)
    n, batch = sum(sizes), max(sizes)
    shapes = [(n, features), (batch, hidden), (batch, hidden), (gates, features), (gates, hidden), (gates,), (gates,)]
    arrays = [(rng.standard_normal(s) / max(1, s[-1]) ** 0.5).astype(dtype) for s in shapes]
    grows, gh, gc = (rng.standard_normal(s).astype(dtype) for s in ((n, hidden), (batch, hidden), (batch, hidden)))
    return arrays, steps, (grows, gh, gc)


def _walked(walker, kind, reverse, biased, arrays, steps, slopes, patch):
    patch.setattr(loops, "_forward_all", walker.forward_all)
    patch.setattr(loops, "_backward_all", walker.backward_all)
    (x, h0, c0, w_ih, w_hh, b_ih, b_hh), (grows, gh, gc) = ([a.copy() for a in each] for each in (arrays, slopes))
    h, c, steps = h0.copy(), c0.copy(), np.ascontiguousarray(steps[::-1] if reverse else steps)
    biases = (b_ih, b_hh) if biased else (None, None)
    gates, kept, rows = loops.forward(kind, x, h, c, w_ih, w_hh, *biases, steps)
    found = loops.backward(kind, x, h0, c0, w_ih, w_hh, steps, gates, kept, rows, grows, gh, gc, not reverse)
    return [
        a for a in (rows, h, gates, kept, gh, *found, *((c, gc) if kind == rnn_numpy.LSTM else ())) if a is not None
    ]


@pytest.mark.parametrize(
    ("sizes", "features", "hidden"),
    [((3,) * 5, 5, 7), ((1,), 1, 1), ((29,) * 12, 70, 33), ((21, 20, 9, 9, 1), 3, 50), ((2, 2), 150, 300)],
)
@pytest.mark.parametrize("kind", [rnn_numpy.LSTM, rnn_numpy.GRU, rnn_numpy.TANH, rnn_numpy.RELU])
@pytest.mark.parametrize("threads", [1, 2])
def test_unrolled_steps_equal_their_twins(threads, kind, sizes, features, hidden, monkeypatch):
    pytest.importorskip("numba")
    from tinygrad_lite.kernels.rnn import rnn as rnn_kernels

    monkeypatch.setattr(rnn_kernels, "helpers_for", lambda work: threads - 1)
    dtype = np.float32 if threads == 1 else np.float64
    for reverse, biased in ((False, True), (True, False)):
        given = _given(kind, sizes, features, hidden, dtype)
        walkers = rnn_kernels, rnn_numpy
        ours, plain = (_walked(walker, kind, reverse, biased, *given, monkeypatch) for walker in walkers)
        assert len(ours) == len(plain)
        for a, b in zip(ours, plain):
            assert a.shape == b.shape
            assert a.dtype == b.dtype == dtype
            scale = 1 + np.abs(b).max()
            np.testing.assert_allclose(a, b, rtol=0, atol=(3e-5 if dtype == np.float32 else 1e-12) * scale)


@pytest.mark.parametrize("layer", LAYERS)
def test_any_number_of_threads_gives_the_same_bits(layer, monkeypatch):
    pytest.importorskip("numba")
    from tinygrad_lite.kernels.rnn import rnn as rnn_kernels

    monkeypatch.setattr(rnn_kernels, "MANY", 0)
    module, x, found = getattr(nn, layer)(40, 64), tg.randn(5, 41, 40), []
    before = tg.get_num_threads()
    try:
        for threads in (1, 2, 3):
            tg.set_num_threads(threads)
            pieces, share = rnn_kernels._shares(41, 1 << 30)
            assert (pieces, share % rnn_kernels.ROWS) == (threads, 0)  # who shares a strip adds to the same sums
            own = x.clone().requires_grad_()
            module.zero_grad()
            out, _ = module(own)
            (out * out).sum().backward()
            found.append(
                [v.detach().numpy().tobytes() for v in (out, own.grad, *(p.grad for p in module.parameters()))]
            )
    finally:
        tg.set_num_threads(before)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("layer", LAYERS)
def test_both_backends_agree(layer):
    module = getattr(nn, layer)(5, 8, num_layers=2, bidirectional=True)
    x = tg.randn(6, 3, 5)
    found = []
    for backend in ("numpy", "numba"):
        if backend == "numba":
            pytest.importorskip("numba")
        with kernels.use(backend):
            module.zero_grad()
            out, _ = module(x)
            (out * out).sum().backward()
            found.append([out.detach().numpy(), *(p.grad.numpy() for p in module.parameters())])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_one_layer_gives_the_bits_of_rows_below_each_other(name, steps):
    layer = getattr(nn, name)(3, 4)
    x = tg.randn(steps, 2, 3)
    found = []
    for packed in (False, True):
        own = x.clone().requires_grad_()
        given = nn.utils.rnn.pack_padded_sequence(own, [steps] * 2) if packed else own
        out, last = layer(given)
        last = last if isinstance(last, tuple) else (last,)
        rows = out.data if packed else out.flatten(0, 1)
        layer.zero_grad()
        (rows.square().sum() + sum((k + 2) * state.sum() for k, state in enumerate(last))).backward()
        gradients = (own.grad, *(p.grad for p in layer.parameters()))
        found.append([v.detach().numpy().tobytes() for v in (rows, *last, *gradients)])
        assert all(state.shape == (1, 2, 4) for state in last)
    assert found[0] == found[1]


@pytest.mark.parametrize("name", [*LAYERS, "LSTMCell"])
def test_last_states_may_be_written_to_before_the_backward_pass(name):
    found = []
    for written in (False, True):
        tg.manual_seed(1)
        layer = getattr(nn, name)(3, 4)
        x = tg.randn(2, 3)
        out, last = layer(x if name == "LSTMCell" else x[None])
        loss = out.exp().sum()
        for state in last if isinstance(last, tuple) else (last,):
            if written:
                state.detach().zero_()
        loss.backward()
        found.append([p.grad.numpy().tobytes() for p in layer.parameters()])
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_first_states_may_lie_in_any_order_where_the_last_ones_are_not_used(kind: str) -> None:
    layer = getattr(nn, kind)(3, 5)
    x, found = tg.randn(4, 2, 3), []
    plain = [tg.randn(1, 2, 5) for _ in range(2)]
    for states in (plain, [s.permute(2, 1, 0).contiguous().permute(2, 1, 0) for s in plain]):
        states = [s.detach().requires_grad_() for s in states]
        out, _ = layer(x, tuple(states) if kind == "LSTM" else states[0])
        found.append(tg.autograd.grad(out.sum(), states, allow_unused=True))
    for a, b in zip(*found):
        assert (a is None) == (b is None)
        assert a is None or tg.equal(a, b)


@pytest.mark.parametrize("value", ["a", None, [1.0], 2.0, np.ones((2, 2, 3), np.float32)])
def test_what_is_no_tensor_is_refused_by_name(value: object) -> None:
    for kind in (nn.RNN, nn.GRU, nn.LSTM):
        with pytest.raises(TypeError, match=f"{kind.__name__}: input must be a Tensor, got"):
            kind(3, 2)(value)
