"""Redis, which replicas share: how its URL is read, and how it is connected to."""
