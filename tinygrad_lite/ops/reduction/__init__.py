"""sum, max, softmax, sort, quantile, cumsum, unique: operations along dimensions."""
