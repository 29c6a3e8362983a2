"""Readers: a model file to the IR."""
