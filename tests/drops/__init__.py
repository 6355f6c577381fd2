"""One client whose connection is lost again and again: does it get every message once?"""
