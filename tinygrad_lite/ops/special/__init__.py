"""erf, gamma, bessel, zeta, orthogonal polynomials: the special functions."""
