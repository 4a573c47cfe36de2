"""The only folder that drives the machine: numba's compiler, addresses, threads, processor instructions."""
