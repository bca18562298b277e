"""Files that customers hand in: checked, re-made, encrypted, and shown to nobody but their owner and a reviewer."""
