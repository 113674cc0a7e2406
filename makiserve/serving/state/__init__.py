"""State of lanes across restarts: checkpoints in a compacted topic, and how lanes are restored from them."""
