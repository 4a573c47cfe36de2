"""Storages: made, copied, cast, swapped, and read by `tensor` and `set_`."""

from __future__ import annotations

import copy
import functools
import weakref

import numpy as np
import pytest
from oracle import agree

import tinygrad_lite as tg


def test_made_of_sizes_and_numbers():
    typed = tg.TypedStorage([1, 2, 3], dtype=tg.uint8)
    assert (typed.tolist(), typed.type(), typed._untyped_storage.tolist()) == (
        [1, 2, 3],
        "torch.ByteStorage",
        [1, 2, 3],
    )
    assert (tg.UntypedStorage(4).nbytes(), tg.UntypedStorage([1, 2]).tolist(), tg.TypedStorage().size()) == (
        4,
        [1, 2],
        0,
    )
    assert tg.TypedStorage(wrap_storage=tg.UntypedStorage([1, 0, 3, 2]), dtype=tg.int16).tolist() == [1, 515]
    assert tg.TypedStorage(2).dtype == tg.float32
    for make in (lambda: tg.UntypedStorage(1, 2), lambda: tg.TypedStorage("a" if 0 else None),
                 lambda: tg.TypedStorage(1, wrap_storage=tg.UntypedStorage(1))):  # fmt: skip
        with pytest.raises(TypeError, match="Storage: (data|wrap_storage) must be"):
            make()


def test_copies_own_their_memory():
    x = tg.arange(3.0)
    for made in (x.untyped_storage(), x.storage()):
        for clone in (made.clone(), copy.copy(made), copy.deepcopy(made)):
            assert clone.data_ptr() != made.data_ptr()
            assert clone.tolist() == made.tolist()
    x.storage().clone().fill_(7)
    assert x.tolist() == [0.0, 1.0, 2.0]
    x.storage().copy_(tg.FloatStorage([4, 5, 6]))
    assert x.tolist() == [4.0, 5.0, 6.0]
    assert x.storage().long().tolist() == [4, 5, 6]
    assert x.storage().float().data_ptr() == x.data_ptr()
    assert x.storage_type() is tg.FloatStorage
    with pytest.raises(ValueError, match="copy_: the storages must be of one size, got 3 and 2"):
        x.storage().copy_(tg.FloatStorage(2))


def test_bytes_are_swapped():
    for dtype in (tg.int16, tg.float32, tg.float64, tg.int8):
        made = tg.UntypedStorage(list(range(16)))
        made.byteswap(dtype)
        assert made.tolist() == np.arange(16, dtype=np.uint8).view(dtype.dtype).byteswap().view(np.uint8).tolist()


def test_tensors_read_them():
    x = tg.tensor([[1.5, 2.0]], dtype=tg.float64)
    assert tg.tensor(x.storage()).tolist() == tg.tensor(x.untyped_storage(), dtype=tg.float64).tolist() == [1.5, 2.0]
    with pytest.raises(RuntimeError, match="Expected a Storage of type .*int64"):
        tg.tensor(x.storage(), dtype=tg.int64)
    with pytest.raises(RuntimeError, match="Expected a Storage of type"):
        tg.zeros(2).set_(x.storage())


def test_a_leaf_looks_at_other_memory_under_no_grad():
    leaf, other = tg.ones(2, requires_grad=True), tg.zeros(3)
    made = leaf * 2
    with pytest.raises(RuntimeError, match="must not require grad; use detach"):
        leaf.set_(other)
    with tg.no_grad():
        assert leaf.set_(other) is leaf
        with pytest.raises(RuntimeError, match="must not require grad"):
            made.set_(other)
    assert leaf.shape == (3,)
    assert leaf.requires_grad
    assert leaf.data_ptr() == other.data_ptr()
    (leaf * leaf).sum().backward()
    assert leaf.grad.shape == (3,)


def test_they_can_be_pointed_at():
    made = tg.UntypedStorage(3)
    made.tag = "mine"
    assert weakref.ref(made)() is made
    assert tg.zeros(0).data_ptr() == tg.zeros(2)[:0].data_ptr() == tg.zeros(0).untyped_storage().data_ptr() == 0


def test_diff_says_what_it_joins():
    with pytest.raises(RuntimeError, match="diff expects prepend or append to be the same dimension as input"):
        tg.diff(tg.zeros(3, 3), prepend=tg.zeros(3))
    with pytest.raises(RuntimeError, match="diff expects the shape of tensor to prepend or append to match"):
        tg.diff(tg.zeros(2, 3), dim=0, prepend=tg.zeros(1, 2))
    assert tg.diff(tg.zeros(2, 3), dim=-1, prepend=tg.ones(2, 1)).tolist() == [[-1.0, 0.0, 0.0]] * 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tg.zeros(2, 3).view(tg.float64), r"self.size\(-1\) must be divisible by 2, got 3"),
        (lambda: tg.zeros(2, 5)[:, 1:].view(tg.float64), r"self.storage_offset\(\) must be divisible by 2, got 1"),
        (lambda: tg.zeros(2, 5)[:, :4].view(tg.float64), r"self.stride\(0\) must be divisible by 2, got 5"),
        (lambda: tg.zeros(2, 4).T.view(tg.int8), r"self.stride\(-1\) must be 1, got 4"),
        (lambda: tg.tensor(1.0).view(tg.int8), r"self.dim\(\) cannot be 0"),
    ],
)
def test_what_cannot_be_seen_as_another_dtype(make, words):
    with pytest.raises(RuntimeError, match=words):
        make()


def of_a_file(path, m):
    """Bytes of a file, of which tensors of any dtype are made, as the readers of checkpoints do."""
    path.write_bytes(np.arange(6, dtype=np.float32).tobytes())
    private = m.UntypedStorage.from_file(str(path), False, 24)
    x = m.asarray(private[8:16], dtype=m.uint8).view(dtype=m.float32).reshape(2, 1)
    x.mul_(10)
    seen = m.asarray(private, dtype=m.uint8).view(dtype=m.float32)
    before = np.fromfile(path, np.float32).tolist()
    shared = m.UntypedStorage.from_file(str(path), shared=True, nbytes=8)
    shared[4] = 7
    return x, seen, before, np.fromfile(path, np.float32).tolist(), len(m.UntypedStorage.from_file(str(path)))


def test_of_a_file(tmp_path):
    agree(functools.partial(of_a_file, tmp_path / "numbers"))
