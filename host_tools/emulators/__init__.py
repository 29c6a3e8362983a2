"""Boards without boards: what downloads or builds and runs the emulated ones."""
