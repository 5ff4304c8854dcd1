"""Questions and answers of the page as plain values: uploads read, slices answered, evidence found."""
