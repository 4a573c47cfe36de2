"""Compiled steps of RNN, LSTM and GRU, each with its NumPy form."""
