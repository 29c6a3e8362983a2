"""A graph to a packed file: passes, folding, lowering, memory plan, writer."""
