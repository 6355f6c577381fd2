"""Real processes, a real Redis, faults at random: is every promise about messages kept?"""
