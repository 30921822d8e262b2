"""Suites of distortions as TOML data, and the one runner of all of them."""
