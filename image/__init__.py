"""The container image: built, and tried out."""
