"""The layers, by the headings of PyTorch's manual."""
