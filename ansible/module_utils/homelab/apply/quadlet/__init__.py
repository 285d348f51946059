"""Changes Quadlet units."""
