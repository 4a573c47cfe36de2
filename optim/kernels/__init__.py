"""Compiled kernels and their plain twins that only optimizers use: Adafactor's, Muon's, a step in one call."""
