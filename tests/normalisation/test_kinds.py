"""Each kind of value is written one way, and what is none of its kind says so without repeating it."""

import pytest

from normalisation.kinds import KINDS, Invalid


@pytest.mark.parametrize(
    ("kind", "country", "written", "expected"),
    [
        ("email", "", "Anna.Groß@Example.ORG", "anna.groß@example.org"),
        ("email", "", "Anna <anna@example.org>", "anna@example.org"),
        ("email", "", "mailto:a.b+shop@bücher.example", "a.b+shop@xn--bcher-kva.example"),
        ("phone", "DE", "0170/123 45 67", "+491701234567"),
        ("phone", "DE", "+49 (0)170-1234567", "+491701234567"),
        ("phone", "DE", "0043 664 1234567", "+436641234567"),
        ("phone", "AT", "(0664) 1234567", "+436641234567"),
        ("phone", "DE", "\uff10170 1234567", "+491701234567"),
        ("postcode", "DE", "D-20095", "20095"),
        ("postcode", "AT", "1010", "1010"),
        ("postcode", "GB", "sw1a 1aa", "SW1A 1AA"),
        ("person_name", "", "Dr. Müller-Groß, Anna", "anna mueller gross"),
        ("person_name", "", "ANNA  MÜLLER ", "anna mueller"),
        ("person_name", "", "MÃ¼ller", "mueller"),
        ("person_name", "", "Mu\u0308ller", "mueller"),
        ("person_name", "", "Łukasz Đorđević", "lukasz dordevic"),
        ("person_name", "", "Иван O\u2019Neill", "ivan oneill"),
        ("person_name", "", "von der Heydt", "von der heydt"),
        ("street", "", "Karl-Marx-Str. 12 A", "karlmarxstrasse 12a"),
        ("street", "", "KARL MARX STRASSE 12a", "karlmarxstrasse 12a"),
        ("street", "", "Goethestraße 5", "goethestrasse 5"),
        ("street", "", "Straße des 17. Juni 135", "strassedes 17juni135"),
        ("town", "", "St. Pölten", "sankt poelten"),
        ("user_agent", "", "Mozilla/5.0 (compatible; UptimeRobot/2.0)", "machine"),
        ("user_agent", "", "Mozilla/5.0 (Macintosh) Safari/605.1", "browser"),
    ],
)
def test_it_is_written_one_way(kind, country, written, expected):
    assert KINDS[kind](written, country) == expected


@pytest.mark.parametrize(
    ("kind", "country", "written", "reason"),
    [
        ("email", "", "anna,gross@example.org", "no e-mail address (EmailSyntaxError)"),
        ("email", "", "anna", "no e-mail address (EmailSyntaxError)"),
        ("phone", "DE", "O170 1234567", "letters in a number"),
        ("phone", "DE", "kein", "letters in a number"),
        ("phone", "DE", "000000", "nothing but zeros"),
        ("phone", "DE", "0110", "no length of a number of +49"),
        ("phone", "DE", "0170 12345678901234", "no length of a number of +49"),
        ("phone", "DE", "--", "no phone number"),
        ("postcode", "DE", "2OO95", "no postcode of DE"),
        ("postcode", "AT", "20095", "no postcode of AT"),
        ("postcode", "DE", "00000", "nothing but zeros"),
        ("person_name", "", "---", "no letter"),
        ("street", "", "12", "no letter"),
    ],
)
def test_what_is_none_of_its_kind_says_why(kind, country, written, reason):
    with pytest.raises(Invalid) as refusal:
        KINDS[kind](written, country)
    assert str(refusal.value) == reason
