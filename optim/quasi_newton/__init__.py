"""LBFGS, with its line search."""
