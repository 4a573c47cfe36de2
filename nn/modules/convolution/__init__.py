"""Conv1d to Conv3d, their transposes, and the lazy ones."""
