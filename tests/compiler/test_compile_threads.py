"""Recorded steps whose loops several threads share: in children, beside each other, and with another number of them."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from fresh_process import run

import tinygrad_lite as tg
from tinygrad_lite import kernels, nn
from tinygrad_lite.compiler.lowering import native
from tinygrad_lite.kernels.native.walk import addresses

pytestmark = pytest.mark.skipif(not addresses.readable(), reason="needs objects that lie in memory as CPython's do")


@pytest.fixture(autouse=True)
def threads():
    native.wait()
    before = kernels.get_num_threads()
    tg.set_num_threads(3)
    yield
    kernels.set_num_threads(before)


def network():
    """A network whose convolutions, normalization and products are all shared."""
    tg.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 11 * 11, 24),
    )  # fmt: skip


def made(seed):
    net = network()
    x = tg.from_numpy(np.random.default_rng(seed).standard_normal((20, 3, 24, 24), np.float32))

    def step():
        net.zero_grad()
        loss = net(x).square().mean()
        loss.backward()
        return loss.detach()

    return net, step


def bits(net):
    return [t._data.tobytes() for t in (*net.state_dict().values(), *(p.grad for p in net.parameters()))]


def test_programs_of_several_threads_share_the_helpers():
    def train(seed):
        (net, step), (other, plain) = both[seed]
        compiled = tg.compile(step, fullgraph=True)
        for _ in range(300):
            compiled()
            plain()
            if compiled.hits() >= 5:  # sooner or later: only one thread records at a time
                break
        same[seed] = bits(net) == bits(other), compiled.hits() >= 5

    both, same = [(made(seed), made(seed)) for seed in range(4)], {}
    users = [threading.Thread(target=train, args=(seed,)) for seed in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert same == dict.fromkeys(range(4), (True, True))


def test_another_number_of_threads_is_another_program():
    net, step = made(0)
    (other, plain), compiled = made(0), tg.compile(step, fullgraph=True)
    for count in (3, 1, 2, 3, 1, 2):
        tg.set_num_threads(count)
        for _ in range(4):
            compiled()
            plain()
            assert bits(net) == bits(other)
    assert len(compiled._programs) == 3


CHILDREN = """
import os, signal
import test_compile_threads as here
import tinygrad_lite as tg
from tinygrad_lite.compiler.lowering import native
native.wait()
tg.set_num_threads(3)
(net, step), (other, plain) = here.made(0), here.made(0)
compiled = tg.compile(step, fullgraph=True)
for _ in range(5):
    compiled(), plain()
for _ in range(3):
    child = os.fork()
    if not child:
        signal.alarm(60)
        for _ in range(3):
            compiled(), plain()
        os._exit(0 if here.bits(net) == here.bits(other) else 1)
    assert os.waitpid(child, 0)[1] == 0, "a child"
    compiled(), plain()
assert here.bits(net) == here.bits(other)
print(compiled.hits())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_children_replay_with_helpers_of_their_own():
    assert (
        int(
            run(
                CHILDREN,
                PYTHONPATH=f"{Path(__file__).parent}{os.pathsep}{Path(run.__code__.co_filename).parent}",
                PYTHONWARNINGS="ignore",
            )
        )
        >= 6
    )
