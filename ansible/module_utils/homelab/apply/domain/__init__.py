"""Changes libvirt domains."""
