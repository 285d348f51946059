"""Code that names no kind: records, ownership, validation, system access, rollback."""
