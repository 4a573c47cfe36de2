"""Modules of devices by PyTorch's names: `cpu`, which is here, `mps` and `xpu`, which are not."""
