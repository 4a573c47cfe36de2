"""Vector quantization with a straight-through estimator and a codebook that follows moving averages."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.default_rng(19)


def filled(module):
    for p in module.parameters():
        p.data.copy_(torch.from_numpy(0.3 * rng.standard_normal(tuple(p.shape))))
    return module


class VectorQuantizerEMA(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost, decay, epsilon=1e-5):
        super().__init__()
        self._n, self._d = num_embeddings, embedding_dim
        self._embedding = nn.Embedding(num_embeddings, embedding_dim)
        self._embedding.weight.data.copy_(torch.from_numpy(rng.standard_normal((num_embeddings, embedding_dim))))
        self.register_buffer("_ema_cluster_size", torch.zeros(num_embeddings))
        self._ema_w = nn.Parameter(self._embedding.weight.detach().clone())
        self._cost, self._decay, self._eps = commitment_cost, decay, epsilon

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        flat = inputs.view(-1, self._d)
        distances = (
            torch.sum(flat**2, dim=1, keepdim=True)
            + torch.sum(self._embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat, self._embedding.weight.t())
        )
        idx = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(idx.shape[0], self._n, device=inputs.device)
        encodings.scatter_(1, idx, 1)
        quantized = torch.matmul(encodings, self._embedding.weight).view(inputs.shape)
        if self.training:
            self._ema_cluster_size = self._ema_cluster_size * self._decay + (1 - self._decay) * torch.sum(encodings, 0)
            n = torch.sum(self._ema_cluster_size.data)
            self._ema_cluster_size = (self._ema_cluster_size + self._eps) / (n + self._n * self._eps) * n
            self._ema_w = nn.Parameter(
                self._ema_w * self._decay + (1 - self._decay) * torch.matmul(encodings.t(), flat)
            )
            self._embedding.weight = nn.Parameter(self._ema_w / self._ema_cluster_size.unsqueeze(1))
        loss = self._cost * F.mse_loss(quantized.detach(), inputs)
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity


encoder = filled(nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.ReLU(), nn.Conv2d(4, 3, 1)))
decoder = filled(nn.Sequential(nn.ConvTranspose2d(3, 4, 4, 2, 1), nn.ReLU(True), nn.Conv2d(4, 1, 3, padding=1)))
vq = VectorQuantizerEMA(6, 3, 0.25, 0.9)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2, amsgrad=False)
for i in range(10):
    data = torch.from_numpy(rng.random((4, 1, 8, 8), dtype=np.float32))
    optimizer.zero_grad()
    vq_loss, quantized, perplexity = vq(encoder(data))
    recon_error = F.mse_loss(decoder(quantized), data) / 0.08
    (recon_error + vq_loss).backward()
    optimizer.step()
    print("%d recon_error: %.5f perplexity: %.4f" % (i + 1, recon_error.item(), perplexity.item()))
