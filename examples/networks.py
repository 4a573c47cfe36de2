"""`gpt`: a small GPT, for any library that has PyTorch's names."""

from __future__ import annotations

from typing import Any


def gpt(T: Any, vocabulary: int = 65, width: int = 128, depth: int = 2, heads: int = 4, context: int = 64) -> Any:
    """A small GPT: causal attention, layer norm before, GELU."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x: Any) -> Any:
            n, t, c = x.shape
            q, k, v = self.qkv(self.before(x)).split(c, dim=2)  # (N, T, C) each
            q, k, v = (y.view(n, t, heads, c // heads).transpose(1, 2) for y in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(n, t, c))
            return x + self.down(F.gelu(self.up(self.after(x))))

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block() for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, i: Any) -> Any:
            x = self.tokens(i) + self.places(T.arange(i.shape[1]))
            return self.head(self.norm(self.blocks(x))).reshape(-1, vocabulary)

    return GPT()
