"""`gradcheck` and `gradgradcheck`: numerical checks of gradients, for your own tests.

    assert tg.gradcheck(my_function, inputs)          # first derivatives
    assert tg.gradgradcheck(my_function, inputs)      # second derivatives
    assert tg.gradcheck(my_module, inputs)            # and its parameters, in training and in evaluation

The verdict is by the order at which the remainder of the linear approximation vanishes, so that there is no tolerance
to choose and no scale at which a right gradient is accused. The check refuses to be fooled: a gradient that is zero
everywhere proves nothing and is reported as vacuous; a function that changes from call to call is reported; and a kink
(`relu` at 0) is reported as one, and the rule checked beside it.
"""

from __future__ import annotations

from .testing.checks import gradcheck, gradgradcheck
from .testing.gradients.report import Finding, GradcheckError, Report

__all__ = ["Finding", "GradcheckError", "Report", "gradcheck", "gradgradcheck"]
