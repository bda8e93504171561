"""Endpoints: how a request is read and answered, and those that every application has."""
