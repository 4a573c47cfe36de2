"""The operations, by family; every one a row of the table in `tinygrad_lite.rules`."""
