"""CrossEntropyLoss, MSELoss, margin losses and the other criteria."""

from .loss import _Loss as _Loss
from .loss import _WeightedLoss as _WeightedLoss
