"""The wire forms of other people's widgets: what they are handed and what they hand back, parsed strictly and worded."""
