"""PyTorch's small modules under their own names: accelerator, hub, mps, multiprocessing, onnx, version ..."""
