"""`tg.fft`: what the rows of `ops_rows_fft` do not say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ops_rows_fft import ROWS
from oracle import Programs, agree

import tinygrad_lite as tg

programs = Programs()
X = np.random.default_rng(0).standard_normal((3, 4, 5))


def test_every_function_has_a_row() -> None:
    tested = {row.name.partition(".")[2] for row in ROWS} | {"fftfreq", "rfftfreq"}
    assert tested == set(tg.fft.__all__)


def test_every_function_of_pytorch_is_there(oracle: Any) -> None:
    assert set(oracle.fft.__all__) - {"Tensor"} <= set(tg.fft.__all__)
    assert all(hasattr(oracle.fft, name) for name in tg.fft.__all__)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64", "bool", "float64"])
def test_dtypes(dtype: str) -> None:
    x = tg.tensor(np.ones((2, 4)).astype(dtype))
    expected = tg.complex128 if dtype == "float64" else tg.complex64
    assert tg.fft.fft(x).dtype == tg.fft.ifft2(x).dtype == tg.fft.fftn(x).dtype == expected
    assert tg.fft.irfft(x).dtype == (tg.float64 if dtype == "float64" else tg.float32)
    if dtype != "complex64":
        assert tg.fft.rfft(x).dtype == tg.fft.ihfft2(x).dtype == expected
    number = tg.fft.fftn(x[0, 0])  # which has no dimension to transform
    assert (number.dtype, number.item()) == (expected, 1 + 0j)


def test_there_and_back() -> None:
    x = tg.tensor(X)
    for there, back in (("fft", "ifft"), ("fft2", "ifft2"), ("fftn", "ifftn")):
        np.testing.assert_allclose(getattr(tg.fft, back)(getattr(tg.fft, there)(x)).real.numpy(), X, atol=1e-12)
    for norm in (None, "ortho", "forward"):
        np.testing.assert_allclose(tg.fft.irfft(tg.fft.rfft(x, norm=norm), 5, norm=norm).numpy(), X, atol=1e-12)
        np.testing.assert_allclose(tg.fft.hfft(tg.fft.ihfft(x, norm=norm), 5, norm=norm).numpy(), X, atol=1e-12)
        y = tg.fft.irfftn(tg.fft.rfftn(x, norm=norm), X.shape, norm=norm)
        np.testing.assert_allclose(y.numpy(), X, atol=1e-12)
        y = tg.fft.hfft2(tg.fft.ihfft2(x, norm=norm), X.shape[1:], norm=norm)
        np.testing.assert_allclose(y.numpy(), X, atol=1e-12)


def test_a_convolution_by_its_spectrum_learns() -> None:
    """Gradients through the spectrum are those of the direct sum."""
    x, k = tg.tensor(X[0, 0], requires_grad=True), tg.tensor(X[1, 0], requires_grad=True)
    by_spectrum = tg.fft.irfft(tg.fft.rfft(x) * tg.fft.rfft(k), 5)
    direct = tg.stack([(x * k.flip(0).roll(i + 1)).sum() for i in range(5)])
    np.testing.assert_allclose(by_spectrum.detach().numpy(), direct.detach().numpy(), atol=1e-12)
    v = tg.tensor(X[2, 0])
    for a, b in zip(tg.autograd.grad(by_spectrum, (x, k), v), tg.autograd.grad(direct, (x, k), v)):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-12)


@programs
def frequencies(m: Any) -> Any:
    return [m.fft.fftfreq(5), m.fft.fftfreq(4, 0.5, dtype=m.float64), m.fft.rfftfreq(5, d=2.0), m.fft.rfftfreq(4)]


@programs
def shifts(m: Any) -> Any:
    x = m.tensor(X)
    return [f(x, d) for f in (m.fft.fftshift, m.fft.ifftshift) for d in (None, 1, (0, 2), -1)]


@programs
def of_integers(m: Any) -> Any:
    x = m.arange(6).reshape(2, 3)
    return m.fft.fft(x), m.fft.rfft2(x), m.fft.irfft(x), m.fft.hfft(x), m.fft.fftshift(x)


@programs
def some_dimensions(m: Any) -> Any:
    x = m.tensor(X)
    return m.fft.fftn(x, s=(4,)), m.fft.rfftn(x, dim=(1,)), m.fft.irfftn(x, dim=2), m.fft.fft2(x, dim=(0, -1))


def _refused(name: str, *args: Any, **options: Any) -> Any:
    def program(m: Any) -> Any:
        return getattr(m.fft, name)(m.tensor(X), *args, **options)

    program.__name__ = f"{name} {args} {options}"
    return programs(program)


for name, args in [("fft", (0,)), ("fft", (None, 3)), ("irfft", (0,)), ("rfft", (None, -4)), ("fftn", ((1, 2, 3, 4),)),
                   ("fft2", ((2, 2, 2),)), ("fftn", (None, (0, 0))), ("fftn", ((2, 2), (0,)))]:  # fmt: skip
    _refused(name, *args)
_refused("fft", norm="other")
_refused("hfftn", norm="other")


@programs
def real_transforms_of_complex_numbers(m: Any) -> Any:
    return m.fft.rfft(m.tensor([1j]))


@programs
def nothing_to_transform(m: Any) -> Any:
    return m.fft.fft(m.ones(3, 0))


@programs.parameters()
def test_as_pytorch(program: Any) -> None:
    agree(program)


def test_numpys_keywords() -> None:
    x = tg.tensor(X)
    pairs = [
        (np.fft.fft(x, n=3, axis=1, norm="ortho"), np.fft.fft(X, n=3, axis=1, norm="ortho")),
        (np.fft.irfftn(x, s=(4, 4), axes=(0, 1)), np.fft.irfftn(X, s=(4, 4), axes=(0, 1))),
        (np.fft.fftshift(x, axes=1), np.fft.fftshift(X, axes=1)),
        (np.fft.hfft(x, 4), np.fft.hfft(X, 4)),
    ]
    for ours, theirs in pairs:
        assert isinstance(ours, tg.Tensor)
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-12)
    with pytest.raises(NotImplementedError, match="np.fft.fft with out= is not supported"):
        np.fft.fft(tg.tensor(X, requires_grad=True), out=np.zeros(X.shape, complex))


def test_messages() -> None:
    x = tg.tensor(X)
    with pytest.raises(TypeError, match="rfft: the input must be real, got complex64"):
        tg.fft.rfft(tg.tensor([1j]))
    with pytest.raises(RuntimeError, match=r"fft: sizes must be positive, got \(0,\)"):
        tg.fft.fft(x, 0)
    with pytest.raises(ValueError, match="hfft2: norm must be None, 'backward', 'ortho' or 'forward', got 'x'"):
        tg.fft.hfft2(x, norm="x")
    with pytest.raises(RuntimeError, match=r"fftn: s must give a size for each of the dimensions \(0,\), got \(2, 2\)"):
        tg.fft.fftn(x, (2, 2), (0,))
