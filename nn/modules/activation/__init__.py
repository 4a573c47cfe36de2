"""ReLU, GELU, Softmax and the other activations; AdaptiveLogSoftmaxWithLoss."""
