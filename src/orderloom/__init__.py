"""Orderloom: the hub that takes an order from “buy” to “delivered”, and back again when it is returned."""
