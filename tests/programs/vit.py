"""A vision transformer on patches cut by unfold, with a class token and einsum attention."""

import numpy as np
import torch
from torch import einsum, nn

rng = np.random.default_rng(7)


def pair(t):
    return t if isinstance(t, tuple) else (t, t)


class Attention(nn.Module):
    def __init__(self, dim, heads=2, dim_head=4):
        super().__init__()
        self.heads, self.scale = heads, dim_head**-0.5
        self.norm = nn.LayerNorm(dim)
        self.attend = nn.Softmax(dim=-1)
        self.to_qkv = nn.Linear(dim, heads * dim_head * 3, bias=False)
        self.to_out = nn.Sequential(nn.Linear(heads * dim_head, dim), nn.Dropout(0.0))

    def forward(self, x):
        b, n, _ = x.shape
        q, k, v = (
            t.reshape(b, n, self.heads, -1).permute(0, 2, 1, 3) for t in self.to_qkv(self.norm(x)).chunk(3, dim=-1)
        )
        attn = self.attend(einsum("b h i d, b h j d -> b h i j", q, k) * self.scale)
        out = einsum("b h i j, b h j d -> b h i d", attn, v)
        return self.to_out(out.permute(0, 2, 1, 3).flatten(2))


class ViT(nn.Module):
    def __init__(self, image_size=8, patch_size=4, dim=12, depth=2, classes=3):
        super().__init__()
        (h, w), (self.ph, self.pw) = pair(image_size), pair(patch_size)
        patches = (h // self.ph) * (w // self.pw)
        self.embed = nn.Sequential(
            nn.LayerNorm(3 * self.ph * self.pw), nn.Linear(3 * self.ph * self.pw, dim), nn.LayerNorm(dim)
        )
        self.pos_embedding = nn.Parameter(torch.zeros(1, patches + 1, dim))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.layers = nn.ModuleList([])
        for _ in range(depth):
            ff = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 24), nn.GELU(), nn.Linear(24, dim))
            self.layers.append(nn.ModuleList([Attention(dim), ff]))
        self.mlp_head = nn.Linear(dim, classes)

    def forward(self, img):
        p = img.unfold(2, self.ph, self.ph).unfold(3, self.pw, self.pw)  # b c h w p1 p2
        x = self.embed(p.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2))
        x = torch.cat((self.cls_token.expand(img.shape[0], -1, -1), x), dim=1)
        x += self.pos_embedding[:, : x.shape[1]]
        for attn, ff in self.layers:
            x = attn(x) + x
            x = ff(x) + x
        return self.mlp_head(x[:, 0])


model = ViT()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.from_numpy(0.3 * rng.standard_normal(tuple(p.shape))))
optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.7)
for _ in range(10):
    img = torch.tensor(rng.standard_normal((5, 3, 8, 8)), dtype=torch.float)
    label = torch.tensor(rng.integers(0, 3, 5))
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)(model(img), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(f"{loss:.6f}")
