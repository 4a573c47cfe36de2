"""interpolate, grid_sample, affine_grid."""
