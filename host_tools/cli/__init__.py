"""The command `fxnn`: one file a command; it prints, the other rooms work."""
