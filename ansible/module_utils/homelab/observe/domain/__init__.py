"""Reads libvirt domains and computes their definitions."""
