"""What users put in their own tests: checks of gradients and of whole modules, and comparisons of tensors.

from tinygrad_lite.testing import check_module

def test_my_layer():
    check_module(MyLayer(3, 4), tg.randn(5, 3))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..ops.random.make_tensor import make_tensor as make_tensor
    from .checks import gradcheck as gradcheck
    from .checks import gradcheck_module as gradcheck_module
    from .checks import gradgradcheck as gradgradcheck
    from .close import assert_allclose as assert_allclose
    from .close import assert_close as assert_close
    from .contract.breach import Breach as Breach
    from .contract.breach import ContractError as ContractError
    from .contract.breach import ContractReport as ContractReport
    from .contract.check_module import check_module as check_module
    from .gradients.central_differences import numerical_gradient as numerical_gradient
    from .gradients.report import Finding as Finding
    from .gradients.report import GradcheckError as GradcheckError
    from .gradients.report import Report as Report
    from .precision import Digits as Digits
    from .precision import digits as digits

_HOME = {  # loaded when it is first used
    **dict.fromkeys(("gradcheck", "gradcheck_module", "gradgradcheck"), "checks"),
    **dict.fromkeys(("assert_allclose", "assert_close"), "close"),
    **dict.fromkeys(("Breach", "ContractError", "ContractReport"), "contract.breach"),
    "check_module": "contract.check_module",
    **dict.fromkeys(("Digits", "digits"), "precision"),
    "make_tensor": ".ops.random.make_tensor",
    "numerical_gradient": "gradients.central_differences",
    **dict.fromkeys(("Finding", "GradcheckError", "Report"), "gradients.report"),
}

__all__ = [
    "Breach", "ContractError", "ContractReport", "Digits", "Finding", "GradcheckError", "Report", "assert_allclose",
    "assert_close", "check_module", "digits", "gradcheck", "gradcheck_module", "gradgradcheck", "make_tensor",
    "numerical_gradient",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
