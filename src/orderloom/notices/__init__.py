"""What to tell whom, when, over which channel."""
