"""fft, stft, gradient, vander: spectral operations and slopes of sampled functions."""
