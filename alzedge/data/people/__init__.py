"""The people of OASIS-1 and the recovery of who is who in the Kaggle archive, which shows 200 of them.

No identity is stored here. A user who has the archive and OASIS-1's public table finds them again
(`recovery`), sees the proof on his own copy (`proof`), and with the volumes at hand a second,
independent one (`pixels`). OASIS's identifiers are random: nobody is named by them.
"""
