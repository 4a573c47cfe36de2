"""relu, gelu, elu, glu and the other activations."""
