"""Recognition of people by pixels: fingerprints of the archive's files, and matches with OASIS-1's volumes."""
