"""Thumb: kernels for the RP2040 and other Cortex-Ms."""
