"""Promises of the features: what rows say, and what they cannot know."""
