"""All SQL of the schema `orders`: one function a statement."""
