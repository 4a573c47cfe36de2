"""rand, randn, randint, multinomial, bernoulli and in-place draws; the generators below them."""
