"""Served models: a local server, clients, what runs beside TensorFlow Serving, promotion, load."""
