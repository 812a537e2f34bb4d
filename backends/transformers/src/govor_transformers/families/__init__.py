"""How each family of models is asked: Whisper, Voxtral, CTC, and others that write a text."""
