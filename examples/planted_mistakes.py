"""Twenty-eight training loops with one mistake each, and what `tg.lint` must say of them.

The line that it must name has the comment `# here`. `benchmark_checks.py` runs the table.
"""

from __future__ import annotations

import numpy as np

import tinygrad_lite as tg
from tinygrad_lite import nn, optim
from tinygrad_lite.nn import functional as F
from tinygrad_lite.utils.data import DataLoader, TensorDataset


def points(n: int = 64, features: int = 4):
    """Points, and whether their first two coordinates have the same sign."""
    x = tg.randn(n, features)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def network(inputs: int = 4, outputs: int = 2, hidden: int = 16) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


def train(model, optimizer, loss=F.cross_entropy, batch=points, steps: int = 4):
    """Some steps as they should be."""
    for _ in range(steps):
        x, t = batch()
        optimizer.zero_grad()
        loss(model(x), t).backward()
        optimizer.step()


def watched(model, optimizer):
    return tg.lint(model, optimizer, warn=False)


def gradients_accumulate():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        for _ in range(3):
            x, t = points()
            F.cross_entropy(model(x), t).backward()  # here
            sgd.step()
    return report


def step_without_backward():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        F.cross_entropy(model(x), t).backward()
        for _ in range(3):
            sgd.step()  # here
    return report


def step_without_gradients():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        F.cross_entropy(model(x), t).backward()
        sgd.zero_grad()
        sgd.step()  # here
    return report


def backward_in_evaluation_mode():
    model = nn.Sequential(network(), nn.Dropout(0.1))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    model.eval()
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.cross_entropy(model(x), t)
        loss.backward()  # here
        sgd.step()
    return report


def evaluation_in_training_mode():
    model = nn.Sequential(nn.BatchNorm1d(4), network())
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        train(model, sgd)
        with tg.no_grad():
            model(points()[0])  # here
    return report


def parameters_without_optimizer():
    model = network()
    sgd = optim.SGD(model[0].parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        F.cross_entropy(model(x), t).backward()
        sgd.step()  # here
    return report


def parameters_of_another_model():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    model[2] = nn.Linear(16, 2)  # a new head
    with watched(model, sgd) as report:
        x, t = points()
        F.cross_entropy(model(x), t).backward()
        sgd.step()  # here
    return report


class Branches(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.first, self.second, self.how = nn.Linear(4, 2), nn.Linear(4, 2), forward

    def forward(self, x):
        return self.how(self, x)


def no_gradient():
    model = Branches(lambda self, x: self.first(x) + self.second(x).detach())
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        train(model, sgd)
    return report


def gradient_of_zero():
    model = Branches(lambda self, x: self.first(x) + 0 * self.second(x))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        train(model, sgd)
    return report


def graph_of_a_former_step():
    model = nn.Linear(4, 2)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    smooth = tg.zeros(())
    with watched(model, sgd) as report:
        for _ in range(3):
            x, t = points()
            smooth = 0.9 * smooth + 0.1 * F.cross_entropy(model(x), t)  # here
            sgd.zero_grad()
            smooth.backward(retain_graph=True)
            sgd.step()
    return report


def equal_units():
    model = network(outputs=1)
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        F.mse_loss(model(x)[:, 0], t.float()).backward()
        sgd.step()  # here
    return report


def activation_in_front_of_the_loss():
    model = nn.Sequential(network(), nn.Softmax(dim=1))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.cross_entropy(model(x), t)  # here
        loss.backward()
        sgd.step()
    return report


def relu_behind_the_last_layer():
    model = nn.Sequential(network(), nn.ReLU())
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.cross_entropy(model(x), t)  # here
        loss.backward()
        sgd.step()
    return report


def probabilities_where_logs_are_expected():
    model = nn.Sequential(network(), nn.Softmax(dim=1))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.nll_loss(model(x), t)  # here
        loss.backward()
        sgd.step()
    return report


def shapes_that_only_broadcast():
    model = network(outputs=1)
    sgd = optim.SGD(model.parameters(), lr=0.01)
    with watched(model, sgd) as report:
        x, t = points()
        loss = ((model(x) - t.float()) ** 2).mean()  # here
        loss.backward()
        sgd.step()
    return report


def targets_outside():
    model = network(outputs=1)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.binary_cross_entropy_with_logits(model(x)[:, 0], 2.0 * t - 1)  # here
        loss.backward()
        sgd.step()
    return report


def all_targets_ignored():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        loss = F.cross_entropy(model(x), t * 0, ignore_index=0, reduction="sum")  # here
        loss.backward()
        sgd.step()
    return report


def one_class_in_each_batch():
    x, t = points(256)
    order = t.argsort()
    loader = DataLoader(TensorDataset(x[order], t[order]), batch_size=32)
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        for x, t in list(loader)[::3]:
            sgd.zero_grad()
            loss = F.cross_entropy(model(x), t)  # here
            loss.backward()
            sgd.step()
    return report


def batches_in_the_same_order():
    loader = DataLoader(TensorDataset(*points(96)), batch_size=32)  # shuffle is missing
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        for _ in range(2):
            for x, t in loader:
                sgd.zero_grad()
                F.cross_entropy(model(x), t).backward()  # here
                sgd.step()
    return report


def the_same_batch_again():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        for _ in range(3):
            x, t = points()
            for _ in range(2):
                sgd.zero_grad()
                F.cross_entropy(model(x), t).backward()  # here
                sgd.step()
    return report


def repeated_samples():
    data, labels = points()
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        index = tg.randint(4, (32,))  # of 64
        F.cross_entropy(model(data[index]), labels[index]).backward()  # here
        sgd.step()
    return report


def inputs_of_large_scale():
    model = network(64, 10)
    sgd = optim.SGD(model.parameters(), lr=1e-4)
    with watched(model, sgd) as report:
        pixels = tg.randint(256, (32, 64)).float()
        F.cross_entropy(model(pixels), tg.randint(10, (32,))).backward()  # here
        sgd.step()
    return report


def inputs_that_are_not_finite():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        x[3, 1] = float("nan")
        F.cross_entropy(model(x), t).backward()  # here
        sgd.step()
    return report


def float64():
    weights = tg.tensor(np.array([0.7, 1.3]))  # NumPy's default
    model = network()
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        scores = model(x) * weights  # here
        F.cross_entropy(scores, t).backward()
        sgd.step()
    return report


def dead_units():
    model = network()
    nn.init.constant_(model[0].bias, -20.0)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        for _ in range(3):
            x, t = points()
            sgd.zero_grad()
            F.cross_entropy(model(x), t).backward()  # here
            sgd.step()
    return report


def vanishing_gradients():
    layers = [layer for _ in range(12) for layer in (nn.Linear(4, 4), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(4, 2))
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with watched(model, sgd) as report:
        x, t = points()
        F.cross_entropy(model(x), t).backward()
        sgd.step()  # here
    return report


def exploding_gradients():
    layers = [layer for _ in range(12) for layer in (nn.Linear(64, 64), nn.ReLU())]
    model = nn.Sequential(nn.Linear(4, 64), *layers, nn.Linear(64, 1))
    for p in model.parameters():
        nn.init.normal_(p)
    sgd = optim.SGD(model.parameters(), lr=1e-30)
    with watched(model, sgd) as report:
        x, t = points()
        F.mse_loss(model(x)[:, 0], t.float()).backward()
        sgd.step()  # here
    return report


def learning_rate_too_large():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=100)
    with watched(model, sgd) as report:
        train(model, sgd)
    return report


def learning_rate_too_small():
    model = network()
    sgd = optim.SGD(model.parameters(), lr=1e-9)
    with watched(model, sgd) as report:
        train(model, sgd)
    return report


MISTAKES = {  # by kind; a second loop with a mistake of the same kind is `relu_behind_the_last_layer`
    "gradients accumulate": gradients_accumulate,
    "step without backward": step_without_backward,
    "step without gradients": step_without_gradients,
    "backward in evaluation mode": backward_in_evaluation_mode,
    "evaluation in training mode": evaluation_in_training_mode,
    "parameters without optimizer": parameters_without_optimizer,
    "parameters of another model": parameters_of_another_model,
    "no gradient": no_gradient,
    "gradient of zero": gradient_of_zero,
    "graph of a former step": graph_of_a_former_step,
    "equal units": equal_units,
    "activation in front of the loss": activation_in_front_of_the_loss,
    "probabilities where logs are expected": probabilities_where_logs_are_expected,
    "shapes that only broadcast": shapes_that_only_broadcast,
    "targets outside of [0, 1]": targets_outside,
    "all targets ignored": all_targets_ignored,
    "one class in each batch": one_class_in_each_batch,
    "batches in the same order": batches_in_the_same_order,
    "the same batch again": the_same_batch_again,
    "repeated samples": repeated_samples,
    "inputs of large scale": inputs_of_large_scale,
    "inputs that are not finite": inputs_that_are_not_finite,
    "float64": float64,
    "dead units": dead_units,
    "vanishing gradients": vanishing_gradients,
    "exploding gradients": exploding_gradients,
    "learning rate too large": learning_rate_too_large,
    "learning rate too small": learning_rate_too_small,
}
