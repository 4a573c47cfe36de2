"""A step size for each element, from its squared gradients: Adagrad, RMSprop, Adadelta, Adafactor."""
