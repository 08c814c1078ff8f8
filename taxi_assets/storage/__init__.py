"""Where each thing lies, and how it gets there whole. Knows nothing of what is stored."""
