"""The way of an order, told once: start with order.py."""
