"""`matrices`: what Winograd's minimal filtering multiplies tiles with, from points that polynomials are taken at."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

TAPS = 3
POINTS = {2: (0.0, 1.0, -1.0), 4: (0.0, 0.625, -0.625, 1.5, -1.5)}  # and infinity; by the outputs m of a tile


@cache
def matrices(m: int) -> dict[str, Any]:
    r"""Matrices A, B, G such that :math:`A^T ((G g) \odot (B^T d))` are the m outputs of a filter of 3 taps on d.

    To multiply two polynomials, evaluate both at m + 1 points and at infinity, multiply the values, and interpolate
    (Toom and Cook). The transpose of that is a filter. Tiles of images are transformed along both axes.

    Parameters
    ----------
    m : {2, 4}
        How many outputs there are along an axis; n = m + 2 inputs, and as many products.

    Returns
    -------
    dict of arrays of float64
        ``"B"`` of shape (n, n), ``"G"`` of shape (n, 3), ``"A"`` of shape (n, m); ``"BT"``, ``"GT"``, ``"AT"`` are
        their transposes.

    Notes
    -----
    For m = 2 these are the matrices of the paper, but for signs. For m = 4 its points 0, 1, -1, 2, -2 lose a digit
    more than those here: their powers differ more in size. Among multiples of 1/16 these make the least error (root
    mean square 1.0e-6 of the results' deviation at 128 channels rather than 2.2e-6; the largest 9e-6 rather than 4e-5).

    References
    ----------
    Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4. Barabasz et al., "Error
    analysis and improving the accuracy of Winograd convolution for deep neural networks", 2020, on the points.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lite.kernels.native.simd.toom_cook import matrices
    >>> f, g, d = matrices(2), np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0, 7.0])
    >>> f["AT"] @ ((f["G"] @ g) * (f["BT"] @ d)), np.correlate(d, g)
    (array([32., 38.]), array([32., 38.]))
    """
    points = np.array(POINTS[m])
    others = [np.delete(points, i) for i in range(m + 1)]
    weights = np.array([np.prod(p - rest) for p, rest in zip(points, others)])
    a, g = (np.concatenate([np.vander(points, k, increasing=True), np.eye(k)[-1:]]) for k in (m, TAPS))
    g[:-1] /= weights[:, None]  # the last row is that at infinity, where only the highest power counts
    bt = np.array([*(np.append(np.poly(rest)[::-1], 0) for rest in others), np.poly(points)[::-1]])
    return {"A": a, "AT": a.T, "G": g, "GT": g.T, "B": bt.T, "BT": bt}
