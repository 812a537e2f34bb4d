"""Output and options of terminal commands: tables, lines, settings, exit."""
