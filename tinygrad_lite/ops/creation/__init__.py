"""zeros, full, arange, eye, *_like, window functions: tensors made from sizes and numbers."""
