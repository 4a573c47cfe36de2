"""Kernels stay within their arrays and agree with their twins, whatever the hyperparameters."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ops_cases import Oracle
from spatial_calls import CALLS, floats, several

import tinygrad_lite as tg
import tinygrad_lite.nn.functional as F
from tinygrad_lite import kernels


def _attention(rng: Any) -> Any:
    lead, (steps, keys, width) = several(rng, 2, 1, 3), several(rng, 3, 1, 9)
    query, key, value = (floats(rng, *lead, n, width) for n in (steps, keys, keys))
    options = {"attn_mask": rng.random((steps, keys)) < 0.7} if rng.integers(2) else {"is_causal": True}
    return (
        lambda m, *ts: m.scaled_dot_product_attention(
            *ts, **{k: ts[0].new_tensor(v, dtype=None).bool() if k == "attn_mask" else v for k, v in options.items()}
        ),
        [query, key.astype(query.dtype), value.astype(query.dtype)],
    )


def _ctc(rng: Any) -> Any:
    """Among them texts without letters, and none that have letters."""
    steps, batch, longest = several(rng, 3, 1, 4)
    letters, sizes = rng.integers(1, 4, (batch, longest)), rng.integers(0, min(longest, steps) // 2 + 1, batch)
    options = {"reduction": str(rng.choice(["none", "sum", "mean"])), "zero_infinity": True}
    return (
        lambda m, x: m.ctc_loss(
            m.log_softmax(x, 2), x.new_tensor(letters).int(), [steps] * batch, sizes.tolist(), **options
        ),
        [floats(rng, steps, batch, 4)],
    )


def _embedding_bag(rng: Any) -> Any:
    """Empty bags, and what stands for padding."""
    places, mode = rng.integers(0, 5, int(rng.integers(0, 7))), str(rng.choice(["sum", "mean", "max"]))
    starts = np.sort(np.append(0, rng.integers(0, len(places) + 1, 3)))
    padding = int(rng.integers(5)) if rng.integers(2) else None
    return (
        lambda m, w: m.embedding_bag(
            w.new_tensor(places).int(), w, w.new_tensor(starts).int(), mode=mode, padding_idx=padding
        ),
        [floats(rng, 5, int(rng.integers(1, 5)))],
    )


CALLS = {**CALLS, "attention": _attention, "ctc": _ctc, "embedding_bag": _embedding_bag}
families = pytest.mark.parametrize("family", CALLS)


def laid_out(array: Any, seed: int) -> Any:
    """The same numbers, every second time in another order of memory."""
    return np.asfortranarray(array) if seed % 2 else array


def both(call: Callable[..., Any], arrays: list[Any]) -> list[Any]:
    """Results and gradients."""
    leaves = [tg.from_numpy(a).requires_grad_() for a in arrays]
    result = call(F, *leaves)
    outs = [o for o in (result if isinstance(result, tuple) else (result,)) if o.requires_grad]
    rng = np.random.default_rng(0)
    seeds = [tg.tensor(rng.standard_normal(o.shape).astype(o.dtype)) for o in outs]
    found = tg.autograd.grad(outs, leaves, seeds, allow_unused=True, materialize_grads=True)
    return [o.detach().numpy() for o in (*outs, *found)]


@families
def test_both_backends_agree(family: str) -> None:
    pytest.importorskip("numba")
    for seed in range(30):
        call, arrays = CALLS[family](np.random.default_rng(seed))
        arrays = [laid_out(a, seed) for a in arrays]
        ours = both(call, arrays)
        with kernels.use("numpy"):
            plain = both(call, arrays)
        for a, b in zip(ours, plain):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3, strict=True, err_msg=f"{family} {seed}")


@families
def test_values_are_pytorch_s(family: str, oracle: Oracle) -> None:
    for seed in range(30):
        call, arrays = CALLS[family](np.random.default_rng(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = call(oracle, *[oracle.tensor(a) for a in arrays])
        found = call(F, *[tg.tensor(a) for a in arrays])
        for a, b in zip(*[r if isinstance(r, tuple) else (r,) for r in (found, expected)]):
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), rtol=1e-3, atol=1e-3, strict=True, err_msg=f"{family} {seed}"
            )


@pytest.mark.skipif(sys.platform == "win32", reason="pages are forbidden by mprotect")
def test_no_kernel_leaves_its_arrays() -> None:
    """Neither read nor written: all arrays lie at pages that end the process when they are touched."""
    program = Path(__file__).resolve().parents[1] / "guarded.py"
    environment = {**os.environ, "TINYGRAD_LITE_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, program], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"the last of {done.stdout.splitlines()[-1:]}: {done.stderr[-2000:]}"


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_window_that_holds_nothing_is_the_lowest_value_and_has_no_gradient(dtype: str) -> None:
    """Taps at -1 and 1 of one element; at (-1, 2) and (0, 3) of two lines."""
    x = tg.tensor([[[4]], [[5]]], dtype=getattr(tg, dtype))
    lowest = -np.inf if dtype == "float32" else np.iinfo(np.int64).min
    for name in ("numba", "numpy"):
        with kernels.use(name):
            found, places = F.max_pool1d(x, 2, 1, 1, 2, return_indices=True)
            assert (found.tolist(), places.tolist()) == ([[[lowest]], [[lowest]]], [[[1]], [[1]]])
            y = tg.arange(1.0, 5.0).reshape(1, 2, 2).requires_grad_()
            out = F.max_pool2d(y, (2, 1), (1, 1), (1, 0), (3, 1))
            assert out.tolist() == [[[-np.inf, -np.inf]]]
            assert tg.autograd.grad(out.sum(), y)[0].tolist() == [[[0, 0], [0, 0]]]


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_what_lies_outside_an_image_is_no_pixel_of_it(backend: str) -> None:
    """A NaN in the first pixel is read where it is, and nowhere else."""
    with kernels.use(backend):
        x = tg.ones(1, 1, 2, 2)
        x[0, 0, 0, 0] = np.nan
        grid = tg.tensor([[[[5.0, 5.0], [1.0, 1.0], [0.5, 0.5]]]], requires_grad=True)
        for mode, expected in (("bilinear", [0.0, 0.25, 1.0]), ("nearest", [0.0, 0.0, 1.0])):
            assert F.grid_sample(x, grid, mode, align_corners=False).flatten().tolist() == expected
        out = F.grid_sample(x, grid, align_corners=True)
        assert out.flatten().tolist()[:2] == [0.0, 1.0]
        assert not np.isnan(tg.autograd.grad(out.sum(), grid)[0][0, 0, :2].numpy()).any()


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_places_that_are_no_numbers(backend: str) -> None:
    """Among zeros NaN and infinity give NaN; otherwise NaN is read at the first pixel."""
    with kernels.use(backend):
        x = tg.tensor([[[[1.0, 2.0], [3.0, 4.0]]]], requires_grad=True)
        grid = tg.tensor([[[[np.nan, -0.5], [np.inf, -0.5], [-0.5, -0.5]]]], requires_grad=True)
        for mode, padding, expected in (
            ("bilinear", "zeros", [np.nan, np.nan, 1.0]), ("bicubic", "zeros", [np.nan, np.nan, None]),
            ("nearest", "zeros", [0.0, 0.0, 1.0]), ("bilinear", "border", [1.0, 2.0, 1.0]),
            ("bilinear", "reflection", [1.0, 1.0, 1.0]), ("nearest", "border", [1.0, 2.0, 1.0]),
        ):  # fmt: skip
            out = F.grid_sample(x, grid, mode, padding, align_corners=False).flatten()
            for a, b in zip(out.tolist(), expected):
                assert b is None or np.array_equal(a, b, equal_nan=True), (mode, padding)
        out = F.grid_sample(x, grid, align_corners=False)
        gx, ggrid = tg.autograd.grad(out[..., :2].sum(), (x, grid))
        assert gx.tolist() == [[[[0, 0], [0, 0]]]]
        assert np.isnan(ggrid[0, 0, :2, 1].numpy()).all()


def test_unknown_rows_and_distances_are_unknown() -> None:
    table = tg.tensor([[1.0, np.nan], [2.0, 3.0], [np.nan, -1.0]], requires_grad=True)
    out = F.embedding_bag(tg.tensor([[0, 1], [1, 2], [1, 1]]), table, mode="max")
    np.testing.assert_array_equal(out.detach().numpy(), [[2, np.nan], [np.nan, 3], [2, 3]])
    out.sum().backward()
    assert table.grad.tolist() == [[0, 1], [2, 2], [1, 0]]
    a, b = tg.tensor([[np.nan, 1.0], [0.0, 1.0]]), tg.tensor([[0.0, 0.0]])
    np.testing.assert_array_equal(tg.cdist(a, b, 0).numpy(), [[np.nan], [1]])
    np.testing.assert_array_equal(tg.pdist(a, 0).numpy(), [np.nan])
