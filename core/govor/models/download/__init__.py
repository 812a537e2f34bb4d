"""Download the files of models: find sources, resume, verify."""
