import base64
import json

import pytest

from broadsheet.mail.bounces.read import read
from broadsheet.mail.tests.bounce_messages import mail

SENDMAIL = """The original message was received at noon

   ----- The following addresses had permanent fatal errors -----
<ada@there.example>
    (reason: 550 5.1.1 <ada@there.example>... User unknown)

   ----- Transcript of session follows -----
... while talking to mx.there.example.:
>>> DATA
<<< 550 5.1.1 <ada@there.example>... User unknown
<<< 503 5.0.0 Need RCPT (recipient)
"""
QMAIL = """Hello, this is the mail program at mx.lab.example.
I was not able to deliver your message.

<ada@there.example>:
192.0.2.4 does not like recipient.
Remote host said: 550 5.1.1 nobody here of that name
<bob@there.example>:
This account is over quota. (#5.2.2)

--- Below this line is a copy of the message.

Message-ID: <digest.9@lab.example>
To: ada@there.example
"""
EXIM = """A message that you sent could not be delivered to one of its recipients.

  ada@there.example
    host mx.there.example [192.0.2.9]
    SMTP error from remote mail server after MAIL FROM:<digest@lab.example>:
    550 No such domain lab.example

------ This is a copy of the message, including all the headers. ------
Message-ID: <digest.9@lab.example>
"""
TRANSCRIPT = """   ----- Transcript of session follows -----
550 one.example (smtp)... 550 Host unknown
554 <ada@one.example>... 550 Host unknown
While talking to mx.two.example:
>>> RCPT To:<bob@two.example>
<<< 550 <bob@two.example>... User unknown
550 <bob@two.example>... User unknown

   ----- Unsent message follows -----
To: ada@one.example
"""
LATE = """THIS IS A WARNING ONLY.
Delivery to the following recipient has been delayed:

     ada@there.example

Message will be retried for 2 more days
"""
PAGE = """<html><style>p {color: red}</style><p>Your mail could not be delivered to
<b>ada@there.example</b></p><p>550 5.2.2 The mailbox is full</p></html>"""
JAPANESE = """メールを送信できませんでした。

Recipient: <ada@there.example>
>>> RCPT TO:<ada@there.example>
<<< 550 User unknown
"""


def outcomes(raw: bytes) -> list[tuple[str, str, str, bool]]:
    return [(one.address, one.status, one.reason, one.hard) for one in read(raw).recipients]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (SENDMAIL, [("ada@there.example", "5.1.1", "userunknown", True)]),
        (
            QMAIL,
            [
                ("ada@there.example", "5.1.1", "userunknown", True),
                ("bob@there.example", "5.2.2", "mailboxfull", False),
            ],
        ),
        (EXIM, [("ada@there.example", "5.0.0", "rejected", False)]),
        (
            TRANSCRIPT,
            [("ada@one.example", "5.0.0", "hostunknown", True), ("bob@two.example", "5.0.0", "userunknown", True)],
        ),
        (LATE, [("ada@there.example", "4.0.0", "expired", False)]),
    ],
)
def test_free_text_gives_each_recipient_and_its_own_fate(body: str, expected: list[tuple[str, str, str, bool]]) -> None:
    assert read(mail(body)).kind == "bounce"
    assert outcomes(mail(body)) == expected


def test_the_returned_mail_is_not_part_of_the_notice() -> None:
    told = read(mail(QMAIL))

    assert told.message_id == "digest.9@lab.example"
    assert len(told.recipients) == 2


def test_a_page_is_read_as_its_words() -> None:
    assert outcomes(mail(PAGE, Content_Type="text/html")) == [("ada@there.example", "5.2.2", "mailboxfull", False)]


def test_base64_and_other_scripts_are_read() -> None:
    body = base64.encodebytes(JAPANESE.encode("iso-2022-jp")).decode()
    raw = mail(
        body,
        subject="=?utf-8?b?44Ko44Op44O8?=",
        Content_Type="text/plain; charset=ISO-2022-JP",
        Content_Transfer_Encoding="base64",
    )

    assert outcomes(raw) == [("ada@there.example", "5.0.0", "userunknown", True)]


def test_a_failed_recipients_header_names_whom_the_words_leave_out() -> None:
    raw = mail("Your message could not be delivered: over quota.", X_Failed_Recipients="ada@there.example")

    assert outcomes(raw) == [("ada@there.example", "5.0.0", "mailboxfull", False)]


def test_a_subject_that_quotes_a_vacation_is_no_vacation() -> None:
    raw = mail("<ada@there.example>: 550 5.1.1 User unknown", subject="Undeliverable: vacation, out of office")

    assert read(raw).kind == "bounce"


def test_a_report_within_the_note_of_another_mail_system_is_read() -> None:
    inner = mail("<ada@there.example>: host said: 450 4.7.1 Client host rejected: blocked").decode()
    raw = mail(f"Some mail could not be delivered:\nReturn-Path: <>\n{inner}")

    assert outcomes(raw) == [("ada@there.example", "4.7.1", "blocked", False)]


def test_without_any_name_the_returned_mail_says_whom_it_was_for() -> None:
    words = "Your message could not be delivered.\n550 5.1.1 User unknown"
    body = f"{words}\n\n-- Original message --\nTo: ada@there.example\n"

    assert outcomes(mail(body)) == [("ada@there.example", "5.1.1", "userunknown", True)]


def notification(kind: str, **more: object) -> bytes:
    told = {"notificationType": kind, "mail": {"messageId": "m1", "source": "digest@lab.example"}, **more}
    return mail(json.dumps(told), sender="no-reply@sns.example", subject="AWS Notification Message")


def test_a_provider_s_bounce_in_json_is_one() -> None:
    one = {"emailAddress": "ada@there.example", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}

    raw = notification("Bounce", bounce={"bounceType": "Permanent", "bouncedRecipients": [one]})

    assert outcomes(raw) == [("ada@there.example", "5.1.1", "userunknown", True)]
    assert read(raw).message_id == "m1"


def test_a_provider_s_delivery_in_json_is_a_success() -> None:
    told = read(
        notification("Delivery", delivery={"recipients": ["ada@there.example"], "smtpResponse": "250 2.6.0 ok"})
    )

    assert (told.kind, told.recipients[0].status, told.recipients[0].reply) == ("delivered", "2.6.0", "250")


def test_a_provider_s_complaint_in_json_is_no_bounce() -> None:
    raw = notification("Complaint", complaint={"complainedRecipients": [{"emailAddress": "ada@there.example"}]})

    assert read(raw).kind == "complaint"
    assert read(raw).recipients[0].address == "ada@there.example"
