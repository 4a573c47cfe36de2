"""Compiled elementwise functions, and the approximations that they are made of."""
