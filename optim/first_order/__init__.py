"""Gradient descent and what follows its direction or its sign: SGD, ASGD, Rprop, Lion, LARS, Muon."""
