"""The sources of a model's files, and the roles of files in a folder."""
