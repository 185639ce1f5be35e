"""Recordings that other people made, as events; and figures taken straight from their files."""
