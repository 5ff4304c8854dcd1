"""From the answers for slices to one person's: brain volume, apparent age, any dementia, stages, percentiles."""
