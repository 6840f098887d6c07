"""micrograd's package, whose numbers are tensors of this one."""
