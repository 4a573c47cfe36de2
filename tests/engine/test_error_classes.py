"""Errors are of the class that PyTorch raises, and still of NumPy's; and calls that PyTorch takes are taken."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F

A, V, S, EMPTY = tg.ones(2, 3), tg.ones(3), tg.tensor(1.0), tg.ones(0, 3)
COMPLEX, K, SINGULAR = tg.ones(2, 3, dtype=tg.complex64), tg.tensor([0, 1]), tg.zeros(2, 2)


def write(key, value):
    A[key] = value


# a call written for either library, the class PyTorch raises
CALLS = [
    *((f"m.nn.functional.embedding(K, m.ones(4, 2), padding_idx={i})", AssertionError) for i in (4, -5)),
    *(
        (f"m.nn.{layer}(4, 2, padding_idx={i})", AssertionError)
        for i in (4, -5)
        for layer in ("Embedding", "EmbeddingBag")
    ),
    ("m.nn.functional.embedding_bag(K[None], A, mode='max', per_sample_weights=m.ones(1, 2))", NotImplementedError),
    *(
        (f"m.nn.functional.adaptive_max_pool{d}d(m.ones((1, 4) + (4,) * {d}, dtype=m.int64), 2)", NotImplementedError)
        for d in (1, 2, 3)
    ),
    ("m.nn.functional.fractional_max_pool2d(m.ones(1, 4, 4, dtype=m.int64), 2, 2)", NotImplementedError),
    *(
        (f"m.nn.functional.fractional_max_pool2d(m.ones(1, 4, 4), {sizes})", RuntimeError)
        for sizes in ("(2,), 2", "(), 2", "2, (2,)", "2, (1, 1, 1)")
    ),
    *(
        (f"m.{name}(V, 0, dtype=m.float64, out=m.zeros({size}))", RuntimeError)
        for name, size in (("sum", "()"), ("prod", "()"), ("mean", "()"), ("cumsum", 3), ("softmax", 3))
    ),
    *((f"m.{name}(V, K[0], alpha=True)", RuntimeError) for name in ("add", "sub")),
    ("write(0, m.ones(2))", RuntimeError),
    ("write(m.tensor([0, 1]), m.ones(4))", RuntimeError),
    ("write(5, 1.0)", IndexError),
    *((f"m.{name}(EMPTY, 0)", IndexError) for name in ("amax", "amin", "argmax", "argmin", "max", "min")),
    ("m.amax(EMPTY, (0, 1))", IndexError),
    ("EMPTY.max()", RuntimeError),
    *((f"A.{name}((0, 0))", RuntimeError) for name in ("sum", "mean", "amax", "std")),
    ("A.permute(0, 1, 2)", RuntimeError),
    ("A.permute(0)", RuntimeError),
    ("A.permute(0, 0)", RuntimeError),
    ("m.cat([S, S])", RuntimeError),
    ("m.take_along_dim(A, m.zeros(2, 1))", RuntimeError),
    ("V.mT", RuntimeError),
    ("m.narrow(A, 0, 5, 1)", IndexError),
    ("m.narrow(A, 0, 0, 5)", RuntimeError),
    ("m.index_select(A, 0, m.tensor([[0]]))", IndexError),
    ("m.unbind(S)", IndexError),
    *((f"COMPLEX.{name}(0)", RuntimeError) for name in ("amax", "amin", "argmax", "cummax", "softmax", "log_softmax")),
    *((f"COMPLEX.{name}()", RuntimeError) for name in ("max", "min", "sort", "argsort", "median", "nanmedian")),
    ("COMPLEX.topk(1)", RuntimeError),
    ("COMPLEX.kthvalue(1)", RuntimeError),
    ("COMPLEX.clamp(0)", RuntimeError),
    ("m.maximum(COMPLEX, COMPLEX)", RuntimeError),
    *((f"m.{name}(K)", RuntimeError) for name in ("mean", "std", "var", "norm")),
    ("m.softmax(K, 0)", RuntimeError),
    ("m.quantile(K, 0.5)", RuntimeError),
    ("m.where(K, 1.0, 2.0)", RuntimeError),
    ("m.linalg.inv(SINGULAR)", RuntimeError),
    ("A.topk(1, True)", TypeError),
    ("A.flip()", TypeError),
    ("m.rot90(A, 1, (0, 5))", IndexError),
    ("m.addcdiv(K, K, K)", RuntimeError),
    ("K.index_fill(0, m.tensor([0]), 1j)", RuntimeError),
    ("m.conv1d(COMPLEX.reshape(1, 1, -1), A.reshape(1, 1, -1))", RuntimeError),
    ("m.conv1d(A.reshape(1, 1, -1), COMPLEX.reshape(1, 1, -1))", RuntimeError),
    ("m.linalg.solve(SINGULAR, K.float())", RuntimeError),
    ("m.linalg.cholesky(-m.eye(2))", RuntimeError),
    ("m.linalg.norm(V, 'fro')", RuntimeError),
    ("m.linalg.norm(V, 'nuc')", RuntimeError),
    ("m._chunk_cat([V], 0, 0)", RuntimeError),
    *((f"m.nn.functional.{name}(EMPTY, 2)", RuntimeError) for name in ("max_pool1d", "avg_pool1d")),
    ("m.nn.functional.adaptive_max_pool1d(m.ones(2, 0, 3), 2)", RuntimeError),
    ("m.multinomial(V, 2, out=m.empty(2))", RuntimeError),
]


def names(m):
    if m is tg:
        return {"m": tg, "A": A, "V": V, "S": S, "EMPTY": EMPTY, "COMPLEX": COMPLEX, "K": K, "SINGULAR": SINGULAR}
    return {name: m.tensor(np.asarray(value)) for name, value in names(tg).items() if name != "m"} | {"m": m}


def called(call, m):
    given = names(m)
    return eval(call, given | {"write": lambda key, value: given["A"].__setitem__(key, value)})


@pytest.mark.each(("call", "kind"), CALLS, ids=[call for call, _ in CALLS])
def test_errors_are_of_pytorchs_class(call, kind):
    with pytest.raises(kind) as caught:
        called(call, tg)
    assert str(caught.value)
    assert A.tolist() == [[1.0] * 3] * 2


def test_the_classes_are_pytorchs():
    torch = pytest.importorskip("torch")
    for call, kind in CALLS:
        with pytest.raises(kind):
            called(call, torch)


def test_they_are_still_numpys():
    for call, kind in (("m.amax(EMPTY, 0)", ValueError), ("m.linalg.inv(SINGULAR)", np.linalg.LinAlgError),
                       ("write(0, m.ones(2))", ValueError), ("m.mean(K)", TypeError)):  # fmt: skip
        with pytest.raises(kind):
            called(call, tg)


def test_masks_of_bytes():
    mask = tg.tensor([[1, 0, 2], [0, 1, 0]], dtype=tg.uint8)
    assert tg.where(mask, A, -A).tolist() == [[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]]
    with pytest.warns(UserWarning, match="getitem: an index of uint8 counts as a mask"):
        assert (A * 3)[mask].tolist() == [3.0, 3.0, 3.0]


def test_names_of_arguments_are_pytorchs():
    assert [part.tolist() for part in V.split(split_size=2)] == [[1.0, 1.0], [1.0]]
    assert [part.shape for part in A.split(split_size=[1, 2], dim=1)] == [(2, 1), (2, 2)]
    hist, edges = tg.histogram(tg.tensor([0.0, 1.0]))
    assert hist.shape == (100,)
    assert edges.tolist()[-1] == 1.0
    assert tg.zeros_like(A, memory_format=tg.preserve_format).tolist() == [[0.0] * 3] * 2
    assert tg.isclose(A, A + 0.1, rtol=tg.tensor(0.2)).all().item()
    assert tg.allclose(A, A + 0.1, rtol=tg.tensor(0.2))
    assert not tg.allclose(A, A + 0.1, rtol=tg.tensor(0.01))


def test_sizes_that_would_fill_the_memory_are_refused():
    with pytest.raises(ValueError, match="tensor_split: there must be at most 1048576 sections, got 2147483648"):
        tg.tensor_split(A, 2**31)
    with pytest.raises(ValueError, match="polygamma: n must be at most 170"):
        tg.polygamma(10**9, V)
    assert tg.polygamma(2, V)[0].item() == pytest.approx(-2.4041138)
    assert [part.shape[0] for part in tg.tensor_split(V, 5)] == [1, 1, 1, 0, 0]


@pytest.mark.parametrize("given", [3.0, [1.0, 2.0, 3.0], "a", None])
@pytest.mark.each(
    "layer",
    [tg.nn.ReLU(), tg.nn.Linear(3, 2), tg.nn.Sequential(tg.nn.Linear(3, 2)), tg.nn.Softmax(0), tg.nn.LayerNorm(3),
     tg.nn.BatchNorm1d(3), tg.nn.Dropout(), tg.nn.Flatten(), tg.nn.Conv1d(1, 1, 1), tg.nn.Embedding(3, 2)],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_layers_take_tensors(layer, given):
    name = type(layer[0] if isinstance(layer, tg.nn.Sequential) else layer).__name__
    with pytest.raises(TypeError, match=f"^{name}: input must be a Tensor, got "):
        layer(given)


def test_errors_of_the_users_own_layers_are_their_own():
    class Careless(tg.nn.Module):
        def forward(self, x: tg.Tensor):
            return x.nothing

    with pytest.raises(AttributeError, match="'float' object has no attribute 'nothing'"):
        Careless()(3.0)


def test_layers_with_a_wrong_size_name_themselves():
    with pytest.raises(TypeError, match=r"^Linear: in_features must be an integer >= 0, got 392.0$"):
        tg.nn.Linear(28 * 28 / 2, 3)
    assert F.linear(V, tg.ones(2, 3)).tolist() == [3.0, 3.0]


WORDS = [  # PyTorch's, which ported tests look for
    ("bool(V)", "Boolean value of Tensor with more than one value is ambiguous"),
    ("V.new_full((2,), 1, dtype=tg.int64, requires_grad=True)", "Only Tensors of floating point and complex dtype can"),
    ("tg.meshgrid(V, indexing='')", 'indexing must be one of "xy" or "ij"'),
    ("tg.meshgrid(A, indexing='ij')", "Expected 0D or 1D tensor"),
    ("tg.meshgrid([])", "expects a non-empty TensorList"),
    ("tg.normal(V, -1)", "normal expects std >= 0.0, but found std"),
    ("V.clone().uniform_(0, -1)", "uniform_ expects to return"),
    ("tg.eye(-1)", "must be greater or equal to"),
    ("tg.linalg.lu(A, pivot=False)", "LU without pivoting is not implemented on the CPU"),
    ("F.embedding(K, S)", "'weight' must be 2-D"),
    ("F.nll_loss(A, K[:, None])", "1D target tensor expected"),
    (
        "F.cross_entropy(A, K, weight=K.float())",
        "weight tensor should be defined either for all 3 classes or no classes",
    ),
    ("F.gaussian_nll_loss(A, A, tg.ones(3, 3))", "var is of incorrect size"),
    ("tg.addcdiv(K, K, K)", "Integer division with addcdiv is no longer supported"),
]


@pytest.mark.parametrize(("call", "words"), WORDS)
def test_errors_hold_pytorchs_words(call, words):
    with pytest.raises((RuntimeError, ValueError)) as caught:
        eval(call)
    assert words in str(caught.value)
