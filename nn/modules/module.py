"""What PyTorch has in its file of this name: `Module`, and the hooks of all modules."""

from __future__ import annotations

from ..hooks import register_module_backward_hook as register_module_backward_hook
from ..hooks import register_module_buffer_registration_hook as register_module_buffer_registration_hook
from ..hooks import register_module_forward_hook as register_module_forward_hook
from ..hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from ..hooks import register_module_full_backward_hook as register_module_full_backward_hook
from ..hooks import register_module_full_backward_pre_hook as register_module_full_backward_pre_hook
from ..hooks import register_module_module_registration_hook as register_module_module_registration_hook
from ..hooks import register_module_parameter_registration_hook as register_module_parameter_registration_hook
from ..module import Module as Module
from ..module_text import indented as _addindent  # noqa: F401
from ..state_dict import IncompatibleKeys as _IncompatibleKeys  # noqa: F401
