"""From recorded rows to a table of steps that compiled code walks."""
