"""The autoencoder of digits: it beats PCA, PCA is PCA, no label is used, and the plane is the right way round."""

from __future__ import annotations

import autoencoder
import numpy as np
import pytest
from test_examples import run

import tinygrad_lite as tg
from tinygrad_lite import nn


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr(autoencoder, "draw", lambda *_: None)
    monkeypatch.setattr(autoencoder, "save_figure", lambda *_: None)


def test_autoencoder(digits, tmp_path, capsys):
    results = run(autoencoder, tmp_path, steps=400, lr=5e-3, **{"batch-size": 32})
    error, linear, model = results["error"], results["pca"], results["model"]
    assert error < 0.93 * linear[1]
    assert linear[results["components"] - 1] <= error < linear[results["components"] - 2]
    assert 3 <= results["components"] <= 12
    _, (x, t) = autoencoder.load_mnist(flatten=False)
    model.eval()
    with tg.no_grad():
        drawn = model(tg.tensor(x)).numpy()
    assert error == pytest.approx(np.square(drawn - x, dtype=float).mean(), rel=1e-4)
    assert results["codes"].shape == (1000, 2)
    assert np.abs(results["codes"].mean(axis=0)).max() < 0.4
    assert 0.6 < results["codes"].std(axis=0).min() < results["codes"].std(axis=0).max() < 1.5
    assert {p.dtype for p in model.parameters()} == {np.dtype("f")}
    printed = capsys.readouterr().out
    assert f"mean square error of a held-out pixel: {error:.4f}" in printed
    assert f"PCA with 2 components: {linear[1]:.4f}; it needs {results['components']} to be as good" in printed


def test_autoencoder_depends_on_the_seed_alone_and_uses_no_label(digits, no_figures, monkeypatch):
    (x_train, _), (x_test, _) = autoencoder.load_mnist(flatten=False)
    linear = autoencoder.pca(x_train, x_test)
    monkeypatch.setattr(autoencoder, "pca", lambda *_: linear)  # of the same images each time
    a, b, c = (autoencoder.main(steps=5, batch_size=16, seed=seed) for seed in (0, 0, 1))
    load = autoencoder.load_mnist

    def unlabelled(**how):
        (x_train, t_train), (x_test, t_test) = load(**how)
        return (x_train, np.zeros_like(t_train)), (x_test, np.zeros_like(t_test))

    monkeypatch.setattr(autoencoder, "load_mnist", unlabelled)
    d = autoencoder.main(steps=5, batch_size=16)
    np.testing.assert_array_equal(a["codes"], b["codes"])
    np.testing.assert_array_equal(a["codes"], d["codes"])
    assert np.abs(a["codes"] - c["codes"]).max() > 0.01


def test_pca_leaves_what_a_projection_leaves():
    """Against eigenvectors of the covariance, in float64."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(30, 30)) * 0.7 ** np.arange(30)[:, None]
    x, y = ((rng.normal(size=(n, 30)) @ mixing + 3).astype(np.float32).reshape(n, 1, 5, 6) for n in (200, 50))
    drawn, errors = autoencoder.pca(x, y)
    flat = y.reshape(50, 30).astype(float)
    mean = x.reshape(200, 30).astype(float).mean(axis=0)
    _, vectors = np.linalg.eigh(np.cov(x.reshape(200, 30), rowvar=False, dtype=float))
    for k in (1, 2, 7, 30):
        axes = vectors[:, ::-1][:, :k]
        left = mean + (flat - mean) @ axes @ axes.T
        assert errors[k - 1] == pytest.approx(np.square(left - flat).mean(), rel=1e-4, abs=1e-6)
        if k == autoencoder.CODE:
            np.testing.assert_allclose(drawn.reshape(50, 30), left, rtol=0, atol=1e-4)
    assert drawn.shape == y.shape
    assert drawn.dtype == np.float32


class Painter(nn.Module):
    """Draws the first number of a code into the left half of an image, the second into the right."""

    def forward(self, z):
        return tg.cat([z[:, k].reshape(-1, 1, 1, 1).expand(-1, 1, 28, 14) for k in (0, 1)], dim=3)


def test_the_decoded_plane_is_the_right_way_round():
    model = autoencoder.Autoencoder()
    model.decoder = Painter()
    plane = autoencoder.decoded_plane(model, n=5)
    assert plane.shape == (140, 140)
    centres = autoencoder.REACH * np.array([-0.8, -0.4, 0, 0.4, 0.8])
    np.testing.assert_allclose(plane[0, ::28], centres, rtol=0, atol=1e-6)  # to the right, the first number
    np.testing.assert_allclose(plane[::28, 14], centres[::-1], rtol=0, atol=1e-6)  # upwards, the second
    assert np.ptp(plane[:, 0]) == np.ptp(plane[0, 14::28]) == 0
    np.testing.assert_array_equal(plane[28:56, 56:70], plane[28, 56])


def test_evaluation_is_of_the_evaluation_mode():
    model = autoencoder.Autoencoder()
    x = np.random.default_rng(0).random((6, 1, 28, 28), np.float32)
    model(tg.tensor(x))
    codes, drawn, error = autoencoder.evaluate(model, x)
    assert model.training
    alone = [autoencoder.evaluate(model, x[i : i + 1])[0][0] for i in range(6)]  # no other image of the batch matters
    np.testing.assert_allclose(codes, alone, rtol=0, atol=1e-5)
    assert drawn.shape == x.shape
    assert error == pytest.approx(np.square(drawn - x).mean(), rel=1e-5)
