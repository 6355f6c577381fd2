"""Requests, as all ways in handle them: answers, authentication and its expiry, coming back."""
