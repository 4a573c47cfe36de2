"""A step is made: gradients looked at, parameters updated, all of it or nothing."""
