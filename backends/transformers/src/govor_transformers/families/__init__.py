"""One module for each family of models: Whisper, Voxtral, CTC, and others that write a text."""
