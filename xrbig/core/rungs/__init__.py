"""Estimates that measure what layers leave, and map nothing."""
