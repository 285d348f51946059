"""Reads Quadlet units and what they made."""
