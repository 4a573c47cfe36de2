"""How ``import torch`` becomes this library: the finder, the names of modules, what was asked for in vain."""
