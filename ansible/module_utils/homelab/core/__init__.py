"""What knows no kind: records, ownership, validation, system access, rollback."""
