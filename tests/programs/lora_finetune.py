"""Low-rank adaptation: a frozen network and small products beside its layers; mixed precision's lines, DDP's, logs."""

import copy
import math
import os
import tempfile
from contextlib import nullcontext

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel as DDP

ddp = int(os.environ.get("RANK", -1)) != -1
device_type = "cuda" if torch.cuda.is_available() else "cpu"
ctx = nullcontext() if device_type == "cpu" else torch.amp.autocast(device_type=device_type, dtype=torch.float16)
scaler = torch.amp.GradScaler(device_type, enabled=device_type == "cuda")
torch.backends.cuda.matmul.allow_tf32 = True
rng = np.random.default_rng(54)


class LoRALinear(nn.Linear):
    def __init__(self, in_features, out_features, r=2, alpha=4, merge_weights=True, **kwargs):
        nn.Linear.__init__(self, in_features, out_features, **kwargs)
        self.r, self.scaling, self.merged, self.merge_weights = r, alpha / r, False, merge_weights
        self.lora_A = nn.Parameter(self.weight.new_zeros((r, in_features)))
        self.lora_B = nn.Parameter(self.weight.new_zeros((out_features, r)))
        self.weight.requires_grad = False

    def train(self, mode: bool = True):
        nn.Linear.train(self, mode)
        if self.merge_weights and self.merged == mode:
            self.weight.data += (-1 if mode else 1) * (self.lora_B @ self.lora_A).data * self.scaling
            self.merged = not mode
        return self

    def forward(self, x: torch.Tensor):
        result = F.linear(x, self.weight, bias=self.bias)
        if not self.merged:
            result = result + (x @ self.lora_A.transpose(0, 1) @ self.lora_B.transpose(0, 1)) * self.scaling
        return result


def mark_only_lora_as_trainable(model: nn.Module) -> None:
    for n, p in model.named_parameters():
        p.requires_grad = "lora_" in n


model = nn.Sequential(LoRALinear(8, 16), nn.GELU(approximate="tanh"), nn.LayerNorm(16), LoRALinear(16, 4))
for n, p in model.named_parameters():
    if not n.startswith("2.") and "lora_B" not in n:
        p.data.copy_(torch.from_numpy(rng.normal(0, 1 / math.sqrt(p.shape[-1]), p.shape)))
mark_only_lora_as_trainable(model)
frozen = copy.deepcopy({n: p for n, p in model.state_dict().items() if "lora_" not in n})
model = torch.compile(model) if False else model
if ddp:
    model = DDP(model, device_ids=[0])
raw_model = model.module if ddp else model
trainable = [p for p in raw_model.parameters() if p.requires_grad]
print(f"trainable params: {sum(p.numel() for p in trainable)} || all: {sum(p.numel() for p in model.parameters())}")
optimizer = torch.optim.AdamW(
    [{"params": [p], "weight_decay": 0.0 if p.dim() < 2 else 0.01} for p in trainable], lr=5e-2, fused=False
)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 3))
x, y = torch.from_numpy(rng.normal(0, 1, (40, 8))).float(), torch.from_numpy(rng.integers(0, 4, 40))
accumulate = 2
for step in range(10):
    for micro, (xb, yb) in enumerate(zip(x.chunk(accumulate), y.chunk(accumulate))):
        with model.no_sync() if ddp and micro < accumulate - 1 else nullcontext(), ctx:
            loss = F.cross_entropy(model(xb), yb) / accumulate
        scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    total_norm = torch.nn.utils.clip_grad_norm_(trainable, 1.0)
    scaler.step(optimizer)
    scaler.update()
    optimizer.zero_grad(set_to_none=True)
    scheduler.step()
    lossf, lr = loss.item() * accumulate, scheduler.get_last_lr()[0]
    print(f"step {step}: loss {lossf:.6f}, norm {total_norm:.5f}, lr {lr:.4f}")
before = model(x).detach()
model.eval()
print(f"merged {torch.allclose(before, model(x), atol=1e-4)} {(before - model(x)).abs().max().item() < 1e-4}")
model.train()
changed = [n for n, p in raw_model.state_dict().items() if n in frozen and not torch.allclose(p, frozen[n], atol=1e-5)]
print(f"frozen weights that changed: {len(changed)}")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "lora.pt")
    torch.save({n: p for n, p in raw_model.state_dict().items() if "lora_" in n}, path)
    keys = raw_model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=False)
    print(f"missing {len(keys.missing_keys)}, unexpected {len(keys.unexpected_keys)}")
