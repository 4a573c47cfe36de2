"""A table of numbers that one compiled loop walks: NumPy's own inner loops and BLAS, called by address."""
