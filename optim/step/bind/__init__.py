"""A formula with its switches set, between what comes before and after it, as one loop."""
