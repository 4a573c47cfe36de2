from tinygrad_lite._tensor import Tensor as Tensor
