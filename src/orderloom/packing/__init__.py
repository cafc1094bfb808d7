"""Cartonization, pick, scan, pack."""
