"""examples/momentum_and_steps.py: what it says of minima, saddles, weights and the length of steps."""

from __future__ import annotations

import momentum_and_steps as study
import numpy as np
import pytest

from tinygrad_lite import kernels

STEPS = 150


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    with kernels.use("numpy"):
        found = study.main(steps=STEPS, out=str(out))
    assert (out / "momentum_and_steps.png").stat().st_size > 20_000
    return found


def test_plain_descent_stays_where_momentum_crosses(results):
    dip, saddle = results["paths"]["dip"], results["paths"]["saddle"]
    assert 2.9 < dip["plain descent"].min() < 3.1  # the first of three minima
    assert dip["momentum"][-1] == pytest.approx(0.99, abs=0.05)  # the lowest
    assert 0 < saddle["plain descent"].min() < 0.05
    assert saddle["momentum"][-1] == pytest.approx(-1, abs=0.05)
    slope = 1e-6 * np.arange(-2, 3)
    f = study.PLACES["saddle"][0]
    np.testing.assert_allclose(f(slope), 0, atol=1e-16)  # flat there, and neither minimum nor maximum
    assert f(-0.1) < f(0.0) < f(0.1)


def test_a_path_is_that_of_the_formula():
    x, v, path = 1.5, 0.0, [1.5]
    for _ in range(9):
        v = 0.9 * v - 0.02 * (x**3 + x**2)
        x += v
        path.append(x)
    momentum = study.optim.textbook.Momentum(lr=0.02, momentum=0.9)
    np.testing.assert_allclose(study.descend(momentum, study.PLACES["saddle"][0], 1.5, 9), path, rtol=1e-12)


def test_the_last_ten_steps_have_their_share(results):
    assert results["share"] == pytest.approx(1 - 0.9**10)
    assert round(results["share"], 3) == 0.651
    assert study.weights(0.9, 1000).sum() == pytest.approx(1)


def test_steps_on_a_constant_slope(results, capsys):
    lengths, k = results["lengths"], np.arange(1, STEPS + 1)
    np.testing.assert_allclose(lengths["Adagrad"], study.LR / np.sqrt(k), rtol=1e-4)
    np.testing.assert_allclose(lengths["RMSProp"], study.LR / np.sqrt(1 - 0.99**k), rtol=1e-4)
    np.testing.assert_allclose(lengths["momentum, lr"], study.REAL * (1 - 0.9**k), rtol=1e-9)
    np.testing.assert_allclose(lengths["plain, lr"], study.LR, rtol=1e-9)
    assert pytest.approx(study.LR / (1 - 0.9)) == study.REAL
