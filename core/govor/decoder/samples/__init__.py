"""Decoded samples: their times, their scale, and all channels mixed to one."""
