"""The terminal itself: tables, lines, options and exits."""
