"""Tables of vectors, looked up by integers."""

from __future__ import annotations

from typing import Any

from tinygrad_lite import Tensor, empty, no_grad
from tinygrad_lite.engine.errors import InputError, PaddingError

from .. import functional as F
from .. import init
from .._checks import check_choice, check_device
from ..module import Module
from ..parameter import Parameter


class _Table(Module):
    """What both layers share: the table, its padding row, and limits to its norms."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        _weight: Tensor | None,
        _freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        who = type(self).__name__
        check_device(who, device)
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise PaddingError(
                    f"{who}: padding_idx must be in [-{num_embeddings}, {num_embeddings}), got {padding_idx}"
                )
            padding_idx %= num_embeddings
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        if _weight is not None and _weight.shape != (num_embeddings, embedding_dim):
            raise InputError(
                f"{who}: the weight must have shape ({num_embeddings}, {embedding_dim}), got {_weight.shape}"
            )
        given = empty(num_embeddings, embedding_dim, dtype=dtype) if _weight is None else _weight
        self.weight = Parameter(given, requires_grad=not _freeze)
        if _weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew, from N(0, 1); the padding row is zero."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def _shown(self) -> list[str]:
        shown = [f"{self.num_embeddings}, {self.embedding_dim}"]
        defaults = {"padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False}
        return shown + [f"{n}={getattr(self, n)}" for n, usual in defaults.items() if getattr(self, n) != usual]


class Embedding(_Table):
    """A table of vectors: the output holds the rows that the input names.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    padding_idx : int, optional
        A row that gets no gradient, and is zero at first.
    max_norm : float, optional
        Rows that are looked up are scaled down to this norm, in place.
    norm_type : float
        The p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often the batch names it.
    sparse : bool
        Without effect: gradients are dense. `optim.SparseAdam` changes the rows that are used.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the table; float32 by default.

    Attributes
    ----------
    weight : Parameter, shape (num_embeddings, embedding_dim)
        Drawn from N(0, 1).

    Notes
    -----
    Deviations from PyTorch: there are no sparse gradients.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.Embedding(10, 3)(tg.tensor([[1, 2, 4, 5], [4, 3, 2, 9]])).shape
    (2, 4, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight,
            _freeze, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Look the rows up.

        Parameters
        ----------
        input : Tensor, any shape, integer

        Returns
        -------
        Tensor, shape (..., embedding_dim)
        """
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """Make the layer of a given table, which it shares memory with; by default it is not trained."""
        if embeddings.ndim != 2:
            raise InputError(f"from_pretrained: embeddings must have 2 dimensions, got shape {embeddings.shape}")
        rows, columns = embeddings.shape
        return cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        """Show the sizes, and what is not the default."""
        return ", ".join(self._shown())


class EmbeddingBag(_Table):
    """Sums, means or maxima of rows of a table.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    max_norm : float, optional
        Rows that are looked up are scaled down to this norm, in place.
    norm_type : float
        The p of that norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often the batch names it.
    mode : {"mean", "sum", "max"}
    sparse : bool
        Without effect: gradients are dense. `optim.SparseAdam` changes the rows that are used.
    include_last_offset : bool
        Whether `offsets` has one more entry, the end of the last bag.
    padding_idx : int, optional
        A row that is left out, gets no gradient, and is zero at first.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the table; float32 by default.

    Notes
    -----
    Deviations from PyTorch: there are no sparse gradients.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> nn.EmbeddingBag(10, 3, mode="sum")(tg.tensor([1, 2, 4, 5, 4, 3, 2, 9]), tg.tensor([0, 4])).shape
    (2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        check_choice("EmbeddingBag", "mode", mode, ("mean", "sum", "max"))
        super().__init__(
            num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight,
            False, device, dtype,
        )  # fmt: skip
        self.mode = mode
        self.include_last_offset = include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Look the rows of each bag up, and join them.

        Parameters
        ----------
        input : Tensor, shape (B, N), or (N,) with `offsets`, integer
        offsets : Tensor, shape (B,), integer, optional
            Where each bag begins.
        per_sample_weights : Tensor, of the input's shape, optional
            Factors of the rows, with mode "sum".

        Returns
        -------
        Tensor, shape (B, embedding_dim)
        """
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
            self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """Make the layer of a given table, which it shares memory with; by default it is not trained."""
        if embeddings.ndim != 2:
            raise InputError(f"from_pretrained: embeddings must have 2 dimensions, got shape {embeddings.shape}")
        rows, columns = embeddings.shape
        made = cls(
            rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset,
            padding_idx,
        )  # fmt: skip
        made.weight.requires_grad_(not freeze)
        return made

    def extra_repr(self) -> str:
        """Show the sizes, the mode, and what is not the default."""
        shown = self._shown()
        padding = [part for part in shown if part.startswith("padding_idx")]
        return ", ".join([part for part in shown if part not in padding] + [f"mode={self.mode!r}"] + padding)
