"""The operator's door: pages in the browser."""
