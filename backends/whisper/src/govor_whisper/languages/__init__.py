"""Find the languages spoken in a recording, and the places where they change."""
