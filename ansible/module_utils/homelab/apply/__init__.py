"""Changes the host. Imports core and observe, never the other way round."""
