"""`complex_slope`: the slope of a function by a step into the complex numbers, without a subtraction.

For a holomorphic f, ``Im f(x + i h v) / h`` is the slope along v up to h squared, and h may be 1e-30 [1]_. A function
that takes complex numbers need not be holomorphic, so that this witness can confirm a gradient, and not refute it.

.. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review, 1998.
"""

from __future__ import annotations

import warnings

import numpy as np

from .probe import Array, Probe

_STEP = 2.0**-100


def complex_slope(probe: Probe, v: dict[int, Array], weights: Array) -> float | None:
    """The slope of ``weights @ probe.values()`` along a direction.

    Parameters
    ----------
    probe : Probe
    v : dict of array
        The direction for each leaf that is moved.
    weights : array

    Returns
    -------
    float or None
        None where the function does not take complex numbers, or is another one there.
    """
    leaves = probe.leaves
    if any(o.dtype != np.float64 for o in probe.outputs()) or any(leaves[i].dtype != np.float64 for i in v):
        return None
    kept = {i: leaves[i]._data for i in v}
    try:
        for i, d in v.items():
            leaves[i]._data = (probe.base[i] + 1j * _STEP * d).reshape(leaves[i].shape)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # that an imaginary part was thrown away
            outputs = probe.outputs()
    except Exception:  # the user's function, which may refuse complex numbers in any way: there is no second witness
        return None
    finally:
        for i, array in kept.items():
            leaves[i]._data = array
    there = np.concatenate([np.asarray(o._data, np.complex128).reshape(-1) for o in outputs])
    if there.shape != weights.shape or not np.isfinite(there).all():
        return None
    if not np.allclose(there.real, probe.here(), 1e-9, 1e-300):
        return None
    return float(weights @ (there.imag / _STEP))
