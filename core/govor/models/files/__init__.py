"""Models' files on disk: installation, ownership, use of space, removal."""
