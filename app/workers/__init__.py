"""What workers in other processes emit through Redis."""
