"""Memory of compiled functions: places by lifetime, and gradients that are there once."""

import gc
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


def test_what_is_not_written_yet_holds_something_else():
    rng = np.random.default_rng(0)
    rooms = {f"room {i}": (5000 + 1000 * i, 10 * i, 30 + 10 * i) for i in range(3)}
    lifetimes = {}
    for what in range(60):
        first = int(rng.integers(0, 60))
        lifetimes[what] = int(rng.integers(4000, 9000)), first, first + int(rng.integers(0, 12))
    arena = Arena(lifetimes, rooms)
    assert len(arena.guests) > 5
    assert arena.bytes < Arena(lifetimes).bytes
    for what, (room, at) in arena.guests.items():
        size, first, last = lifetimes[what]
        assert rooms[room][1] <= first <= last <= rooms[room][2]
        assert at >= 0
        assert at + size <= rooms[room][0]
    for (a, (room, at)), (b, (other, place)) in itertools.combinations(arena.guests.items(), 2):
        together = lifetimes[a][1] <= lifetimes[b][2] and lifetimes[b][1] <= lifetimes[a][2]
        if room == other and together:
            assert at + lifetimes[a][0] <= place or place + lifetimes[b][0] <= at


NEEDS_ADDRESSES = pytest.mark.skipif(
    not addresses.readable(), reason="needs objects that lie in memory as CPython's do"
)


def arrays_now():
    """Bytes of NumPy's arrays that tracemalloc knows of."""
    traces = tracemalloc.take_snapshot().traces
    return sum(t.size for t in traces if t.domain == np.lib.tracemalloc_domain)


@NEEDS_ADDRESSES
def test_a_recording_is_gone_without_the_collector_and_a_step_needs_what_an_eager_one_does():
    native.wait()
    nn.Sequential(nn.Linear(3, 3), nn.ReLU())(tg.ones(2, 3)).sum().backward()
    used = {}
    gc.collect()
    gc.disable()
    try:
        for recorded in (False, True):
            net = nn.Sequential(*(m for _ in range(4) for m in (nn.Linear(200, 200), nn.Tanh())), nn.Linear(200, 200))
            optimizer, x = optim.SGD(net.parameters(), lr=0.1), tg.randn(300, 200)

            def step(x, net=net, optimizer=optimizer):
                optimizer.zero_grad()
                loss = net(x).square().mean()
                loss.backward()
                optimizer.step()
                return loss

            call = tg.compile(step, fullgraph=True) if recorded else step
            tracemalloc.start(1)
            try:
                for _ in range(4):
                    call(x)
                between = arrays_now()
                now = tracemalloc.get_traced_memory()[0]
                tracemalloc.reset_peak()
                call(x)
                used[recorded] = between + tracemalloc.get_traced_memory()[1] - now
            finally:
                tracemalloc.stop()
    finally:
        gc.enable()
    assert used[True] < 1.05 * used[False] + 20_000


@NEEDS_ADDRESSES
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
