"""Compiled convolutions, pools and stencils, each with its NumPy form."""
