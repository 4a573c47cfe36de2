"""Compiled loops over rows, channels and indices, each with its NumPy form."""
