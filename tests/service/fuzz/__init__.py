"""Files and specs that went wrong on their way, made from right ones by a seeded random number generator."""
