"""Turns a request's fields, in every spelling, into work for the engine."""
