"""What ``python -m tinygrad_lite ops`` and ``python -m tinygrad_lite.kernels warm`` do."""
