"""Products of matrices and of stacks of them, and triangular systems."""
