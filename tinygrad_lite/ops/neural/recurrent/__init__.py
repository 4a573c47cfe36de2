"""rnn_tanh, rnn_relu, lstm, gru and their cells."""
