"""Readers of files of events, one module per format, and what is done with events on the way."""
