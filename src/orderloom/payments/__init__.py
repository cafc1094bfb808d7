"""Authorise, capture, refund, and the order's ledger."""
