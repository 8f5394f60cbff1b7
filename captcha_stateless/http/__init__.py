"""What stands around every handler: connections, proxies, headers, the queue, routes, errors and the access log."""
