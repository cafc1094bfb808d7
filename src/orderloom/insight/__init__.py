"""Read-only SQL across the schemas: lists, search, analytics, audit."""
