"""Where every buffer lies in the arena, and every constant in the file."""
