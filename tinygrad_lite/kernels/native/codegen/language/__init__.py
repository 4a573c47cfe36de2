"""The part of Python that kernels are written in: its types, values, expressions and statements, as LLVM's."""
