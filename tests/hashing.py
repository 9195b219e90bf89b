from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Argon2 with its smallest parameters: the real ones take a fifth of a second for each person in a test.

    A hash carries its own parameters, so a live server, which has the real settings, can read these.
    """

    time_cost, memory_cost, parallelism = 1, 8, 1
