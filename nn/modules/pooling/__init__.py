"""MaxPool, AvgPool, LPPool, adaptive and fractional pools, MaxUnpool."""
