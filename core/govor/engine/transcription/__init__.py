"""One recording on its way: its model, its chunks, its text in order."""
