"""cross_entropy, mse_loss, kl_div, margin losses, ctc_loss."""
