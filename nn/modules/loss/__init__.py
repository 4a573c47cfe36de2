"""CrossEntropyLoss, MSELoss, margin losses and the other criteria."""
