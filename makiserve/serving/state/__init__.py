"""The state of lanes across restarts: checkpoints in a compacted topic, and how a lane begins from them."""
