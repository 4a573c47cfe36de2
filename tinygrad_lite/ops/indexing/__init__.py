"""index, index_put, gather, scatter, nonzero, take: elements found by where they stand."""
