"""Evidence on people: by age and sex, adjusted for age, beside what their table alone tells, and of measured quantities."""
