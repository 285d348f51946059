"""Code that runs on a host: observers, writers, and what both share (standard library only)."""
