"""How a step is made of a class: `declare`, `bind`, `plan`, `run`, in this order; none imports a later one."""
