"""Senders of notices, one file each."""
