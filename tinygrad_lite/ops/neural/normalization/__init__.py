"""batch_norm, instance_norm, layer_norm, group_norm, normalize."""
