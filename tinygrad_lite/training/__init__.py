"""What training loops need around them, none of which owns the loop: `Checkpoint`, metrics, `accumulate` and more."""

from .accumulate import accumulate
from .checkpoint import Checkpoint
from .early_stopping import EarlyStopping
from .generators import seed_everything
from .lr_finder import LearningRates, find_lr
from .metrics import AUC, F1, Accuracy, ConfusionMatrix, Mean, Metric, Perplexity, Precision, Recall
from .progress import progress

__all__ = [
    "AUC", "Accuracy", "Checkpoint", "ConfusionMatrix", "EarlyStopping", "F1", "LearningRates", "Mean", "Metric",
    "Perplexity", "Precision", "Recall", "accumulate", "find_lr", "progress", "seed_everything",
]  # fmt: skip
