"""What is told of the work: events, metrics, logs and traces."""
