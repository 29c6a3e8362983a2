"""A graph in floats: what the quantizer measures with."""
