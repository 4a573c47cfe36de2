"""A generator and a discriminator, with labels as constant tensors and two Adams."""

import argparse

import numpy as np
import torch
import torch.nn as nn

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--b1", type=float, default=0.5)
parser.add_argument("--latent_dim", type=int, default=5)
opt = parser.parse_args([])
rng = np.random.default_rng(4)
img_shape = (1, 4, 4)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        size = int(np.prod(img_shape))
        self.model = nn.Sequential(
            *block(opt.latent_dim, 8, normalize=False), *block(8, 16), nn.Linear(16, size), nn.Tanh()
        )

    def forward(self, z):
        img = self.model(z)
        return img.view(img.size(0), *img_shape)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(int(np.prod(img_shape)), 16), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 1), nn.Sigmoid()
        )

    def forward(self, img):
        return self.model(img.view(img.size(0), -1))


adversarial_loss = torch.nn.BCELoss()
generator, discriminator = Generator(), Discriminator()
for net in (generator, discriminator):
    for p in net.parameters():
        p.data = torch.tensor(0.3 * rng.standard_normal(tuple(p.shape)), dtype=torch.float32)
optimizer_G = torch.optim.Adam(generator.parameters(), lr=opt.lr, betas=(opt.b1, 0.999))
optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=opt.lr, betas=(opt.b1, 0.999))
for i in range(10):
    real_imgs = torch.from_numpy(np.tanh(rng.normal(0.5, 0.3, (12, *img_shape)))).float()
    valid = torch.ones(real_imgs.size(0), 1, requires_grad=False)
    fake = torch.zeros(real_imgs.size(0), 1, requires_grad=False)
    optimizer_G.zero_grad()
    z = torch.from_numpy(rng.normal(0, 1, (real_imgs.shape[0], opt.latent_dim)).astype(np.float32))
    gen_imgs = generator(z)
    g_loss = adversarial_loss(discriminator(gen_imgs), valid)
    g_loss.backward()
    optimizer_G.step()
    optimizer_D.zero_grad()
    real_loss = adversarial_loss(discriminator(real_imgs), valid)
    fake_loss = adversarial_loss(discriminator(gen_imgs.detach()), fake)
    d_loss = (real_loss + fake_loss) / 2
    d_loss.backward()
    optimizer_D.step()
    print("[Batch %d] [D loss: %f] [G loss: %f]" % (i, d_loss.item(), g_loss.item()))
