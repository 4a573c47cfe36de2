"""Compiled loops of losses: `cross_entropy` and `ctc`, each with its NumPy form."""
