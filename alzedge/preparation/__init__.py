"""Preparation of a scan: from any T1 volume of a head to slices in the atlas frame, with figures on the quality of the fit."""
