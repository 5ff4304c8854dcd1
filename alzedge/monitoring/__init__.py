"""Statistics, schema, validation and drift: is what comes in like what the model was made for?"""
