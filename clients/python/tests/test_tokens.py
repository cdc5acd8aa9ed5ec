"""What every implementation of tokens has to agree on."""

import json
import unittest
from datetime import datetime, timezone
from pathlib import Path

import runlet
from runlet._tokens import narrow_with, parse_token, public_key_of

_DOCS = Path(__file__).resolve().parents[3] / "docs"
VECTORS = json.loads((_DOCS / "token-vectors.json").read_text(encoding="utf-8"))


def arguments(vector):
    """What a vector narrows a token by, as `narrow_token` has it."""
    names = {"session": "session_id", "exp": "not_after"}
    return {names.get(name, name): value for name, value in vector["narrowing"].items()}


class Tokens(unittest.TestCase):
    def each(self, kind, check):
        self.assertTrue(VECTORS[kind])
        for vector in VECTORS[kind]:
            with self.subTest(vector["name"]):
                check(vector)

    def test_public_keys(self):
        def check(vector):
            seed = bytes.fromhex(vector["seed"])
            self.assertEqual(parse_token(vector["token"]).seed, seed)
            self.assertEqual(public_key_of(seed), vector["public_key"])

        self.each("tokens", check)

    def test_narrows_to_the_exact_bytes(self):
        def check(vector):
            seed = bytes.fromhex(vector["next_seed"])
            narrowed = narrow_with(vector["token"], seed, **arguments(vector))
            self.assertEqual(narrowed, vector["narrowed"])
            parse_token(narrowed)

        self.each("narrowed", check)

    def test_refuses_to_narrow(self):
        def check(vector):
            with self.assertRaises(ValueError):
                runlet.narrow_token(vector["token"], **arguments(vector))

        self.each("refused_narrowings", check)

    def test_takes_what_others_may_write(self):
        def check(vector):
            parse_token(runlet.narrow_token(vector["token"], not_after=1))

        self.each("valid_tokens", check)

    def test_narrows_no_invalid_token(self):
        def check(vector):
            with self.assertRaises(runlet.InvalidToken):
                runlet.narrow_token(vector["token"])

        self.each("invalid_tokens", check)

    def test_next_holders_differ(self):
        token = VECTORS["tokens"][0]["token"]
        self.assertNotEqual(runlet.narrow_token(token), runlet.narrow_token(token))

    def test_takes_a_time_with_its_zone(self):
        token = VECTORS["tokens"][0]["token"]
        seed = bytes(32)
        end = datetime(2030, 1, 1, 0, 0, 0, 999_999, timezone.utc)
        expected = narrow_with(token, seed, not_after=1893456000)
        self.assertEqual(narrow_with(token, seed, not_after=end), expected)
        with self.assertRaises(ValueError):
            runlet.narrow_token(token, not_after=datetime(2030, 1, 1))


if __name__ == "__main__":
    unittest.main()
