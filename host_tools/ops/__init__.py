"""Each op's lowering to kernel calls, one file a family."""
