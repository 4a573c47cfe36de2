"""MultiheadAttention, TransformerEncoder, TransformerDecoder, Transformer."""
