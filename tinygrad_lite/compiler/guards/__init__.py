"""What a program depends on, and how it is asked whether that still holds."""
