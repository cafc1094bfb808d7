"""Tracking, promise, proof of delivery."""
