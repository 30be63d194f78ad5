"""Pictures and settings -> trained weights."""
