"""Tests of the client for back ends."""
