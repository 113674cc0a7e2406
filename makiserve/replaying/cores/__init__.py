"""A replay on several cores."""
