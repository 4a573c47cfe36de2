"""What `rules`, `graph` and `autograd` stand on: views, hooks, accumulated gradients, grad mode, Function."""
