"""Models of many kinds, written once for this library and for PyTorch: what `benchmark_nn.py` trains a step of."""
