"""Passes over graphs: `shape_prop.ShapeProp`."""

from __future__ import annotations

from . import shape_prop as shape_prop
