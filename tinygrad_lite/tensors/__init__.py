"""is_tensor, finfo, printing: what a tensor is, what its dtype holds, how it is printed."""
