"""What lies on a board: the device package's modules for it, compiled, and the program that runs jobs there."""
