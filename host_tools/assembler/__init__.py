"""What the assembler kernels of each architecture need in a record, and the descriptions they are written from."""
