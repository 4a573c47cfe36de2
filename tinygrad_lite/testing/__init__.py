"""What users put in their own tests: gradient checks of functions and whole modules, and comparisons of tensors.

from tinygrad_lite.testing import gradcheck_module

def test_my_layer():
    gradcheck_module(MyLayer(3, 4), tg.randn(5, 3))
"""

from __future__ import annotations

from ..ops.random.make_tensor import make_tensor as make_tensor
from .central_differences import numerical_gradient as numerical_gradient
from .checks import gradcheck as gradcheck
from .checks import gradcheck_module as gradcheck_module
from .checks import gradgradcheck as gradgradcheck
from .close import assert_close as assert_close
from .contract.breach import Breach as Breach
from .contract.breach import ContractError as ContractError
from .contract.breach import ContractReport as ContractReport
from .contract.check_module import check_module as check_module
from .report import Finding as Finding
from .report import GradcheckError as GradcheckError
from .report import Report as Report

__all__ = [
    "Breach", "ContractError", "ContractReport", "Finding", "GradcheckError", "Report", "assert_close", "check_module",
    "gradcheck", "gradcheck_module", "gradgradcheck", "make_tensor", "numerical_gradient",
]  # fmt: skip
