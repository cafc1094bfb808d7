"""Returns, inspection, disposition, exchanges."""
