"""`mlp`, `block`, `gpt`: networks that several benchmarks train, for any library `T` that has PyTorch's names."""

from __future__ import annotations

from typing import Any


def mlp(T: Any, sizes: list[int], activation: str = "ReLU") -> Any:
    """Linear layers with an activation between them."""
    layers: list[Any] = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [T.nn.Linear(a, b), getattr(T.nn, activation)()]
    return T.nn.Sequential(*layers[:-1])


def block(T: Any) -> Any:
    """The class of a transformer's blocks."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        """Attention and two layers with GELU, with layer norm before each, or after."""

        def __init__(self, width: int, heads: int, causal: bool = False, after: bool = False) -> None:
            super().__init__()
            self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
            self.heads, self.causal, self.after = heads, causal, after

        def attend(self, x: Any) -> Any:
            n, t, c = x.shape
            q, k, v = self.qkv(x).split(c, dim=2)  # (N, T, C) each
            q, k, v = (y.view(n, t, self.heads, c // self.heads).transpose(1, 2) for y in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
            return self.out(y.transpose(1, 2).reshape(n, t, c))

        def forward(self, x: Any) -> Any:
            if self.after:
                x = self.first(x + self.attend(x))
                return self.second(x + self.down(F.gelu(self.up(x))))
            x = x + self.attend(self.first(x))
            return x + self.down(F.gelu(self.up(self.second(x))))

    return Block


def gpt(T: Any, vocabulary: int = 65, width: int = 128, depth: int = 2, heads: int = 4, context: int = 64) -> Any:
    """A small GPT, whose logits are of shape (N * T, vocabulary)."""
    nn, Block = T.nn, block(T)

    class GPT(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
            self.blocks = nn.Sequential(*[Block(width, heads, causal=True) for _ in range(depth)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, i: Any) -> Any:
            x = self.tokens(i) + self.places(T.arange(i.shape[1]))
            return self.head(self.norm(self.blocks(x))).reshape(-1, vocabulary)

    return GPT()
