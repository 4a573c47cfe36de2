"""conv1d to conv3d, their transposes, fold, unfold and pixel_shuffle."""
