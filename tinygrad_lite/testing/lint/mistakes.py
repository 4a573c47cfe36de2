"""`Mistake`, `LintReport`, `LintWarning`, and ADVICE: what to do about each kind."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ADVICE", "LintReport", "LintWarning", "Mistake"]

ADVICE = {
    "gradients accumulate": "call zero_grad() before each backward()",
    "step without backward": "call backward() before each step()",
    "step without gradients": "zero_grad() belongs in front of backward(), not behind it",
    "backward in evaluation mode": "call model.train() before training, and after each evaluation",
    "evaluation in training mode": "call model.eval() before, and model.train() after it",
    "parameters without optimizer": "give them to the optimizer, or set requires_grad to False",
    "parameters of another model": "make the optimizer after the last change of the model",
    "no gradient": "use them in the forward pass, look for detach(), no_grad() or NumPy on the way, or remove them",
    "gradient of zero": "look for dead units in front of them, saturated functions and masks",
    "graph of a former step": "detach() what is carried from step to step",
    "equal units": "draw their first weights at random: equal units stay equal",
    "activation in front of the loss": "give the loss what stands in front of that function",
    "probabilities where logs are expected": "use log_softmax, or cross_entropy on the scores themselves",
    "shapes that only broadcast": "give both the same shape, by squeeze or reshape",
    "targets outside of [0, 1]": "scale the targets, or choose another loss",
    "all targets ignored": "look at ignore_index and at how the targets are padded",
    "one class in each batch": "shuffle the data",
    "batches in the same order": "shuffle anew in each epoch: DataLoader(shuffle=True)",
    "the same batch again": "make the iterator of the loader once for each epoch, outside of the loop over its batches",
    "repeated samples": "look at how the batch is drawn",
    "inputs of large scale": "subtract the mean and divide by the deviation",
    "inputs that are not finite": "look at the data",
    "float64": "make arrays float32 where they become tensors: tg.tensor(array, dtype=tg.float32)",
    "dead units": "a smaller learning rate, smaller biases, or LeakyReLU",
    "not finite": "a smaller learning rate; tg.autograd.detect_anomaly() names the line",
    "vanishing gradients": "other first weights, normalization or residual connections",
    "exploding gradients": "other first weights, nn.utils.clip_grad_norm_, or normalization",
    "learning rate too large": "divide it by 10",
    "learning rate too small": "multiply it by 10, until the updates are about 1e-3 of the weights",
}


class LintWarning(UserWarning):
    """What `lint` has to say about a training loop."""


@dataclass(frozen=True)
class Mistake:
    """One mistake in a training loop.

    Parameters
    ----------
    kind : str
        One of the keys of `ADVICE`.
    text : str
        What was seen.
    line : str
        ``file:line``.
    step : int
        After how many steps it was seen.

    Examples
    --------
    >>> from tinygrad_lite.testing.lint.mistakes import Mistake
    >>> print(Mistake("step without backward", "step() had no new gradients", "train.py:7", 1))
    train.py:7: step without backward: step() had no new gradients; call backward() before each step()
    """

    kind: str
    text: str
    line: str = ""
    step: int = 0

    def __str__(self) -> str:
        return f"{f'{self.line}: ' if self.line else ''}{self.kind}: {self.text}; {ADVICE[self.kind]}"


class LintReport:
    """The mistakes that were found, each kind once; true if there are none.

    Attributes
    ----------
    mistakes : list of Mistake

    Examples
    --------
    >>> from tinygrad_lite.testing.lint.mistakes import LintReport
    >>> bool(LintReport()), len(LintReport().mistakes)
    (True, 0)
    """

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def __bool__(self) -> bool:
        return not self.mistakes

    def __iter__(self) -> Iterator[Mistake]:
        return iter(self.mistakes)

    def __len__(self) -> int:
        return len(self.mistakes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.mistakes)) or "no mistakes found"

    __repr__ = __str__

    def add(self, kind: str, text: str, line: str = "", step: int = 0) -> None:
        """Note a mistake, unless one of its kind is noted."""
        if all(m.kind != kind for m in self.mistakes):
            self.mistakes.append(Mistake(kind, text, line, step))

    def warn(self) -> None:
        """Warn of each, at its line."""
        for m in self.mistakes:
            name, _, number = m.line.rpartition(":")
            text = f"{m.kind}: {m.text}; {ADVICE[m.kind]}"
            warnings.warn_explicit(text, LintWarning, name or "unknown", int(number) if number.isdigit() else 0)
