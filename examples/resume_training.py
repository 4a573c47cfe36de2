"""Train on digits in a run that may be stopped at any step and goes on to the last bit, with all that loops need.

Start it, press Ctrl-C or kill it, start it again: it goes on where it was, in the middle of an epoch, and ends with the
weights of a run that nobody stopped. `--stop-after 100` stops it by itself. A learning rate is looked for at first; the
best weights by the held-out digits are kept, and training ends when these no longer get better. Parts of a batch that
is too large for memory give its exact gradient. At last one step is profiled: see `out/resume_training.trace.json` in
https://ui.perfetto.dev.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import command_line, extra
from data import load_mnist

import tinygrad_lite as tg
from tinygrad_lite import nn, optim, training
from tinygrad_lite.optim import swa_utils
from tinygrad_lite.profiler import profile
from tinygrad_lite.utils.data import DataLoader, TensorDataset

F = nn.functional


def network() -> nn.Module:
    return nn.Sequential(
        nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 10),
    )  # fmt: skip


def main(
    steps: int = 2000, seed: int = 0, out: str = "out", data: str | None = None, batch_size: int = 128, parts: int = 2,
    workers: int = 2, every: int = 20, patience: int = 20, stop_after: int = 0,
) -> dict:  # fmt: skip
    training.seed_everything(seed)
    (x_train, t_train), (x_test, t_test) = load_mnist(folder=data)
    model = network()
    print(nn.summary(model, input_size=(batch_size, 784)))
    adam = optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x_train, t_train), batch_size=batch_size, shuffle=True, num_workers=workers)
    found = training.find_lr(model, adam, lambda batch: F.cross_entropy(model(batch[0]), batch[1]), loader, end=1.0)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    extra("matplotlib")
    found.plot(folder / "resume_training.png")
    print(f"the loss falls most steeply with a learning rate of {found.suggestion:.1e}")

    schedule = optim.lr_scheduler.OneCycleLR(adam, max_lr=found.suggestion, total_steps=steps + 1)
    average = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.98))
    stopping, loss = training.EarlyStopping(patience=patience, mode="max"), training.Mean()
    checkpoint = training.Checkpoint(
        folder / "resume_training", model=model, optimizer=adam, scheduler=schedule, loader=loader, ema=average,
        stopping=stopping, loss=loss, every=every, best="max",
    )  # fmt: skip
    begun = checkpoint.resume()
    print(f"goes on after step {begun}" if begun else "begins")

    def step(x, t) -> None:
        with training.accumulate(model) as gradient:
            for x_part, t_part in zip(x.chunk(parts), t.chunk(parts)):
                gradient.backward(F.cross_entropy(model(x_part), t_part), rows=len(t_part))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        loss.update(gradient.loss, gradient.rows)

    def held_out() -> tuple[float, float]:
        accuracy, f1 = training.Accuracy(), training.F1(10)
        average.eval()
        with tg.no_grad():
            scores = average(tg.tensor(x_test))
        accuracy.update(scores, t_test)
        f1.update(scores, t_test)
        return accuracy.compute(), f1.compute()

    last = min(steps, begun + stop_after) if stop_after else steps

    def ended() -> bool:
        return checkpoint.step >= last or stopping.bad >= patience

    for epoch in checkpoint.epochs(0 if ended() else steps):
        line = training.progress(loader, f"epoch {epoch}", leave=False, disable=None)
        for x, t in line:
            step(x, t)
            schedule.step()
            average.update_parameters(model)
            score = None
            if (checkpoint.step + 1) % every == 0:
                score = held_out()[0]
                stopping(score)
                line.set(loss=loss.compute(), lr=schedule.get_last_lr()[0], accuracy=score)
                loss.reset()
            checkpoint.after_step(score)
            if ended():
                break
        if ended():
            break
    checkpoint.save()
    checkpoint.wait()

    finished = checkpoint.step >= steps or stopping.bad >= patience
    weights = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    if finished:
        checkpoint.resume(best=True)
    accuracy, f1 = held_out()
    if finished:
        print(f"best at step {checkpoint.step}: accuracy {accuracy:.2%}, F1 {f1:.4f} on held-out digits")
    else:
        print(f"stopped after step {checkpoint.step}; start again to go on")
    model.train()
    with profile() as profiled:
        step(*(tg.tensor(part[:batch_size]) for part in (x_train, t_train)))
    profiled.export_chrome_trace(folder / "resume_training.trace.json")
    print(profiled.key_averages().table(row_limit=8))
    return {"accuracy": accuracy, "f1": f1, "weights": weights, "begun": begun, "finished": finished}


if __name__ == "__main__":
    command_line(main)
