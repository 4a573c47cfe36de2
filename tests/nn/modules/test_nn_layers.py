"""What every layer must do, over the rows of `layers_table.LAYERS`."""

from __future__ import annotations

import copy
import inspect
import pickle
import zlib
from collections import Counter

import numpy as np
import pytest
from layers_cases import Row
from layers_table import LAYERS

import tinygrad_lite as tg
from tinygrad_lite import nn
from tinygrad_lite.testing import gradcheck_module

counts: Counter[str] = Counter()
for row in LAYERS:
    counts[row.layer] += 1
IDS = []
seen: Counter[str] = Counter()
for row in LAYERS:
    seen[row.layer] += 1
    IDS.append(f"{row.layer}-{seen[row.layer]}" if counts[row.layer] > 1 else row.layer)

every_row = pytest.mark.each("row", LAYERS, ids=IDS)


def rows(condition):
    chosen = [(row, name) for row, name in zip(LAYERS, IDS) if condition(row)]
    return pytest.mark.each("row", [row for row, _ in chosen], ids=[name for _, name in chosen])


called_rows = rows(lambda row: row.inputs is not None)
torch_rows = rows(lambda row: row.in_torch)
modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the oracle, is an optional extra")


def tensor_of(dtype):
    return lambda values: tg.tensor(np.asarray(values, dtype))


def build(row: Row, dtype=np.float64):
    """The row's layer with reproducible, not merely initial, values in parameters and buffers."""
    tg.manual_seed(1)
    module = row.build(nn, tensor_of(dtype)).to(dtype)
    rng = np.random.default_rng(2)
    with tg.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * rng.standard_normal(parameter.shape).astype(dtype))
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(0.3 * rng.random(buffer.shape).astype(dtype))
    return module


def draw(row: Row, dtype=np.float64) -> list[np.ndarray]:
    rng = np.random.default_rng(zlib.crc32(row.layer.encode()))
    arrays = [given.draw(rng) for given in row.inputs]
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]


def tensors(row: Row, dtype=np.float64) -> list[tg.Tensor]:
    made = [tg.tensor(a) for a in draw(row, dtype)]
    for given, tensor in zip(row.inputs, made):
        if given.differentiable:
            tensor.requires_grad_()
    return made


def joined(out, cat=tg.cat):
    """All results of a layer as one tensor."""
    if not isinstance(out, tuple):
        return out
    return cat([joined(part, cat).reshape(-1) for part in out if part is not None])


def reseeded(module):
    """Make a random layer draw the same numbers at every call."""
    module.register_forward_pre_hook(lambda *_: tg.manual_seed(3) and None)
    return module


def twin(row: Row, torch, module):
    """PyTorch's layer with our state."""
    other = row.build(torch.nn, lambda values: torch.tensor(values, dtype=torch.float64)).double()
    state = {name: torch.from_numpy(value.numpy().copy()) for name, value in module.state_dict().items()}
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    return other


def close(ours, theirs, rtol=1e-12):
    if theirs is None:
        assert ours is None
        return
    assert ours.shape == tuple(theirs.shape)
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=1e-13)


# The table


def test_every_layer_has_a_row():
    layers = {
        name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
    }
    lazy = {name for name in layers if name.startswith("Lazy")}  # test_nn_lazy.py has rows for these
    others = {"Module", "DataParallel", "SyncBatchNorm"}  # of test_nn_module, test_torch_idioms, test_sync_batch_norm
    others.add("CrossMapLRN2d")  # test_more_pytorch_names
    assert {row.layer for row in LAYERS} == layers - lazy - others


@every_row
def test_the_row_builds_its_layer(row):
    assert any(type(module).__name__ == row.layer for module in build(row).modules())


# Against PyTorch


@torch_rows
def test_repr(row, torch):
    theirs = repr(row.build(torch.nn, torch.tensor)).replace("torch.", "").replace("FloatTensor", "float32")
    assert repr(row.build(nn, tensor_of(np.float32))) == theirs


@torch_rows
def test_state_dict(row, torch):
    ours = row.build(nn, tensor_of(np.float32)).state_dict()
    theirs = row.build(torch.nn, torch.tensor).state_dict()
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        assert value.shape == tuple(theirs[name].shape), name
        assert str(value.dtype) == str(theirs[name].dtype).removeprefix("torch."), name


@torch_rows
def test_state_dict_loads_both_ways(row, torch):
    module = build(row, np.float32)
    state = {name: torch.from_numpy(value.numpy().copy()) for name, value in module.state_dict().items()}
    other = row.build(torch.nn, torch.tensor)
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    fresh = row.build(nn, tensor_of(np.float32))
    assert str(fresh.load_state_dict(other.state_dict())) == "<All keys matched successfully>"
    for name, value in module.state_dict().items():
        assert (fresh.state_dict()[name].numpy() == value.numpy()).all(), name


# Where a row draws numbers in training, the libraries draw different ones: see test_nn_dropout.py.
comparable = [
    pytest.param(row, training, id=f"{name}-{'train' if training else 'eval'}")
    for row, name in zip(LAYERS, IDS)
    for training in (True, False)
    if row.in_torch and row.inputs is not None and not (row.random and training)
]


@pytest.mark.each(("row", "training"), comparable)
def test_forward_gradients_and_buffers_equal_pytorch(row, training, torch):
    ours = build(row).train(training)
    theirs = twin(row, torch, ours).train(training)
    for _ in range(2):  # the second step sees what the first did to the buffers
        x = tensors(row)
        y = [torch.tensor(a, requires_grad=given.differentiable) for a, given in zip(draw(row), row.inputs)]
        out, expected = joined(ours(*x)), joined(theirs(*y), torch.cat)
        close(out, expected, row.rtol)
        g = np.random.default_rng(4).standard_normal(out.shape)
        ours.zero_grad()
        theirs.zero_grad()
        out.backward(tg.tensor(g))
        expected.backward(torch.tensor(g))
        for a, b in zip(x, y):
            close(a.grad, b.grad, row.rtol) if a.requires_grad else None
        for (name, a), (other_name, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert name == other_name
            close(a.grad, b.grad, row.rtol)
        for (name, a), (other_name, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
            assert name == other_name
            close(a, b)


# By themselves


@rows(lambda row: row.inputs is not None and all(a.size for a in draw(row)))
def test_gradcheck(row):
    assert gradcheck_module(build(row), *tensors(row), loss=joined, allow_zero=row.flat)


@modes
@called_rows
def test_float32_stays_float32(row, training):
    module = build(row, np.float32).train(training)
    x = tensors(row, np.float32)
    out = joined(module(*x))
    assert out.dtype == np.float32
    out.sum().backward()
    for tensor in [*x, *module.parameters()]:
        assert tensor.grad is None or tensor.grad.dtype == np.float32
    assert all(buffer.dtype in (np.float32, np.int64) for buffer in module.buffers())


@modes
@called_rows
def test_float32_agrees_with_float64(row, training):
    def results(dtype):
        module = reseeded(build(row, dtype).train(training))
        x = tensors(row, dtype)
        out = joined(module(*x))
        out.sum().backward()
        return [out, *(t.grad for t in [*x, *module.parameters()] if t.grad is not None)]

    for a, b in zip(results(np.float32), results(np.float64), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-4, atol=2e-5)


@rows(lambda row: row.refused is not None)
def test_what_does_not_fit_is_refused(row):
    module = row.build(nn, tensor_of(np.float32))
    rng = np.random.default_rng(0)
    shapes = row.refused
    arrays = [rng.random(shape, np.float32) for shape in shapes]
    for i, given in enumerate(row.inputs[: len(shapes)]):
        if given.draw(np.random.default_rng(0)).dtype.kind == "i":
            arrays[i] = np.zeros(shapes[i], np.int64)
    given = [tg.tensor(a) for a in arrays] if len(row.inputs) == len(arrays) else [tg.tensor(arrays[0])]
    with pytest.raises((ValueError, RuntimeError, IndexError)) as caught:
        module(*given)
    message = str(caught.value)
    told = ["dim", *(str(size) for shape in shapes for size in shape)]
    assert any(word in message for word in told), f"what came is not in the message: {message}"


@modes
@every_row
def test_deepcopy_and_pickle(row, training):
    module = build(row).train(training)
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(copied) == repr(module)
        assert copied.training is training
        assert list(copied.state_dict()) == list(module.state_dict())
        for a, b in zip(copied.parameters(), module.parameters(), strict=True):
            assert type(a) is nn.Parameter
            assert not np.shares_memory(a._data, b._data)
        if row.inputs is None:
            continue
        x = [tensor.detach() for tensor in tensors(row)]
        tg.manual_seed(0)
        expected = joined(copy.deepcopy(module)(*x))
        tg.manual_seed(0)
        assert (joined(copied(*x)).detach().numpy() == expected.detach().numpy()).all()


@called_rows
def test_module_converts_to_double_and_back(row):
    module = row.build(nn, tensor_of(np.float32))
    before = {name: value.numpy().copy() for name, value in module.state_dict().items()}
    parameters = list(module.parameters())
    module.double()
    assert all(p.dtype == np.float64 for p in module.parameters())
    assert all(b.dtype in (np.float64, np.int64) for b in module.buffers())
    module.float()
    assert [id(p) for p in module.parameters()] == [id(p) for p in parameters]
    for name, value in module.state_dict().items():
        assert value.dtype == before[name].dtype
        assert (value.numpy() == before[name]).all()


# --- hyperparameters ------------------------------------------------------------------------------------------------

NOT_NEGATIVE = {
    "in_features", "out_features", "num_features", "in_channels", "out_channels", "num_channels", "groups", "eps",
    "num_embeddings", "embedding_dim", "num_layers", "hidden_size", "input_size", "kernel_size", "stride", "dilation",
    "p", "dropout", "momentum", "label_smoothing", "embed_dim", "num_heads", "d_model", "nhead", "dim_feedforward",
    "num_groups", "normalized_shape", "output_size", "scale_factor", "upscale_factor", "downscale_factor", "max_norm",
    "output_padding", "div_value", "n_classes", "layer_norm_eps", "delta", "proj_size", "num_parameters", "size",
}  # fmt: skip


def wrong_values(layer, parameter):
    """What a parameter must not be, by its annotation and name alone."""
    kinds = str(parameter.annotation).split(" | ")
    if "None" not in kinds and parameter.default is not None and kinds != ["Any"] and parameter.name != "bias":
        yield None
    integer = "int" in kinds or "Size" in kinds or "OutputSize" in kinds
    if integer or {"float", "bool", "Scale"} & set(kinds):
        if "str" not in kinds:
            yield "a"
        yield {}
        yield "ab" if "str" not in kinds else 2.5
    if "bool" in kinds or kinds == ["int"]:
        yield []
    if "float" in kinds:
        yield 1j
    if integer:
        yield 2.5
        yield float("nan")
    norm = parameter.name == "p" and layer in ("PairwiseDistance", "TripletMarginLoss")
    if parameter.name in NOT_NEGATIVE and not norm:
        yield -1
        yield float("nan")
    if kinds == ["str"]:
        yield "a"
        yield 2.5
    if "Tensor" in kinds:
        yield "a"
        yield [1.0]
    if parameter.name == "generator":
        yield 3


@pytest.mark.each("row", {row.layer: row for row in LAYERS}.values(), ids=lambda row: row.layer)
def test_wrong_hyperparameters_are_refused(row):
    """Every parameter of every layer: an error when the layer is made, that names the layer and the parameter."""
    layer = getattr(nn, row.layer)
    called = []
    plain = layer.__init__
    try:
        layer.__init__ = lambda self, *args, **kwargs: (called.append((args, kwargs)), plain(self, *args, **kwargs))[1]
        row.build(nn, tensor_of(np.float32))
    finally:
        layer.__init__ = plain
    signature = inspect.signature(plain)
    given = signature.bind(None, *called[0][0], **called[0][1]).arguments
    accepted = []
    for parameter in [*signature.parameters.values()][1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        for wrong in wrong_values(row.layer, parameter):
            options = {name: value for name, value in given.items() if name in signature.parameters}
            options.pop("self")
            rest = options.pop("args", ()), options.pop("kwargs", {})
            assert not rest[0] or row.layer in ("Sequential", "Identity")
            options[parameter.name] = wrong
            try:
                layer(**options)
            except (TypeError, ValueError) as error:
                if not str(error).startswith(f"{row.layer}: ") or parameter.name.strip("_") not in str(error):
                    accepted.append((parameter.name, wrong, f"does not name it: {error}"))
            else:
                accepted.append((parameter.name, wrong))
    assert not accepted


RANDOM_IN_PYTORCH = {"MultiLabelMarginLoss", "MultiMarginLoss"}  # of an empty batch, what happens to be in memory


@pytest.mark.filterwarnings("ignore")
@rows(lambda row: row.in_torch and row.inputs and not row.random)
def test_batches_of_none_and_one_as_pytorch(row, torch):
    """Where PyTorch takes the first samples only, or none: the same results and gradients."""
    ours = build(row)
    theirs = row.build(torch.nn, lambda v: torch.tensor(np.asarray(v, np.float64))).double()
    full = draw(row)
    try:
        theirs(*map(torch.tensor, full))  # of a lazy layer the first call makes the parameters
    except (RuntimeError, ValueError):
        return
    theirs.load_state_dict({name: torch.tensor(v.numpy()) for name, v in ours.state_dict().items()})
    for count in range(row.layer in RANDOM_IN_PYTORCH, 2):
        cut = [a[:count] if a.ndim and len(a) == len(full[0]) else a for a in full]
        try:
            expected = _results_and_gradients(torch, theirs, row, cut)
        except (RuntimeError, ValueError, IndexError):  # it refuses
            continue
        for a, b in zip(_results_and_gradients(tg, ours, row, cut), expected, strict=True):
            if a is None or b is None:
                assert not np.any(a if b is None else b)
            else:
                np.testing.assert_allclose(
                    a, b, max(row.rtol, 1e-9), 1e-6 if row.layer == "CELU" else 1e-9, strict=True
                )


def _results_and_gradients(m, module, row, arrays):
    inputs = [m.tensor(a) for a in arrays]
    for given, x in zip(row.inputs, inputs):
        x.requires_grad_(given.differentiable)
    out = module(*inputs)
    results = [o for o in (out if isinstance(out, tuple) else (out,)) if hasattr(o, "shape")]
    leaves = [x for x in [*inputs, *module.parameters()] if x.requires_grad]
    loss = sum(o.sum() for o in results if o.requires_grad)
    grads = m.autograd.grad(loss, leaves, allow_unused=True) if leaves else ()
    return [r.detach().numpy() for r in results] + [None if g is None else g.numpy() for g in grads]


def test_paddings_come_in_pairs():
    for layer in (nn.ZeroPad2d, nn.ReflectionPad1d, nn.ReplicationPad3d):
        with pytest.raises(
            ValueError, match=rf"{layer.__name__}: padding must be an integer or pairs of them, got \[1\]"
        ):
            layer([1])
