"""The commands that need neither TensorFlow nor Keras, and the options that all commands share."""
