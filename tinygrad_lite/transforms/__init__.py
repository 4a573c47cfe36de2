"""vjp, jacobian, vmap, functional_call, checkpoint: functions made of functions."""
