"""Optimizers around an optimizer: Lookahead, SAM."""
