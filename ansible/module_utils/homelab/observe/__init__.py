"""Reads the host. Together with core this is what a refresh sends."""
