import pytest

from broadsheet.mail.bounces.read import read
from broadsheet.mail.tests.bounce_messages import block, mail, report

ADA = "Ada <ada@there.example>"
AWAY = [
    ("Out of Office: Papers of today", "I am away until Monday. Mail to bob@there.example will reach somebody."),
    ("Automatic reply: Papers", "Thank you. This address is not read; your mail could not be answered."),
    ("Abwesenheitsnotiz: Papers", "Ich bin bis Montag nicht erreichbar. Ihre Nachricht wurde nicht weitergeleitet."),
    ("Réponse automatique : Papers", "Je suis absent. Adresse inconnue pendant mon absence."),
    ("Respuesta automática: Papers", "Estoy fuera hasta el lunes."),
    ("Risposta automatica: Papers", "Sono assente fino a lunedì."),
    ("自動返信: Papers", "本日は不在です。"),
    ("Автоответ: Papers", "Меня нет на месте, письмо не может быть прочитано."),
]
ARF = """--cut
Content-Type: text/plain

This is an abuse report for a message received from 192.0.2.8.
--cut
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Loop/1
Original-Rcpt-To: ada@there.example
--cut
Content-Type: message/rfc822

Message-ID: <digest.3@lab.example>
To: ada@there.example

Hello
--cut--
"""
READ_RECEIPT = """--cut
Content-Type: text/plain

Your message was displayed to ada@there.example.
--cut
Content-Type: message/disposition-notification

Final-Recipient: rfc822; ada@there.example
Disposition: manual-action/MDN-sent-manually; displayed
--cut--
"""
QUOTED = """> <bob@there.example>: host mx.there.example said: 550 5.1.1 User unknown
> I'm sorry to inform you that your message could not be delivered.

This is what I got yesterday. What does it mean?
"""
INVITED = """--cut
Content-Type: text/plain

Declined: reading group
--cut
Content-Type: text/calendar; method=REPLY

BEGIN:VCALENDAR
END:VCALENDAR
--cut--
"""


@pytest.mark.parametrize(("subject", "body"), AWAY)
def test_an_answer_while_somebody_is_away_is_an_auto_reply(subject: str, body: str) -> None:
    told = read(mail(body, sender=ADA, subject=subject, Auto_Submitted="auto-replied"))

    assert (told.kind, told.recipients) == ("auto-reply", ())


@pytest.mark.parametrize(("subject", "body"), AWAY)
def test_it_is_known_by_its_subject_alone(subject: str, body: str) -> None:
    assert read(mail(body, sender=ADA, subject=subject)).kind == "auto-reply"


def test_it_is_known_by_its_header_alone() -> None:
    raw = mail("550 reasons to visit: I am away.", sender=ADA, subject="Re: Papers", X_Autoreply="yes")

    assert read(raw).kind == "auto-reply"


def test_a_feedback_report_is_a_complaint_of_its_recipient() -> None:
    raw = mail(
        ARF, sender="fbl@provider.example", Content_Type="multipart/report; report-type=feedback-report; boundary=cut"
    )

    told = read(raw)

    assert (told.kind, told.message_id) == ("complaint", "digest.3@lab.example")
    assert [(one.address, one.hard) for one in told.recipients] == [("ada@there.example", False)]


def test_a_read_receipt_is_no_bounce() -> None:
    kind = "multipart/report; report-type=disposition-notification; boundary=cut"

    assert read(mail(READ_RECEIPT, sender=ADA, subject="Read: Papers", Content_Type=kind)).kind == "auto-reply"


def test_a_mail_system_s_receipt_in_words_is_no_bounce() -> None:
    raw = mail("Your message was successfully delivered to ada@there.example.", subject="Delivery receipt")

    assert read(raw).recipients == ()


@pytest.mark.parametrize(
    ("sender", "subject", "fields"),
    [
        (ADA, "Undelivered Mail Returned to Sender", {}),
        (ADA, "Fwd: failure notice", {}),
        (ADA, "Re: [reading-group] bounces", {"List_Id": "<reading-group.lists.example>", "Precedence": "list"}),
        ("News <no-reply@news.example>", "Why mail bounces", {"List_Unsubscribe": "<https://news.example/u>"}),
        ("owner-talk@lists.example", "Talk, a digest", {"List_Id": "<talk.lists.example>"}),
    ],
)
def test_what_only_quotes_a_bounce_is_for_a_person(sender: str, subject: str, fields: dict[str, str]) -> None:
    told = read(mail(QUOTED, sender=sender, subject=subject, **fields))

    assert (told.kind, told.recipients) == ("unknown", ())


def test_a_bounce_that_somebody_forwards_is_theirs_not_ours() -> None:
    inner = report(block("bob@there.example", status="5.1.1")).decode()
    body = f"--out\nContent-Type: text/plain\n\nSee below.\n--out\nContent-Type: message/rfc822\n\n{inner}\n--out--\n"

    raw = mail(body, sender=ADA, subject="Fwd: Undelivered", Content_Type="multipart/mixed; boundary=out")

    assert read(raw).kind == "unknown"


def test_an_answer_to_an_invitation_is_no_bounce() -> None:
    raw = mail(INVITED, sender=ADA, subject="Declined: reading group", Content_Type="multipart/mixed; boundary=cut")

    assert read(raw).kind == "auto-reply"


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        (ADA, "Lunch?", "The user study was rejected; I could not be happier. Room 550."),
        ("Shop <no-reply@shop.example>", "Your order", "Your parcel was delivered to box 5.1.1. Order 550."),
        ("postmaster@there.example", "Welcome", "Hello, your new mailbox is ready."),
        (
            "Shop <no-reply@shop.example>",
            "Delivery failure: order 550",
            "We were unable to deliver your parcel to you.",
        ),
        ("Royal Mail Delivery <info@parcels.example>", "Delivery delayed", "Your parcel could not be delivered. 550."),
        ("mailer@news.example", "Returned mail and other stories", "Letters that were returned to sender in 1921."),
        ("postmaster@there.example", "Maintenance on Sunday", "On Friday some mail could not be delivered. Sorry!"),
        (
            "Mail Delivery System <support@thieves.example>",
            "Mail delivery failed: act now",
            "5 messages could not be delivered: your mailbox is full. Click https://thieves.example to see them.",
        ),
        (
            "Postmaster <postmaster@there.example>",
            "Undelivered mail in your quarantine",
            "3 messages were not delivered. See https://there.example/quarantine",
        ),
        (
            "Ada <ada@there.example>",
            "I have moved",
            "The old address does not exist; mail to it is returned to sender.",
        ),
        (
            "Ada <ada@there.example>",
            "Re: Papers",
            "I no longer work here. Write to bob@there.example. User ada unknown.",
        ),
        ("MAILER-DAEMON@there.example", "Please confirm", "To reach ada@there.example say that you are human."),
        ("Cron Daemon <root@lab.example>", "backup", "rsync: connection closed. User unknown: bob@there.example"),
        ("postmaster@there.example", "Your mailbox is almost full", "You use 95 % of your quota."),
        ("no-reply@dmarc.example", "Report Domain: lab.example", "This is an aggregate report."),
        ("Ada <ada@there.example>", "", ""),
    ],
)
def test_ordinary_mail_is_no_bounce(sender: str, subject: str, body: str) -> None:
    assert read(mail(body, sender=sender, subject=subject)).kind == "unknown"
