"""Calls of NumPy's functions as its users write them, for arrays and for Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

A = np.array([[0.3, -1.2, 2.0], [0.7, 0.1, -0.4]])
B = np.array([[1.5, 0.8, -0.6], [-2.0, 0.9, 1.1]])
INDEX = np.array([[0, 2], [1, 1]])

CALLS: dict[str, Callable[..., Any]] = {
    "exp": lambda a, b: np.exp(a), "log": lambda a, b: np.log(np.abs(a)), "sqrt": lambda a, b: np.sqrt(a * a + 1),
    "sin": lambda a, b: np.sin(a), "tanh": lambda a, b: np.tanh(a), "square": lambda a, b: np.square(a),
    "arctan2": lambda a, b: np.arctan2(a, b), "hypot": lambda a, b: np.hypot(a, b), "power": lambda a,
    b: np.power(a, 2),
    "add": lambda a, b: np.add(a, b), "subtract": lambda a, b: np.subtract(a, b[0]), "divide": lambda a,
    b: np.divide(a, b),
    "multiply": lambda a, b: np.multiply(a[:, :1], b), "negative": lambda a, b: np.negative(a),
    "maximum": lambda a, b: np.maximum(a, b), "minimum": lambda a, b: np.minimum(a, b), "clip": lambda a,
    b: np.clip(a, -1, 1),
    "logaddexp": lambda a, b: np.logaddexp(a, b), "where": lambda a, b: np.where(B > 0, a, b), "abs": lambda a,
    b: np.abs(a),
    "sum": lambda a, b: np.sum(a), "sum axis": lambda a, b: np.sum(a, axis=0), "sum positional": lambda a,
    b: np.sum(a, 1),
    "sum keepdims": lambda a, b: np.sum(a, axis=(0, 1), keepdims=True), "mean": lambda a, b: np.mean(a, axis=1),
    "prod": lambda a, b: np.prod(a, axis=0), "var": lambda a, b: np.var(a, axis=0), "std": lambda a,
    b: np.std(a, ddof=1),
    "max": lambda a, b: np.max(a, axis=1), "min": lambda a, b: np.min(a), "amax": lambda a, b: np.amax(a, axis=0),
    "cumsum": lambda a, b: np.cumsum(a, axis=1), "cumsum flat": lambda a, b: np.cumsum(a),
    "reduce": lambda a, b: np.add.reduce(a), "reduce all": lambda a, b: np.multiply.reduce(a, axis=None),
    "reduce max": lambda a, b: np.maximum.reduce(a, axis=1, keepdims=True),
    "reshape": lambda a, b: np.reshape(a, (3, 2)), "ravel": lambda a, b: np.ravel(a), "transpose": lambda a,
    b: np.transpose(a),
    "transpose axes": lambda a, b: np.transpose(a[None], (2, 0, 1)), "swapaxes": lambda a, b: np.swapaxes(a, 0, 1),
    "moveaxis": lambda a, b: np.moveaxis(a[None], 0, -1), "squeeze": lambda a, b: np.squeeze(a[:, None]),
    "expand_dims": lambda a, b: np.expand_dims(a, 1), "broadcast_to": lambda a, b: np.broadcast_to(a, (4, 2, 3)),
    "flip": lambda a, b: np.flip(a), "flip axis": lambda a, b: np.flip(a, axis=1), "roll": lambda a, b: np.roll(a, 2),
    "roll axis": lambda a, b: np.roll(a, (1, -1), axis=(0, 1)), "tile": lambda a, b: np.tile(a, (2, 1)),
    "pad": lambda a, b: np.pad(a, ((1, 0), (0, 2))), "pad value": lambda a, b: np.pad(a, 1, constant_values=3.0),
    "concatenate": lambda a, b: np.concatenate([a, b]), "concatenate axis": lambda a, b: np.concatenate((a, b), axis=1),
    "concatenate mixed": lambda a, b: np.concatenate([a, B, b], axis=-1),
    "concatenate flat": lambda a, b: np.concatenate([a, b[0]], axis=None), "stack": lambda a,
    b: np.stack([a, b], axis=-1),
    "vstack": lambda a, b: np.vstack([a, b[0]]), "hstack": lambda a, b: np.hstack([a, b]),
    "split": lambda a, b: np.split(a, [1], axis=1)[1], "split equal": lambda a, b: np.split(a, 3, axis=1)[0],
    "dot": lambda a, b: np.dot(a, b.T), "dot vector": lambda a, b: np.dot(a, b[0]), "matmul": lambda a,
    b: np.matmul(a.T, b),
    "outer": lambda a, b: np.outer(a[0], b[1]), "einsum": lambda a, b: np.einsum("ij,ij->i", a, b),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=((0, 1), (0, 1))), "copy": lambda a, b: np.copy(a),
    "take_along_axis": lambda a, b: np.take_along_axis(a, INDEX, axis=1), "real": lambda a, b: np.real(a),
    "tril": lambda a, b: np.tril(a), "triu": lambda a, b: np.triu(a, 1), "operator": lambda a, b: B @ a.T - a @ B.T,
    "array first": lambda a, b: B + a, "array divided": lambda a, b: A / b, "scalar": lambda a, b: np.float64(2) ** a,
    "array matmul": lambda a, b: B.T @ a, "array power": lambda a, b: np.abs(B) ** a, "0-d": lambda a,
    b: np.array(2.0) * a,
    "append a scalar": lambda a, b: np.append(a, 7.0), "append to scalars": lambda a, b: np.append([1.0, 2.0], a),
    "reshape F": lambda a, b: np.reshape(a, (-1, 2), order="F"), "ravel F": lambda a, b: np.ravel(a, order="F"),
    "reshape A": lambda a, b: np.reshape(a.T, -1, order="A"), "ravel K": lambda a, b: np.ravel(a.T, order="K"),
    "around": lambda a, b: a + np.around(a, 1), "fix": lambda a, b: a + np.fix(b + 0.25),
    "extract": lambda a, b: np.extract([True, False, True], a),
    "append": lambda a, b: np.append(a, b, axis=0), "append flat": lambda a, b: np.append(a, b[0]),
    "fabs": lambda a, b: np.fabs(a), "degrees": lambda a, b: np.degrees(a), "radians": lambda a, b: np.radians(a),
    "partition": lambda a, b: np.partition(a, 1),
    "partition flat": lambda a, b: np.partition(a, 2, axis=None), "rollaxis": lambda a, b: np.rollaxis(a[None], 2),
    "rollaxis end": lambda a, b: np.rollaxis(a[None], 0, -1), "rollaxis last": lambda a, b: np.rollaxis(a[None], 0, 3),
    "select": lambda a, b: np.select([B > 1, B > 0], [a, b], 2.0),
    "linspace": lambda a, b: np.linspace(a[0, 0], b, 4), "linspace axis": lambda a, b: np.linspace(a, 2.0, 3, axis=-1),
    "linspace open": lambda a, b: np.linspace(a, b, 3, endpoint=False, retstep=True)[1],
    "trace offset": lambda a, b: np.trace(a, offset=1), "trace axes": lambda a, b: np.trace(a[None], 0, 1, 2),
    "cross": lambda a, b: np.cross(a, b), "cross axisa": lambda a, b: np.cross(a.T, b, axisa=0, axisc=0),
    "cross axis": lambda a, b: np.cross(a.T, b.T, axis=0), "ptp": lambda a, b: np.ptp(a, axis=1),
    "average": lambda a, b: np.average(a, axis=0), "average weights": lambda a, b: np.average(a, 1, b * b),
    "average vector": lambda a, b: np.average(a, 1, np.array([1, 2, 3], np.float32), returned=True)[0],
    "compress": lambda a, b: np.compress([True, False, True], a, axis=1),
    "delete": lambda a, b: np.delete(a, 1, axis=1), "linspace of one": lambda a, b: np.linspace(a, 2.0, 1),
    "delete flat": lambda a, b: np.delete(a, [0, 3]), "percentile": lambda a, b: np.percentile(a, 30, axis=1),
    "take list": lambda a, b: np.take(a, [0, 3]), "lstsq": lambda a, b: np.linalg.lstsq(a.T, b.T, rcond=None)[0],
    "einsum lists": lambda a, b: np.einsum(a, [0, 1], b, [2, 1], [2, 0]),
    "einsum list": lambda a, b: np.einsum(a, [0, 1]), "einsum dots": lambda a, b: np.einsum(a, [..., 0], [0, ...]),
}  # fmt: skip

Z = A + 1j * B


def holed(a: Any) -> Any:
    """With NaN in some places."""
    return np.where(A < 0, np.nan, a)


CALLS |= {
    "convolve": lambda a, b: np.convolve(a[0], b[1]),
    "convolve same": lambda a, b: np.convolve(a.ravel(), b[0], "same"),
    "convolve longer": lambda a, b: np.convolve(a[0, :2], b.ravel(), "same"),
    "convolve valid": lambda a, b: np.convolve(a[0], b.ravel(), "valid"),
    "correlate": lambda a, b: np.correlate(a.ravel(), b[0]),
    "correlate full": lambda a, b: np.correlate(a[0], b[1], "full"),
    "correlate same": lambda a, b: np.correlate(a[0, :2], b.ravel()[:5], "same"),
    "correlate even": lambda a, b: np.correlate(a.ravel()[:5], b[0, :2], "same"),
    "correlate longer": lambda a, b: np.correlate(a[0, :2], b.ravel()),
    "cbrt": lambda a, b: np.cbrt(a * b),
    "eigvalsh mixed": lambda a, b: np.linalg.eigvalsh(a[:, :2] + 3 * np.eye(2)),
    "eigh mixed": lambda a, b: np.abs(np.linalg.eigh(a[:, :2] + 3 * np.eye(2), "U")[1]),
    "vstack of a dtype": lambda a, b: np.vstack([a, b], dtype=a.dtype),
    "block mixed": lambda a, b: np.block([[a, b[:, :1]], [b[:1], 2.0]]),
    "block of mixed": lambda a, b: np.block([a[0], 1.0, b[1]]),
    "vecdot": lambda a, b: np.vecdot(a, b),
    "linalg trace": lambda a, b: np.linalg.trace(a[:, None] * b, offset=1),
    "interp": lambda a, b: np.interp(a, np.sort(b[0]), b[1]),
    "interp ends": lambda a, b: np.interp(4 * a, [-1.0, 0.5], b[0, :2], -7.0, 9.0),
    "interp one": lambda a, b: np.interp(a, [0.0], b[0, :1]),
    "insert": lambda a, b: np.insert(a, 1, b[:, 0], axis=1),
    "insert flat": lambda a, b: np.insert(a, [3, 1], b[0, :2]),
    "insert number": lambda a, b: np.insert(a, -1, 5.0, axis=0),
    "insert slice": lambda a, b: np.insert(a, slice(0, 2), b[0], axis=0),
    "ediff1d lists": lambda a, b: np.ediff1d(a, b[0], [9.0]),
    "resize": lambda a, b: np.resize(a, (2, 4)),
    "unwrap": lambda a, b: np.unwrap(9 * a),
    "polyval": lambda a, b: np.polyval(a[0], b),
    "modf": lambda a, b: np.modf(2.9 * a)[0],
    "divmod": lambda a, b: np.divmod(a, b)[1],
    "logspace": lambda a, b: np.logspace(a[0], 2.0, 4),
    "geomspace mixed": lambda a, b: np.geomspace(np.abs(a[0]), 2.0, 4),
    "nanmax": lambda a, b: np.nanmax(holed(a), axis=0),
    "nanmin": lambda a, b: np.nanmin(holed(a), axis=1, keepdims=True),
    "nanprod": lambda a, b: np.nanprod(holed(a), axis=1),
    "nanvar": lambda a, b: np.nanvar(holed(a), axis=1, ddof=1),
    "nanstd": lambda a, b: np.nanstd(holed(a)),
    "nancumsum": lambda a, b: np.nancumsum(holed(a), axis=1),
    "nancumprod": lambda a, b: np.nancumprod(holed(a)),
    "nanpercentile": lambda a, b: np.nanpercentile(holed(a), 30.0),
    "vstack rows": lambda a, b: np.vstack(a),
    "hstack rows": lambda a, b: np.hstack(a),
    "stack rows": lambda a, b: np.stack(a, axis=1),
    "concatenate rows": lambda a, b: np.concatenate(a),
    "column_stack rows": lambda a, b: np.column_stack(a),
    "stack mixed": lambda a, b: np.stack([a[0, 0], 3.0]),
    "stack lists": lambda a, b: np.stack([a[0], [1.0, 2.0, 3.0]]),
    "real_if_close": lambda a, b: np.real_if_close(a),
    "real_if_close parts": lambda a, b: np.real_if_close(a * (1 + 0j)),
    "dot complex": lambda a, b: np.real(np.dot(a, Z.T) * np.exp(1j)),
    "matmul complex": lambda a, b: np.imag(np.matmul(a, 1j * b.T)),
    "tensordot complex": lambda a, b: np.imag(np.tensordot(a, b * 1j, 2)),
    "inner complex": lambda a, b: np.imag(np.inner(a, 1j * b)),
    "einsum complex": lambda a, b: np.imag(np.einsum("ij,ij->i", a, 1j * b)),
    "vdot complex": lambda a, b: np.imag(np.vdot(a, 1j * b)),
    "max complex": lambda a, b: np.real(np.max(a * (1 + 2j), axis=1)),
    "min complex": lambda a, b: np.imag(np.min(a + 1j * b)),
}  # fmt: skip
if hasattr(np, "matvec"):  # NumPy 2.2
    CALLS["matvec"] = lambda a, b: np.matvec(a, b[0])
    CALLS["vecmat"] = lambda a, b: np.vecmat(a[:, :2], b)
if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    CALLS["cumulative_sum"] = lambda a, b: np.cumulative_sum(a, axis=1, include_initial=True)
    CALLS["cumulative_prod"] = lambda a, b: np.cumulative_prod(a[0], include_initial=True)
    CALLS["unstack"] = lambda a, b: np.unstack(a, axis=1)[2]
