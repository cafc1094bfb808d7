"""Where each line ships from, and why."""
