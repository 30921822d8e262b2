"""Suites of whole messages: marking, damaging and reading as a user does."""
