"""Convolutions of 3 x 3 by Winograd's minimal filtering: fewer multiplications, on tiles that are transformed."""
