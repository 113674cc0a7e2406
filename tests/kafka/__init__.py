"""What tests add to a real broker: access control, and a batch that cannot be read."""
