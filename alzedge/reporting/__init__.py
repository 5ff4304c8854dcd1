"""Reports to take away: one page as HTML, PDF or DICOM; readers' labels and their agreement."""
