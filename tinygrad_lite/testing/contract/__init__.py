"""`check_module` and the points of the contract of a layer that it goes through."""
