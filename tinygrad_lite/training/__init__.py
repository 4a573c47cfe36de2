"""What training loops need around them, and none owns the loop: `Checkpoint`, metrics."""

from .checkpoint import Checkpoint
from .metrics import AUC, F1, Accuracy, ConfusionMatrix, Mean, Metric, Perplexity, Precision, Recall

__all__ = [
    "AUC", "Accuracy", "Checkpoint", "ConfusionMatrix", "F1", "Mean", "Metric", "Perplexity", "Precision", "Recall",
]  # fmt: skip
