"""The packed file (models/FORMAT.md) as the host reads it, and how far each record reaches."""
