"""Random numbers in recordings: drawn anew in every call, the same stream as eager calls have."""

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import nn

F = nn.functional
DRAWS = {
    "rand": lambda x: x * tg.rand(3),
    "randn_like": lambda x: x * tg.randn_like(x),
    "randint": lambda x: x + tg.randint(0, 10, (3,)),
    "randint_like": lambda x: x + tg.randint_like(x, 10),
    "randperm": lambda x: x[tg.randperm(3)],
    "normal": lambda x: tg.normal(x, 1.0),
    "normal of deviations": lambda x: tg.normal(0.0, x),
    "bernoulli": lambda x: tg.bernoulli(x.sigmoid()),
    "poisson": lambda x: tg.poisson(x * 3),
    "binomial": lambda x: tg.binomial((x * 5).ceil(), x.sigmoid()),
    "multinomial": lambda x: tg.multinomial(x.softmax(0), 2),
    "uniform_": lambda x: (x * 1).uniform_(-1, 1),
    "normal_": lambda x: (x * 1).normal_(1.0, 2.0),
    "random_": lambda x: (x * 1).random_(5),
    "bernoulli_": lambda x: (x * 1).bernoulli_(0.3),
    "exponential_": lambda x: (x * 1).exponential_(2.0),
    "geometric_": lambda x: (x * 1).geometric_(0.4),
    "cauchy_": lambda x: (x * 1).cauchy_(),
    "log_normal_": lambda x: (x * 1).log_normal_(),
    "gumbel_softmax": lambda x: F.gumbel_softmax(x),
    "gumbel_softmax, hard": lambda x: F.gumbel_softmax(x, hard=True),
    "rrelu": lambda x: F.rrelu(-x, training=True),
    "alpha_dropout": lambda x: F.alpha_dropout(x, training=True),
    "Gamma": lambda x: tg.distributions.Gamma(x + 1, 1.0).sample(),
    "Categorical": lambda x: tg.distributions.Categorical(logits=x).sample(),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_made_anew_from_the_same_stream(name):
    draw, compiled = DRAWS[name], tg.compile(DRAWS[name], fullgraph=True)
    inputs = [tg.linspace(0.1, 1.0, 3) * (k + 1) for k in range(6)]
    found = []
    for function in (draw, compiled):
        tg.manual_seed(3)
        found.append([function(x).numpy().tobytes() for x in inputs])
        found.append([repr(tg.get_rng_state())])
    assert found[:2] == found[2:]
    assert compiled.hits() == 4


def test_what_is_drawn_from_is_looked_at_in_every_call():
    compiled = tg.compile(tg.poisson, fullgraph=True)
    for k in range(4):
        compiled(tg.full((2,), float(k)))
    with pytest.raises(ValueError, match="poisson: rates must not be negative, got -1"):
        compiled(tg.full((2,), -1.0))
    assert np.isfinite(compiled(tg.ones(2)).numpy()).all()
