"""The rules of de-identification: attributes that survive, their new values, pseudonyms, and refusals."""
