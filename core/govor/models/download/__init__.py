"""Fetching the files of models: from where, resumed, verified."""
