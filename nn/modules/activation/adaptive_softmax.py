"""`AdaptiveLogSoftmaxWithLoss`: a softmax over very many classes, of which few are frequent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tinygrad_lite import Tensor, argmax, cat, where
from tinygrad_lite.engine.errors import InputError

from ... import functional as F
from ...module import Module
from ..containers.container import ModuleList, Sequential
from ..linear import Linear


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns: log probabilities of the targets, and their mean loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax in two levels: a head over the frequent classes and over clusters of the rare ones.

    log p(y) = log p_head(y) for a frequent y, log p_head(cluster of y) + log p_cluster(y) for a rare one

    Parameters
    ----------
    in_features : int
    n_classes : int
        Classes are numbered by their frequency: 0 is the most frequent.
    cutoffs : sequence of int
        Where the clusters begin, increasing, in [1, n_classes - 1].
    div_value : float
        Each cluster's projection is this much smaller than that of the one before.
    head_bias : bool
        Whether the head has a bias.
    device : optional
        None or "cpu".
    dtype : dtype, optional
        Of the parameters; float32 by default.

    Raises
    ------
    ValueError
        If the cutoffs are not increasing or out of range.

    References
    ----------
    Grave et al., "Efficient softmax approximation for GPUs", ICML 2017.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> layer = nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs=[5, 10])
    >>> x = tg.randn(4, 16)
    >>> layer(x, tg.tensor([0, 7, 19, 3])).output.shape, layer.log_prob(x).exp().sum(1)[0].detach()
    ((4,), tensor(1.0000))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs or cutoffs != sorted(set(cutoffs)) or cutoffs[0] < 1 or cutoffs[-1] > n_classes - 1:
            raise InputError(
                f"AdaptiveLogSoftmaxWithLoss: cutoffs must be increasing integers from 1 to {n_classes - 1}, "
                f"got {cutoffs}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            hidden = int(in_features // div_value ** (i + 1))
            project = Linear(in_features, hidden, False, device, dtype)
            self.tail.append(Sequential(project, Linear(hidden, stop - start, False, device, dtype)))

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> ASMoutput:
        """Return the targets' log probabilities and the mean loss.

        Parameters
        ----------
        input_ : Tensor, shape (N, in_features) or (in_features,)
        target_ : Tensor, shape (N,) or (), integer

        Returns
        -------
        ASMoutput
            ``output``, shape (N,) or (), and ``loss``, shape ().
        """
        x, y = self._checked(input_, target_)
        head = F.log_softmax(self.head(x), dim=1)
        column, parts = y, []  # which column of the head counts, and the clusters' shares
        for i, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            inside = (y >= start) & (y < stop)
            column = where(inside, self.shortlist_size + i, column)
            rows = inside.nonzero()[:, 0]
            if rows.numel():
                local = F.log_softmax(self.tail[i](x[rows]), dim=1)
                share = local.gather(1, (y[rows] - start)[:, None])[:, 0]
                parts.append(share.new_zeros(len(y)).index_add(0, rows, share))
        output = head.gather(1, column[:, None])[:, 0]
        for part in parts:
            output = output + part
        loss = -output.mean()
        return ASMoutput(output if target_.ndim else output[0], loss)

    def _checked(self, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Both with a batch."""
        if target.ndim > 1 or input.ndim != target.ndim + 1 or input.shape[: target.ndim] != target.shape:
            raise InputError(
                "AdaptiveLogSoftmaxWithLoss: input and target must have shapes (N, D) and (N,), or (D,) and (), "
                f"got {input.shape} and {target.shape}"
            )
        if not target.ndim:
            input, target = input[None], target[None]
        if target.numel() and not (target.min().item() >= 0 and target.max().item() < self.n_classes):
            raise InputError(
                f"AdaptiveLogSoftmaxWithLoss: targets must be in [0, {self.n_classes - 1}], "
                f"got {target.min().item()} to {target.max().item()}"
            )
        return input, target

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log probabilities of all classes.

        Parameters
        ----------
        input : Tensor, shape (N, in_features)

        Returns
        -------
        Tensor, shape (N, n_classes)
        """
        head = F.log_softmax(self.head(input), dim=1)
        size = self.shortlist_size
        parts = [head[:, :size]]
        for i, tail in enumerate(self.tail):
            parts.append(F.log_softmax(tail(input), dim=1) + head[:, size + i, None])
        return cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class of each row.

        Parameters
        ----------
        input : Tensor, shape (N, in_features)

        Returns
        -------
        Tensor, shape (N,), int64
        """
        return argmax(self.log_prob(input), dim=1)
