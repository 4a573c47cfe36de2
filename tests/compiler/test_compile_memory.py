"""Memory of compiled functions: places by lifetime, and gradients that are there once."""

import itertools
import tracemalloc

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.compiler.lowering import native
from tinygrad_lite.compiler.lowering.arena import ALIGNED, Arena
from tinygrad_lite.kernels.native.walk import addresses


@pytest.mark.parametrize("seed", range(5))
def test_what_is_needed_at_the_same_time_lies_apart(seed):
    rng = np.random.default_rng(seed)
    lifetimes = {}
    for what in range(80):
        first = int(rng.integers(0, 50))
        lifetimes[what] = int(rng.integers(0, 5000)), first, first + int(rng.integers(0, 12))
    arena = Arena(lifetimes)
    places = {what: arena.address(what) - arena.address(0) for what in lifetimes}
    for a, b in itertools.combinations(lifetimes, 2):
        (size_a, first_a, last_a), (size_b, first_b, last_b) = lifetimes[a], lifetimes[b]
        if first_a <= last_b and first_b <= last_a:
            assert places[a] + size_a <= places[b] or places[b] + size_b <= places[a]
    assert all(arena.address(what) % ALIGNED == 0 for what in lifetimes)
    at_once = max(
        sum(-(-max(size, 1) // ALIGNED) * ALIGNED for size, first, last in lifetimes.values() if first <= t <= last)
        for t in range(70)
    )
    assert at_once <= arena.bytes <= 1.25 * at_once < arena.plain


@pytest.mark.skipif(not addresses.readable(), reason="needs objects that lie in memory as CPython's do")
def test_gradients_are_there_once():
    native.wait()
    net, x = nn.Linear(1000, 500), tg.randn(4, 1000)
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    @tg.compile
    def step(x):
        optimizer.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    tracemalloc.start(1)
    try:
        for _ in range(5):
            step(x)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        step(x)
        assert tracemalloc.get_traced_memory()[1] - before < net.weight.nbytes / 4
    finally:
        tracemalloc.stop()
    assert step.hits() == 4
