"""Rules of requests that HTTP and the terminal share: channels, speakers, lines of subtitles, faults."""
