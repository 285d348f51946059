"""Automatic rollback of a change of network or rules that no new login confirmed."""
