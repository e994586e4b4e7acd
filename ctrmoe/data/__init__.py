"""Tables in: reading, vocabularies, encoding, and feeding to Keras."""
