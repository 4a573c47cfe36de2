"""What a class declares: its formula, its states, its hyperparameters."""
