"""Steps of further models of pictures and series: ResNets, EfficientNet, DCGAN, WGAN-GP, VQ-VAE, TCN, and others."""

from __future__ import annotations

from typing import Any

from networks import mlp

from .common import Step, classifying, joined, labels, numbers, training


def res_net(T: Any, blocks: int, bottleneck: bool, batch: int) -> Step:
    """He et al.'s for 32 pixels: three stages of `blocks` blocks."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int, stride: int) -> None:
            super().__init__()
            wide = b // 4
            sizes = [(a, wide, 1, 1), (wide, wide, 3, stride), (wide, b, 1, 1)] if bottleneck else [
                (a, b, 3, stride), (b, b, 3, 1)]  # fmt: skip
            self.convs = nn.ModuleList([nn.Conv2d(i, o, k, s, k // 2, bias=False) for i, o, k, s in sizes])
            self.norms = nn.ModuleList([nn.BatchNorm2d(o) for _, o, _, _ in sizes])
            self.short = nn.Sequential()
            if stride != 1 or a != b:
                self.short = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

        def forward(self, x: Any) -> Any:
            h = x
            for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                h = norm(conv(h))
                if i < len(self.convs) - 1:
                    h = F.relu(h)
            h += self.short(x)
            return F.relu(h)

    width = 64 if bottleneck else 16
    layers, a = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for stage in range(3):
        for i in range(blocks):
            layers.append(Block(a, width << stage, 2 if stage and not i else 1))
            a = width << stage
    layers += [nn.AvgPool2d(8), nn.Flatten(), nn.Linear(a, 10)]
    return classifying(T, nn.Sequential(*layers), numbers(T, batch, 3, 32, 32), 10, "SGD")


def efficient_net(T: Any) -> Step:
    """Inverted bottlenecks with squeeze and excitation, written for 32 pixels, batch of 8."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int, kernel: int, stride: int, expand: int) -> None:
            super().__init__()
            c = expand * a
            self.expand, self.same = expand, stride == 1 and a == b
            self.conv1, self.bn1 = nn.Conv2d(a, c, 1, bias=False), nn.BatchNorm2d(c)
            self.conv2 = nn.Conv2d(c, c, kernel, stride, kernel // 2, groups=c, bias=False)
            self.bn2, self.se1, self.se2 = nn.BatchNorm2d(c), nn.Conv2d(c, a // 4, 1), nn.Conv2d(a // 4, c, 1)
            self.conv3, self.bn3 = nn.Conv2d(c, b, 1, bias=False), nn.BatchNorm2d(b)

        def forward(self, x: Any) -> Any:
            h = x if self.expand == 1 else self.swish(self.bn1(self.conv1(x)))
            h = self.swish(self.bn2(self.conv2(h)))
            w = F.adaptive_avg_pool2d(h, (1, 1))
            w = self.se2(self.swish(self.se1(w))).sigmoid()
            h = self.bn3(self.conv3(h * w))
            return h + x if self.same else h

        def swish(self, x: Any) -> Any:
            return x * x.sigmoid()

    layers, a = [nn.Conv2d(3, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.SiLU()], 32
    for expand, b, count, stride, kernel in ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
                                             (6, 112, 3, 1, 5)):  # fmt: skip
        for i in range(count):
            layers.append(Block(a, b, kernel, 1 if i else stride, expand))
            a = b
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(a, 10)]
    return classifying(T, nn.Sequential(*layers), numbers(T, 8, 3, 32, 32), 10, "SGD")


def dcgan(T: Any) -> Step:
    """Transposed convolutions against convolutions, 32 pixels."""
    nn = T.nn
    generator = nn.Sequential(
        nn.ConvTranspose2d(32, 64, 4, 1, 0, bias=False), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
        nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
        nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    critic = nn.Sequential(
        nn.Conv2d(3, 16, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(64, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
    )  # fmt: skip
    real, criterion = numbers(T, 16, 3, 32, 32).tanh(), nn.BCELoss()
    first, second = (T.optim.Adam(m.parameters(), lr=2e-4, betas=(0.5, 0.999)) for m in (critic, generator))

    def run() -> None:
        critic.zero_grad()
        label = T.full((16,), 1.0)
        criterion(critic(real).view(-1), label).backward()
        fake = generator(T.randn(16, 32, 1, 1))
        label.fill_(0.0)
        criterion(critic(fake.detach()).view(-1), label).backward()
        first.step()
        generator.zero_grad()
        label.fill_(1.0)
        criterion(critic(fake).view(-1), label).backward()
        second.step()

    return run


def wgan_gp(T: Any) -> Step:
    """A critic whose gradient in its input is held near 1."""
    generator, critic = mlp(T, [16, 64, 128, 196], "LeakyReLU"), mlp(T, [196, 128, 64, 1], "LeakyReLU")
    real, optimizer = numbers(T, 64, 196), T.optim.Adam(critic.parameters(), lr=2e-4)

    def run() -> None:
        optimizer.zero_grad()
        fake = generator(T.randn(64, 16)).detach()
        alpha = T.rand(64, 1)
        mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
        found = critic(mixed)
        (g,) = T.autograd.grad(
            outputs=found, inputs=mixed, grad_outputs=T.ones(64, 1), create_graph=True, retain_graph=True,
            only_inputs=True,
        )  # fmt: skip
        penalty = ((g.view(64, -1).norm(2, dim=1) - 1) ** 2).mean()
        (-T.mean(critic(real)) + T.mean(critic(fake)) + 10 * penalty).backward()
        optimizer.step()

    return run


def vq_vae(T: Any) -> Step:
    """Codes of 64 for 8 x 8 places, pictures of 32."""
    nn, F = T.nn, T.nn.functional
    model = joined(
        T, encode=nn.Sequential(nn.Conv2d(3, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1)),
        codes=nn.Embedding(64, 32),
        decode=nn.Sequential(nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 2, 1)),
    )  # fmt: skip
    x = numbers(T, 8, 3, 32, 32)

    def loss(model: Any) -> Any:
        z = model.encode(x).permute(0, 2, 3, 1).contiguous()
        flat, codes = z.view(-1, 32), model.codes.weight
        far = T.sum(flat**2, dim=1, keepdim=True) + T.sum(codes**2, dim=1) - 2 * T.matmul(flat, codes.t())
        chosen = T.argmin(far, dim=1).unsqueeze(1)
        one_hot = T.zeros(chosen.shape[0], 64)
        one_hot.scatter_(1, chosen, 1)
        q = T.matmul(one_hot, codes).view(z.shape)
        both = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(q.detach(), z)
        q = z + (q - z).detach()
        return F.mse_loss(model.decode(q.permute(0, 3, 1, 2).contiguous()), x) + both

    return training(T, model, loss)


def tcn(T: Any) -> Step:
    """Causal dilated convolutions with weight norm, 100 steps."""
    nn = T.nn
    norm = T.nn.utils.parametrizations.weight_norm

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int, dilation: int) -> None:
            super().__init__()
            self.cut = 4 * dilation
            self.conv1 = norm(nn.Conv1d(a, b, 5, padding=self.cut, dilation=dilation))
            self.conv2 = norm(nn.Conv1d(b, b, 5, padding=self.cut, dilation=dilation))
            self.short = nn.Conv1d(a, b, 1) if a != b else None
            self.relu, self.drop = nn.ReLU(), nn.Dropout(0.2)

        def forward(self, x: Any) -> Any:
            h = self.drop(self.relu(self.conv1(x)[:, :, : -self.cut].contiguous()))
            h = self.drop(self.relu(self.conv2(h)[:, :, : -self.cut].contiguous()))
            return self.relu(h + (x if self.short is None else self.short(x)))

    body = nn.Sequential(Block(2, 24, 1), Block(24, 24, 2), Block(24, 24, 4), Block(24, 24, 8))
    model, x, y = joined(T, body=body, out=nn.Linear(24, 1)), numbers(T, 16, 2, 100), numbers(T, 16, 1)
    return training(T, model, lambda m: nn.functional.mse_loss(m.out(m.body(x)[:, :, -1]), y))


def super_resolution(T: Any) -> Step:
    """Convolutions and a pixel shuffle, 24 to 72 pixels."""
    nn, x, y = T.nn, numbers(T, 4, 1, 24, 24), numbers(T, 4, 1, 72, 72)
    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, 1, 2),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(32, 16, 3, 1, 1),
        nn.ReLU(),
        nn.Conv2d(16, 9, 3, 1, 1),
        nn.PixelShuffle(3),
    )
    return training(T, model, lambda model: nn.functional.mse_loss(model(x), y))


def style(T: Any) -> Step:
    """An image that takes another one's Gram matrices, 48 pixels."""
    nn, F = T.nn, T.nn.functional
    layers = [nn.Conv2d(3, 16, 3, 1, 1), nn.Conv2d(16, 32, 3, 1, 1), nn.Conv2d(32, 32, 3, 1, 1)]
    for layer in layers:
        layer.requires_grad_(False)

    def grams(x: Any) -> list[Any]:
        found = []
        for i, layer in enumerate(layers):
            x = F.relu(layer(F.max_pool2d(x, 2) if i else x))
            a, b, c, d = x.size()
            flat = x.view(a * b, c * d)
            found.append(T.mm(flat, flat.t()).div(a * b * c * d))
        return found

    goals = [g.detach() for g in grams(numbers(T, 1, 3, 48, 48).sin())]
    model = joined(T)
    model.image = nn.Parameter(numbers(T, 1, 3, 48, 48))
    return training(T, model, lambda m: sum(1e3 * F.mse_loss(g, t) for g, t in zip(grams(m.image.clamp(0, 1)), goals)))


def contrastive(T: Any) -> Step:
    """Two views of 32 pictures by a small CNN, SimCLR's loss."""
    nn, F = T.nn, T.nn.functional
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 32),
    )
    x = numbers(T, 64, 3, 24, 24)

    def loss(model: Any) -> Any:
        z = F.normalize(model(x), dim=1)
        alike = T.matmul(z, z.T)
        same = T.cat([T.arange(32) for _ in range(2)], dim=0)
        same = (same.unsqueeze(0) == same.unsqueeze(1)).float()
        own = T.eye(64, dtype=T.bool)
        same, alike = same[~own].view(64, -1), alike[~own].view(64, -1)
        logits = T.cat([alike[same.bool()].view(64, -1), alike[~same.bool()].view(64, -1)], dim=1) / 0.07
        return F.cross_entropy(logits, T.zeros(64, dtype=T.long))

    return training(T, model, loss)


def diffusion(T: Any) -> Step:
    """Noise predicted by a small U-Net with embedded time and attention, 16 pixels."""
    nn, F = T.nn, T.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, a: int, b: int) -> None:
            super().__init__()
            self.time, self.conv1, self.conv2 = nn.Linear(32, b), nn.Conv2d(a, b, 3, 1, 1), nn.Conv2d(b, b, 3, 1, 1)
            self.norm1, self.norm2, self.short = nn.GroupNorm(4, b), nn.GroupNorm(4, b), nn.Conv2d(a, b, 1)

        def forward(self, x: Any, t: Any) -> Any:
            h = F.silu(self.norm1(self.conv1(x))) + self.time(t)[:, :, None, None]
            return F.silu(self.norm2(self.conv2(h))) + self.short(x)

    model = joined(
        T, time=nn.Sequential(nn.Linear(32, 32), nn.SiLU()), first=Block(3, 16), down=nn.Conv2d(16, 16, 4, 2, 1),
        middle=Block(16, 32), attention=nn.MultiheadAttention(32, 4, batch_first=True),
        up=nn.ConvTranspose2d(32, 16, 4, 2, 1), last=Block(32, 16), out=nn.Conv2d(16, 3, 1),
    )  # fmt: skip
    x, t = numbers(T, 8, 3, 16, 16), labels(T, 100, 8)
    betas = T.linspace(1e-4, 0.02, 100)
    kept = T.cumprod(1.0 - betas, dim=0)

    def loss(model: Any) -> Any:
        noise = T.randn_like(x)
        noisy = kept[t].sqrt()[:, None, None, None] * x + (1 - kept[t]).sqrt()[:, None, None, None] * noise
        rates = T.exp(T.arange(16) * -0.6)
        angles = t[:, None].float() * rates[None, :]
        time = model.time(T.cat((angles.sin(), angles.cos()), dim=-1))
        a = model.first(noisy, time)
        b = model.middle(model.down(a), time)
        flat = b.flatten(2).transpose(1, 2)
        b = b + model.attention(flat, flat, flat)[0].transpose(1, 2).view_as(b)
        return F.mse_loss(model.out(model.last(T.cat([model.up(b), a], dim=1), time)), noise)

    return training(T, model, loss)
