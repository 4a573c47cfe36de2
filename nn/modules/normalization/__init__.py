"""BatchNorm, InstanceNorm, LayerNorm, GroupNorm, and the lazy ones."""
