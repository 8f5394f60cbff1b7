"""One small file a framework, each over :class:`captcha_stateless.client.Client`; none is imported unless it is used."""
