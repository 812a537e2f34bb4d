"""The audio of a request: opened once, its blocks handed to everything that reads them."""
