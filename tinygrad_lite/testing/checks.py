"""`gradcheck` and `gradgradcheck`: arguments, the choice between verdict and classic comparison, and what is raised."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import rules
from ..rules import unwrap, wrap
from . import modules
from .gradients.differences import compare
from .gradients.first_derivatives import FirstDerivatives
from .gradients.probe import Probe
from .gradients.pytorch_checks import further_checks
from .gradients.report import VACUOUS, Finding, GradcheckError, Report
from .gradients.verdicts import examine

__all__ = ["gradcheck", "gradcheck_module", "gradgradcheck"]

_EPS, _ATOL, _RTOL = 1e-6, 1e-5, 1e-3  # PyTorch's, for those that are not given where another is

_Call = Callable[[], Any]


@dataclass
class Options:
    """How to check, beside the function and its inputs."""

    who: str
    eps: float | None
    atol: float | None
    rtol: float | None
    nondet_tol: float
    undefined: bool
    dtypes: bool
    batched: bool
    forward: bool
    entries: bool
    allow_zero: bool | Collection[str]
    allow_kinks: bool
    seed: int
    joint: bool = False

    @property
    def classic(self) -> bool:
        """Whether a step or a tolerance was given."""
        return not (self.eps is None and self.atol is None and self.rtol is None)

    def check(self, function: _Call, leaves: Sequence[Any], names: Sequence[str], plain: _Call | None = None) -> Report:
        """The report on a function of leaves."""
        self._refuse(leaves, names)
        probe = Probe(function, leaves, names, plain)
        common: dict[str, Any] = {
            "allow_zero": self.allow_zero, "allow_kinks": self.allow_kinks, "joint": self.joint,
            "entries": self.entries, "nondet_tol": self.nondet_tol, "seed": self.seed,
        }  # fmt: skip
        if self.classic:
            eps, atol, rtol = (
                default if given is None else given
                for given, default in ((self.eps, _EPS), (self.atol, _ATOL), (self.rtol, _RTOL))
            )
            report = compare(probe, eps=eps, atol=atol, rtol=rtol, **common)
        else:
            report = examine(probe, **common)
        if report:
            further_checks(probe, self.undefined, self.dtypes, self.batched, self.forward, self.seed)
        return report

    def _refuse(self, leaves: Sequence[Any], names: Sequence[str]) -> None:
        if not leaves:
            raise ValueError(f"{self.who}: at least one input must require grad")
        for leaf, name in zip(leaves, names):
            if self.classic and leaf.dtype not in (np.float64, np.complex128):
                raise TypeError(
                    f"{self.who}: {name} must be float64 or complex128 for differences with a given step to mean "
                    f"anything, got {leaf.dtype}; without eps, atol and rtol others are checked, too"
                )
            if leaf._data.size and any(s == 0 and n > 1 for s, n in zip(leaf._data.strides, leaf.shape)):
                raise RuntimeError(
                    f"{self.who}: {name} has a dimension with stride 0, so that its entries cannot be moved one by "
                    "one; call contiguous() on it before"
                )


def finish(report: Report, raise_exception: bool, wanted: bool, who: str, module: Any = None) -> Any:
    """Return the verdict or the whole report, or raise."""
    if wanted:
        return report
    if not report and raise_exception:
        lines = []
        for mode in dict.fromkeys(f.mode for f in report.failures):
            where = f"{type(module).__name__} in {mode} mode: " if mode else ""
            lines.append(f"{where}{who}: {_describe([f for f in report.failures if f.mode == mode])}")
        raise GradcheckError("\n".join(lines), report)
    return bool(report)


def _describe(failures: Sequence[Finding]) -> str:
    zero = [f for f in failures if f.verdict == VACUOUS]
    lines = list(dict.fromkeys(f"the function is {f}" if f.whole else str(f) for f in failures if f not in zero))
    if zero:
        notes = ", ".join(dict.fromkeys(f.note for f in zero if f.note))
        lines.append(
            f"vacuous: the gradient with respect to {', '.join(f.name for f in zero)} is zero everywhere"
            f"{f' ({notes})' if notes else ''}, so that the check shows nothing; choose another point or output, or "
            "pass allow_zero if that is meant"
        )
    return "\n".join(lines)


def _options(
    who: str,
    *,
    fast_mode: bool,
    mode: str,
    masked: bool | None,
    check_forward_ad: bool,
    check_backward_ad: bool,
    check_batched_forward_grad: bool,
    **others: Any,
) -> Options:
    if mode not in ("full", "random"):
        raise ValueError(f"{who}: mode must be 'full' or 'random', got {mode!r}")
    if not (check_forward_ad or check_backward_ad):
        raise ValueError(f"{who}: at least one of check_forward_ad and check_backward_ad must be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise ValueError(f"{who}: check_batched_forward_grad=True needs check_forward_ad=True")
    if masked not in (None, True, False):
        raise TypeError(f"{who}: masked must be a bool or None, got {masked!r}")
    return Options(who, forward=check_forward_ad, entries=mode == "full" and not fast_mode, **others)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    mode: str = "full",
    allow_zero: bool | Collection[str] = False,
    allow_kinks: bool = True,
    report: bool = False,
    keywords: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Any:
    """Check the gradients of `func` numerically.

    A weighted sum of the results is followed along random directions, at many steps. If the gradient is right, what the
    linear approximation leaves falls by 4 at each halving of the step, if not, by 2; steps whose remainder is rounding
    are left out. So there is no tolerance to choose, and numbers may be of any size and in any precision. Where the
    verdict is bad, the worst entry is looked for. With `eps`, `atol` or `rtol` entries are compared with central
    differences instead, as by PyTorch.

    Parameters
    ----------
    func : callable or Module
        Takes the inputs as arguments, returns Tensors, however nested. It must give the same result every time.
        Of a Module, the parameters are checked too, in training and in evaluation, on a float64 copy; see
        `tinygrad_lite.testing.gradcheck_module`.
    inputs : Tensor or sequence
        Those that require grad are checked: they are moved where they lie, and put back, so that `func` may as well
        close over them. Others (Tensors or not) are passed through.
    eps, atol, rtol : float, optional
        Step of the differences (1e-6 if only another one is given), and tolerances (1e-5, 1e-3): an entry fails where
        ``|analytical - numerical| > atol + rtol * |numerical|``. Only for float64 and complex128.
    raise_exception : bool
        Raise on failure, or return False.
    nondet_tol : float
        How far two backward passes may differ.
    check_undefined_grad : bool
        Gradients of zero give zero, and a gradient that is left out is one of zeros.
    check_grad_dtypes : bool
        Gradients have their input's dtype.
    check_batched_grad, check_batched_forward_grad : bool
        `vmap` over the backward pass equals one pass for each vector. Forward mode is made of backward passes here.
    check_forward_ad, check_backward_ad : bool
        Also compare the Jacobian-vector product, which needs second derivatives. At least one must be True.
    fast_mode : bool
        PyTorch's name for ``mode="random"``.
    masked : bool, optional
        For sparse tensors in PyTorch; there are none here, and it has no effect.
    mode : "full" or "random"
        Look for the entry where a gradient is wrong, or only along random directions.
    allow_zero : bool or collection of str
        Accept inputs (or those of these names) whose gradient is zero everywhere, which is otherwise reported as
        vacuous: zeros would have passed, too.
    allow_kinks : bool
        Accept a kink at the point itself if the gradient lies between the slopes on the two sides and is right beside
        it; or report it. `tinygrad_lite.autograd.gradcheck` reports it.
    report : bool
        Return the whole `Report`, whatever the verdict.
    keywords : mapping, optional
        Further arguments of `func`.
    seed : int
        Of the random directions.

    Returns
    -------
    bool or Report

    Raises
    ------
    GradcheckError
        With the input, the index, the expected and the actual value, and all findings in its `report`; for a vacuous
        check; for a function or a backward pass that is not deterministic; for one that is not differentiable near
        the point, or not finite at it; where every step is lost in rounding.
    TypeError
        For a step or tolerance with inputs that are neither float64 nor complex128.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)
    >>> tg.gradcheck(lambda x: x.exp() * x, x)
    True
    """
    options = _options(
        "gradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol, undefined=check_undefined_grad,
        dtypes=check_grad_dtypes, batched=check_batched_grad or check_batched_forward_grad, fast_mode=fast_mode,
        mode=mode, masked=masked, check_forward_ad=check_forward_ad, check_backward_ad=check_backward_ad,
        check_batched_forward_grad=check_batched_forward_grad, allow_zero=allow_zero, allow_kinks=allow_kinks,
        seed=seed,
    )  # fmt: skip
    args, named = _listed(inputs), dict(keywords or {})
    try:
        if modules.is_module(func):
            found = modules.check(options.check, func, args, named, only_marked=True)
        else:
            leaves, names = _leaves(args, named)
            found = options.check(lambda: func(*args, **named), leaves, names)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return finish(found, raise_exception, report, "gradcheck", func)


def gradcheck_module(
    module: Any,
    *inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    train: bool = True,
    evaluate: bool = True,
    dtype: Any = np.float64,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    mode: str = "full",
    allow_zero: bool | Collection[str] = False,
    allow_kinks: bool = True,
    report: bool = False,
    keywords: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Any:
    """Check the gradients of a module: every floating input and every parameter, in training and in evaluation.

    The check works on a copy, of float64 by default. Random layers such as dropout see the same random numbers in every
    call, and buffers such as running statistics are put back after each, so the module is a function of its inputs.

    Parameters
    ----------
    module : nn.Module
        Anything with `named_parameters`, `train` and `eval`. It is not changed.
    *inputs : Tensor or array
        What `module` is called with; floating ones are checked, too.
    loss : callable, optional
        Applied to the module's output.
    train, evaluate : bool
        Which of the two modes to check.
    dtype : dtype
        The precision of the copy that is checked: in float32 the kernels of float32 are, and smaller slips are lost.
    eps, atol, rtol, mode, allow_kinks, report, keywords, seed
        As for `gradcheck`.
    allow_zero : bool or collection of str
        Names of parameters (or ``"input 0"``) whose gradient may be zero everywhere, such as a bias in front of a
        batch normalization; True for all.

    Returns
    -------
    bool or Report
        True; failures raise, unless the report is asked for.

    Raises
    ------
    GradcheckError
        Names the mode, the parameter, the index, the expected and the actual value.

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> from tinygrad_lite import nn
    >>> _ = tg.manual_seed(0)
    >>> tg.testing.gradcheck_module(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), tg.randn(5, 3))
    True
    """
    options = _options(
        "gradcheck_module", eps=eps, atol=atol, rtol=rtol, nondet_tol=0.0, undefined=False, dtypes=False,
        batched=False, fast_mode=False, mode=mode, masked=None, check_forward_ad=False, check_backward_ad=True,
        check_batched_forward_grad=False, allow_zero=allow_zero, allow_kinks=allow_kinks, seed=seed,
    )  # fmt: skip
    found = modules.check(
        options.check, module, inputs, keywords or {}, only_marked=False, loss=loss, train=train, evaluate=evaluate,
        dtype=dtype,
    )  # fmt: skip
    return finish(found, True, report, "gradcheck", module)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    mode: str = "full",
    allow_zero: bool | Collection[str] = False,
    allow_kinks: bool = True,
    report: bool = False,
    seed: int = 0,
) -> Any:
    """Check the gradients of the gradients of `func` numerically.

    Parameters
    ----------
    func : callable
        As for `gradcheck`.
    inputs, eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes, check_batched_grad
        As for `gradcheck`.
    fast_mode, masked, mode, allow_kinks, report, seed
        As for `gradcheck`.
    grad_outputs : Tensor or sequence of Tensor, optional
        The vectors that the first derivative is taken with; random when missing. They are inputs of the check, too.
    gen_non_contig_grad_outputs : bool
        Random ones are not contiguous.
    check_fwd_over_rev, check_rev_over_rev : bool
        As `check_forward_ad` and `check_backward_ad` of `gradcheck`.
    allow_zero : bool or collection of str
        Accept first derivatives that depend on nothing.

    Returns
    -------
    bool or Report

    Examples
    --------
    >>> import tinygrad_lite as tg
    >>> x = tg.tensor([0.5, -1.0], dtype=tg.float64, requires_grad=True)
    >>> tg.gradgradcheck(lambda x: x.exp() * x, x)
    True
    """
    options = _options(
        "gradgradcheck", eps=eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol, undefined=check_undefined_grad,
        dtypes=check_grad_dtypes, batched=check_batched_grad, fast_mode=fast_mode, mode=mode, masked=masked,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, check_batched_forward_grad=False,
        allow_zero=allow_zero, allow_kinks=allow_kinks, seed=seed, joint=True,
    )  # fmt: skip
    args = _listed(inputs)
    leaves, names = _leaves(args, {})
    options._refuse(leaves, names)
    try:
        outputs = [o for o in Probe(lambda: func(*args), leaves, names).outputs() if o.requires_grad]
        if grad_outputs is None:
            random = np.random.default_rng(seed + 1)
            vectors = [_draw(random, o, gen_non_contig_grad_outputs) for o in outputs]
        else:
            vectors = [wrap(np.array(unwrap(v), order="C")) for v in _listed(grad_outputs)]
        for v in vectors:
            v.requires_grad_()

        first = FirstDerivatives(lambda: func(*args), leaves, vectors)
        if not any(first.there):
            if allow_zero is True:
                return Report(()) if report else True
            raise GradcheckError("gradgradcheck: vacuous: the first derivative does not depend on anything")
        labels = [*names, *(f"grad_output {i}" for i in range(len(vectors)))]
        found = options.check(first.recorded, [*leaves, *vectors], labels, first.unrecorded)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return finish(found, raise_exception, report, "gradgradcheck")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _leaves(args: Sequence[Any], keywords: Mapping[str, Any]) -> tuple[list[Any], list[str]]:
    """The arguments to be checked, each once, and their names."""
    found: dict[int, tuple[Any, str]] = {}
    for name, value in (*((f"input {i}", a) for i, a in enumerate(args)), *keywords.items()):
        if isinstance(value, rules.Tensor) and value.requires_grad:
            found.setdefault(id(value), (value, name))
    return [value for value, _ in found.values()], [name for _, name in found.values()]


def _draw(random: Any, like: Any, scattered: bool) -> Any:
    """A random Tensor of the shape of another, complex where that is."""
    shape = (*like.shape, 2) if scattered else like.shape
    out = random.standard_normal(shape)
    if like.dtype.kind == "c":
        out = out + 1j * random.standard_normal(shape)
    out = np.asarray(out, like.dtype)
    return wrap(out[..., 0] if scattered else out)
