"""The REST door: translate, make one call, translate back."""
