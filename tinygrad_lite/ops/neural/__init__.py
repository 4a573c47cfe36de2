"""The functions behind layers, by the headings of torch.nn.functional in PyTorch's manual."""
