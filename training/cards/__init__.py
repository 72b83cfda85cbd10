"""Model cards: each version describes itself, in one page that opens anywhere."""
