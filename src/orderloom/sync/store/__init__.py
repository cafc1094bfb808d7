"""All SQL of the schema `sync`, one file a matter."""
