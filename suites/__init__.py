"""Systems under test, a folder each."""
