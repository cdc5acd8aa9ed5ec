"""Performs calls of runlet.v1 for the interop tests."""
