"""What was sent, who got it, and whether each promise about messages was kept."""
