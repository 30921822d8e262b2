"""Suites of bits: a paper's table as data, run for several networks side by side."""
