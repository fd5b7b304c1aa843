"""Readers of event files, one module per format, with selection, pairing and checks of events."""
