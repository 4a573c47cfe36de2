"""Distance and similarity of vectors."""

from __future__ import annotations

from tinygrad_lite import Tensor

from .. import functional as F
from ..module import Module


class CosineSimilarity(Module):
    """x . y / (max(|x|, eps) max(|y|, eps)) along a dimension.

    Parameters
    ----------
    dim : int
    eps : float
        The least norm.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.CosineSimilarity()(tg.tensor([[3.0, 4.0]]), tg.tensor([[2.0, 0.0]]))
    tensor([0.6000])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the similarities."""
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of x - y + eps along the last dimension.

    Parameters
    ----------
    p : float
    eps : float
        Keeps the gradient finite where x = y.
    keepdim : bool
        Keep the last dimension with size 1.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.PairwiseDistance()(tg.tensor([[3.0, 4.0]]), tg.zeros(1, 2))
    tensor([5.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        """Return the distances."""
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
