"""Vector registers: blocks of numbers, products of packed blocks, and dot products of bfloat16 pairs."""
