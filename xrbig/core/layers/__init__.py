"""Layers: one file for each kind, which has its maps, how they are fitted and what they gain."""
