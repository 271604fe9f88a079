"""Jobs: what is asked, the states a job goes through, and what is measured on the way. No input or output here."""
