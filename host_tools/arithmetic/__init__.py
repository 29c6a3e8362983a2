"""The integers that kernels and host agree on: scales to multipliers, tables, int16. It sees numbers, never a graph."""
