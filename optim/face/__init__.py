"""What surrounds a step: groups, hooks, state dicts, dicts of parameters, optimizers written PyTorch's way."""
