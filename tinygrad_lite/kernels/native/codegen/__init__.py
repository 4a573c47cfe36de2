"""The compiler of kernels: from the part of Python in which they are written to LLVM's language, and to machine code.

numba compiles all of Python's arithmetic; what the kernels of this package need of it is little: numbers, arrays,
tuples, loops. Written for just that, a compiler takes a tenth of the time. What it does not know it refuses, and numba
compiles that: kernels of users, and the formulas of optimizers.
"""
