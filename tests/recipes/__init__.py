"""Tests of the recipes in docs/recipes."""
