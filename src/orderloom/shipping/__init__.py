"""Contracts, rating, selection, labels, manifests."""
