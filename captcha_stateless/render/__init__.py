"""Glyphs to pixels to PNG: pure functions of what is drawn and of a seed."""
