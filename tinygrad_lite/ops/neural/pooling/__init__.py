"""avg_pool, max_pool, their adaptive and fractional forms, and max_unpool."""
