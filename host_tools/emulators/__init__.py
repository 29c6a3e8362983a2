"""Machines that are not here: the emulators that targets and tests run on, and what is built for them."""
