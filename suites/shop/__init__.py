"""The shop: see README.md."""
