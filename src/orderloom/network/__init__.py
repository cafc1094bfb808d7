"""Nodes, calendars, cut-offs, capacity, regions; sales channels."""
