"""What a response is written in: the reader's language and time zone."""
