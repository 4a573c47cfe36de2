"""Modes, factors and supports of distributions, and volumes of joined transforms, against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions as D

GRID = np.linspace(0.01, 0.99, 99)


@pytest.mark.parametrize("kind", ["Kumaraswamy", "Beta"])
def test_no_density_is_higher_than_at_the_mode(kind: str) -> None:
    made = getattr(D, kind)(tg.tensor(2.0), tg.tensor(3.5))
    assert made.log_prob(made.mode) >= made.log_prob(tg.tensor(GRID.astype(np.float32))).max()


def test_no_density_is_higher_than_at_the_mode_of_a_simplex() -> None:
    made = D.Dirichlet(tg.tensor([2.0, 3.0, 5.0]))
    np.testing.assert_allclose(made.mode.numpy(), np.array([1, 2, 4]) / 7, rtol=1e-6)
    assert (made.log_prob(made.mode) >= made.log_prob(made.sample((100,)))).all()


def test_factors_and_inverses_of_a_covariance_of_low_rank() -> None:
    made = D.LowRankMultivariateNormal(tg.zeros(3), tg.randn(3, 2), tg.tensor([0.5, 1.0, 2.0]))
    covariance = made.covariance_matrix.numpy()
    factor = made.scale_tril.numpy()
    assert (np.triu(factor, 1) == 0).all()
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(made.precision_matrix.numpy() @ covariance, np.eye(3), atol=1e-5)


def test_supports_are_enumerated() -> None:
    one = D.OneHotCategorical(tg.full((2, 3), 1 / 3))
    assert one.enumerate_support().shape == (3, 2, 3)
    assert one.enumerate_support(expand=False)[:, 0].tolist() == np.eye(3).tolist()
    two = D.Independent(D.Bernoulli(tg.full((2, 1), 0.5)), 0)
    assert two.enumerate_support().tolist() == [[[0.0], [0.0]], [[1.0], [1.0]]]


@pytest.mark.parametrize("joined", [D.transforms.CatTransform, D.transforms.StackTransform])
def test_parts_change_volumes_by_themselves(joined: Any) -> None:
    parts = [D.transforms.ExpTransform(), D.transforms.AffineTransform(1.0, 3.0)]
    transform = joined(parts, dim=0, lengths=[1, 1]) if joined is D.transforms.CatTransform else joined(parts, dim=0)
    x = tg.randn(2, 4)
    found = transform.log_abs_det_jacobian(x, transform(x)).numpy()
    np.testing.assert_allclose(found, np.stack([x.numpy()[0], np.full(4, np.log(3), np.float32)]), rtol=1e-6)
