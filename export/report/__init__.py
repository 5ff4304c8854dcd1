"""Tables, plots and pages that several reports share."""
