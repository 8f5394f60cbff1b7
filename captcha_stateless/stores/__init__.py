"""What is kept outside of the process: Redis, which replicas share, and files that are written whole."""
