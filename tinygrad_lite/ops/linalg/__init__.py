"""matmul, einsum, norms, decompositions, solve: linear algebra on batches of matrices."""
