"""What runs on a host: one observer per kind, and what they share (standard library only)."""
