"""The networks of GigaAM, and the features that they take."""
