"""The verdict on a gradient: along directions, entry by entry, and by differences with a given step."""
