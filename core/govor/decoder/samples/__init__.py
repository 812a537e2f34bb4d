"""Decoded samples: their time, their scale, and all channels mixed to one."""
