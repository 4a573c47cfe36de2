"""One call of a function, as a list of calls on arrays."""
