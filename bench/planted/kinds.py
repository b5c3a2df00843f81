"""Which check is to find which kind of planted defect, and why some kinds cannot be seen in a single department."""

# kind -> the rules that are meant to find it: another rule on a sound value is not held against the kind.
RULES = {
    "typo": ("typo", "determined"),
    "swapped_names": ("swapped",),
    "ocr_digits": ("pattern", "checksum", "identifier"),
    "missing": ("empty",),
    "default": ("placeholder",),
    "wrong_transliteration": ("typo", "determined"),
    "mojibake": ("encoding",),
    "wrong_birth_year": ("implausible",),
    "invalid_birth_date": ("type",),
    "blanks": ("blanks",),
    "wrong_case": ("letter_case",),
    "extra_field": ("malformed_line",),
    "repeated_event": ("duplicate_key",),
    "receipt_booked_twice": ("duplicate_key",),
    "duplicate_record": ("duplicate_key",),
    "missing_article": ("missing",),
    "unreadable_amount": ("type",),
    "score_out_of_range": ("maximum",),
    "impossible_litres": ("type",),
    "negative_cups": ("minimum",),
    "late_record": ("late",),
    "missing_id": ("none_filled",),
    "name_in_capitals": ("letter_case",),
    "typed_email_wrong": ("pattern", "identifier"),
    "bot_event": ("machine",),
}
# kind -> what a reader is told where nothing was found.
UNSEEN = {
    "nickname": "a nickname is a name: left to identity resolution",
    "old_address": "a former address is an address: only another department knows the newer one",
    "outdated": "the former name, number or e-mail is a sound value: only another department knows the newer one",
    "wrong_label": "a wrong label is one of the labels: only the text tells, see the text model",
    "contradiction": "the records name the person by different ids: seen once identities are resolved",
    "wrong_transliteration": "Mueller is a name too: left to identity resolution",
    "typo": "a plausible name keeps the contract: left to identity resolution",
    "wrong_birth_year": "a plausible birth date keeps the contract",
    "swapped_names": "both names are seen in both columns or too rarely",
}
# Columns of a defect that the truth names as a group.
FIELDS = {"address": ("street", "postcode", "town")}
# How the truth names a record of each entity, from the raw columns; entities that are not here have no planted rows.
KEYS = {
    ("crm", "contacts"): ("contact_no", "changed_at"),
    ("web", "events"): ("event_id",),
    ("app", "events"): ("event_id",),
    ("till", "receipts"): ("receipt_no", "line_no"),
    ("feedback", "answers"): ("answer_id",),
    ("devices", "telemetry"): ("serial_no", "measured_date"),
    ("service", "tickets"): ("ticket_id",),
    ("consent", "changes"): ("change_id",),
    ("shop", "accounts"): ("account_id",),
    ("marketing", "sends"): ("send_id",),
    ("shop", "orders"): ("order_no",),
}
JOINED_BY = {("crm", "contacts"): "|", ("till", "receipts"): "/", ("devices", "telemetry"): "/"}
