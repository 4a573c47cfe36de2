"""Rows of numerical slopes, powers, reflections, short-time transforms, and of linear algebra that does not raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ops_cases import Given, Row, array, fixed, integers, normal, point, positive
from ops_rows_linalg import definite, linalg, regular

WINDOWS = [f"{name}_window" for name in ("bartlett", "blackman", "hamming", "hann", "kaiser")]
PLACES = np.array([0.0, 0.3, 1.1, 1.5, 2.4])
spread_out = Given(lambda rng, s: np.cumsum(rng.uniform(0.3, 1.0, s), -1), (4,))


def _slopes() -> list[Row]:
    m45 = normal(4, 5)
    return [
        Row("gradient", lambda m, x: m.gradient(x), (m45,), np.gradient),
        Row("gradient", lambda m, x: m.gradient(x, edge_order=2), (m45,), lambda x: np.gradient(x, edge_order=2)),
        Row("gradient", lambda m, x: m.gradient(x, spacing=0.5, dim=1), (m45,), lambda x: np.gradient(x, 0.5, axis=1)),
        Row("gradient", lambda m, x: m.gradient(x, spacing=[0.5, 2], dim=(1, 0), edge_order=2), (m45,)),
        Row("gradient", lambda m, x, p: m.gradient(x, spacing=(p,), dim=1), (m45, array(PLACES)),
            lambda x, p: np.gradient(x, p, axis=1)),
        Row("gradient", lambda m, x, p: m.gradient(x, spacing=(p,), edge_order=2), (normal(5), array(PLACES))),
        Row("gradient in its places", lambda m, x, p: m.gradient(x, spacing=(p,), edge_order=2),
            (normal(4), spread_out), in_torch=False),
        Row("gradient", lambda m, x: m.gradient(x, spacing=None), (normal(5),)),
        Row("linalg.vander", linalg("vander", N=3), (normal(),)),
        Row("vander", lambda m, x: m.vander(x), (normal(3),), np.vander, in_torch=False),
        Row("vander", lambda m, x: m.vander(x, 4, True), (point([0.5, 0.0, -1.5]),),
            lambda x: np.vander(x, 4, increasing=True), in_torch=False),  # PyTorch's gradient of it raises
        Row("linalg.vander", linalg("vander"), (normal(2, 3),)),
        Row("linalg.vander", linalg("vander", N=2), (normal(2, 3),)),
    ]  # fmt: skip


def parts(m: Any, *tensors: Any) -> Any:
    """The first tensor's real and imaginary parts in the last dimension."""
    return m.view_as_real(tensors[0].resolve_conj())


def forth(**options: Any) -> Callable[..., Any]:
    return lambda m, x, *window: m.stft(x, 4, 2, window=window[0] if window else None, return_complex=False, **options)


def back(size: int, **options: Any) -> Callable[..., Any]:
    def run(m: Any, real: Any, imag: Any, *window: Any) -> Any:
        z = m.complex(real, imag)
        return m.istft(z, size, 2, window=window[0] if window else None, **options)

    return run


def _frames() -> list[Row]:
    window = positive(4)
    return [
        Row("stft", forth(), (normal(9), window)),
        Row("stft", forth(center=False, normalized=True), (normal(2, 8), window)),
        Row("stft", forth(onesided=False, pad_mode="constant"), (normal(2, 9),)),
        Row("stft", lambda m, x, w: m.stft(x, 5, window=w, win_length=3, return_complex=False),
            (normal(7), positive(3))),
        Row("istft", back(4), (normal(3, 5), normal(3, 5), window)),
        Row("istft", back(5, normalized=True, length=6), (normal(2, 3, 5), normal(2, 3, 5), positive(5))),
        Row("istft", back(4, onesided=False, center=False), (normal(4, 5), normal(4, 5), window)),
        Row("istft of complex numbers", lambda m, x, y: parts(m, back(4, return_complex=True)(m, x, y)),
            (normal(4, 5), normal(4, 5))),
    ]  # fmt: skip


def _reflections() -> list[Row]:
    tall, tau = normal(4, 2), normal(2)
    return [
        Row("linalg.householder_product", linalg("householder_product"), (tall, tau)),
        Row("linalg.householder_product", linalg("householder_product"), (normal(3, 4, 3), normal(3, 2))),
        Row("orgqr", lambda m, x, t: m.orgqr(x, t), (tall, tau)),
        Row("ormqr", lambda m, x, t, c: m.ormqr(x, t, c), (tall, tau, normal(4, 3))),
        Row("ormqr", lambda m, x, t, c: m.ormqr(x, t, c, transpose=True), (tall, tau, normal(4, 3))),
        Row("ormqr", lambda m, x, t, c: m.ormqr(x, t, c, left=False), (tall, tau, normal(3, 4))),
        Row("complex householder_product",
            lambda m, x, y, s, t: parts(m, m.linalg.householder_product(m.complex(x, y), m.complex(s, t))),
            (tall, tall, tau, tau)),
    ]  # fmt: skip


def _unchecked() -> list[Row]:
    return [
        Row("linalg.cholesky_ex", lambda m, x: m.linalg.cholesky_ex(definite(x)), (regular(2, 3, 3),)),
        Row("linalg.cholesky_ex", lambda m, x: m.linalg.cholesky_ex(definite(x), upper=True), (regular(3, 3),)),
        Row("linalg.inv_ex", linalg("inv_ex"), (regular(2, 3, 3),)),
        Row("linalg.solve_ex", linalg("solve_ex"), (regular(2, 3, 3), normal(3, 2))),
        Row("linalg.solve_ex", linalg("solve_ex"), (regular(2, 3, 3), normal(2, 3))),
        Row("linalg.solve_ex", linalg("solve_ex", left=False), (regular(3, 3), normal(2, 3))),
        Row("linalg.lu_factor_ex", linalg("lu_factor_ex"), (regular(2, 3, 3),)),
        Row("linalg.lu_factor_ex", linalg("lu_factor_ex"), (normal(3, 2),)),
    ]


ROWS: list[Row] = [*_slopes(), *_frames(), *_reflections(), *_unchecked()]
QUESTIONS: list[Row] = [
    *(Row(name, lambda m, n=name, k=k, p=p: getattr(m, n)(k, p, dtype=m.float64), ())
      for name in WINDOWS for k in (0, 1, 2, 7, 8) for p in (True, False)),
    Row("hamming_window", lambda m: m.hamming_window(6, True, 0.6, 0.3, dtype=m.float64), ()),
    Row("kaiser_window", lambda m: m.kaiser_window(6, True, 3.0, dtype=m.float64), ()),
    Row("histogramdd", lambda m, x: m.histogramdd(x, [3, 2]).hist, (fixed(normal(20, 2)),)),
    Row("histogramdd", lambda m, x: m.histogramdd(x, [3, 2], density=True).bin_edges, (fixed(normal(20, 2)),)),
    Row("histogramdd", lambda m, x, w: m.histogramdd(x, 3, range=[-1.0, 1, -0.5, 1], weight=w, density=True).hist,
        (fixed(normal(4, 5, 2)), fixed(positive(4, 5)))),
    Row("histogramdd", lambda m, x, a, b: m.histogramdd(x, (a, b)).hist,
        (fixed(normal(20, 2)), array([-1.0, 0.0, 0.5]), array([-2.0, 0.1, 2.0, 2.5]))),
    *(Row("nonzero_static", lambda m, x, k=k: m.nonzero_static(x, size=k), (integers(0, 2, 3, 4),))
      for k in (0, 3, 20)),
    Row("vander", lambda m, x: m.vander(x, 4), (fixed(normal(3)),)),
    Row("vander", lambda m, x: m.vander(x, increasing=True), (integers(-3, 4, 3),)),
    *(Row("geqrf", lambda m, x: m.geqrf(x), (fixed(normal(*shape)),)) for shape in ((4, 2), (2, 4), (2, 3, 3))),
]  # fmt: skip
