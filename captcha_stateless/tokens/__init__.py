"""Tokens: claims sealed for the way (JWE), passes signed for everyone to verify (JWS), and their keys."""
