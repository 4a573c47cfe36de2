"""reshape, split, cat, stack, flip, diagonal, expand: the same values in another arrangement."""
