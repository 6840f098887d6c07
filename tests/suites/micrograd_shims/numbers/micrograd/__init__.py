"""micrograd's package, whose numbers are those of `tinygrad_init.scalar`."""
