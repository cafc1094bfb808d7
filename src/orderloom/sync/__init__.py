"""Webhooks, feeds, and the exchange with other systems."""
