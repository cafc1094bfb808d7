"""The journeys' door: claims due work and runs its steps."""
