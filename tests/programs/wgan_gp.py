"""A Wasserstein GAN with a gradient penalty, whose gradient is differentiated again."""

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn

rng = np.random.default_rng(5)


def filled(module):
    for p in module.parameters():
        p.data.copy_(torch.tensor(0.4 * rng.standard_normal(tuple(p.shape))))
    return module


generator = filled(nn.Sequential(nn.Linear(3, 12), nn.LeakyReLU(0.2), nn.Linear(12, 6)))
critic = filled(nn.Sequential(nn.Linear(6, 12), nn.LeakyReLU(0.2), nn.Linear(12, 12), nn.Softplus(), nn.Linear(12, 1)))


def compute_gradient_penalty(D, real_samples, fake_samples):
    alpha = torch.tensor(rng.random((real_samples.size(0), 1)), dtype=torch.float32)
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


opt_G = torch.optim.Adam(generator.parameters(), lr=1e-2, betas=(0.5, 0.9))
opt_D = torch.optim.RMSprop(critic.parameters(), lr=1e-2)
for step in range(10):
    real = torch.from_numpy(rng.normal(1.0, 0.5, (8, 6)).astype("float32"))
    z = torch.from_numpy(rng.normal(size=(8, 3)).astype("float32"))
    fake = generator(z).detach()
    opt_D.zero_grad()
    d_loss = -critic(real).mean() + critic(fake).mean() + 10 * compute_gradient_penalty(critic, real.data, fake.data)
    d_loss.backward()
    opt_D.step()
    if step % 2 == 0:
        opt_G.zero_grad()
        g_loss = -torch.mean(critic(generator(z)))
        g_loss.backward()
        opt_G.step()
    print(f"{step} {d_loss.item():.5f} {g_loss.item():.5f}")
