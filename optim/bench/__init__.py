"""What a step costs: compiled and plain kernels, textbook NumPy and PyTorch, on the shapes of real models.

    python -m tinygrad_lite.optim.bench --optimizers SGD Adam --shapes mlp resnet18 --plot steps.png

Times are of one full ``step()`` in float32, medians of blocks in which the contestants take turns; every library runs
in a process of its own, so that thread pools do not meet.

* GB/s counts what the formula must move, parameters and states read and written, gradients read; its states are
  those the optimizer keeps.
* "of stream" is that rate, divided by the rate of a loop of this library over as many arrays of that length in total,
  each one piece, that adds the gradient to all others: the same number of streams with nothing to compute, on the same
  threads, taking turns with all the rest. Below some 10 MB it is the rate of a cache.
* "x" is PyTorch's time divided by that of this library on all threads.
* Between matrix products: the time of a step alone, and of the same step with products of 64, 96 and 128 squared on all
  threads before it, which leave BLAS's threads awake and other data in the cache.
* First step: from the start of the interpreter to the end of Adam's first step on the MLP, with kernels on disk.
"""
