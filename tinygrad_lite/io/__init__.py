"""save, load, from_dlpack, draw_graph: tensors and graphs leave the process and come back."""
