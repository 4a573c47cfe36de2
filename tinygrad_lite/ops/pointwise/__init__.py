"""Arithmetic, exponentials, rounding, comparison: operations element by element."""
