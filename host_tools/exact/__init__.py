"""The host's exact kernels: what every backend must answer, in NumPy."""
