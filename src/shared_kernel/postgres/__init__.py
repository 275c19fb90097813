"""Postgres with a schema per module behind one connection: a thin layer over Django's own backend."""
