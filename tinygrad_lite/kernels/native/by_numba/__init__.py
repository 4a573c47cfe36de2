"""numba's compiler, as the library uses it: for what the compiler of kernels does not know."""
