"""Divergences of Weibull's distribution, by a sum over its quantiles, and of Wishart's, which are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import distributions as D


@pytest.mark.parametrize(("first", "second"), [((1.0, 1.5), (2.0, 0.7)), ((2.0, 0.8), (1.5, 2.0)), ((1.0, 3.0),) * 2])
def test_weibull(first, second):
    p, q = (D.Weibull(*tg.tensor(of, dtype=tg.float64)) for of in (first, second))
    x = p.icdf((tg.arange(200_000, dtype=tg.float64) + 0.5) / 200_000)
    assert D.kl_divergence(p, q).item() == pytest.approx((p.log_prob(x) - q.log_prob(x)).mean().item(), 1e-3, 1e-12)


def test_weibull_has_gradients():
    parameters = tg.tensor([1.2, 0.7, 0.9, 1.4], dtype=tg.float64, requires_grad=True)
    assert tg.gradcheck(lambda t: D.kl_divergence(D.Weibull(t[0], t[1]), D.Weibull(t[2], t[3])), parameters)


def test_wishart_is_pytorchs():
    """Of equal batch shapes: of others PyTorch's comes out negative."""
    torch = pytest.importorskip("torch")
    one, other = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.2], [-0.2, 3.0]])

    def found(m):
        p, q = (
            m.distributions.Wishart(m.tensor(df, dtype=m.float64), m.tensor(scale))
            for df, scale in ((3.5, one), (5.0, other))
        )
        return m.distributions.kl_divergence(p, q).detach().numpy()

    np.testing.assert_allclose(found(tg), found(torch), 1e-10)
    with pytest.raises(ValueError, match="event shapes must be equal"):
        D.kl_divergence(D.Wishart(3.0, tg.eye(2)), D.Wishart(3.0, tg.eye(3)))
