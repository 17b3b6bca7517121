"""Reports written by hand for the tests."""

DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.lab.example>"


def mail(
    body: str, *, sender: str = DAEMON, subject: str = "Undelivered Mail Returned to Sender", **fields: str
) -> bytes:
    """A message of one part; fields are header fields, with _ for -."""
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    head = f"From: {sender}\nTo: digest+tok3n@lists.lab.example\nSubject: {subject}\n{more}"
    return f"{head}\n{body}".encode()


def report(fields: str, *, notice: str = "Your mail did not arrive.", original: str = "", **more: str) -> bytes:
    """A multipart/report with one block of fields per recipient, as RFC 3464 has it."""
    returned = original or "Message-ID: <digest.7@lab.example>\nTo: ada@there.example\nSubject: Papers\n"
    body = (
        f"--cut\nContent-Type: text/plain\n\n{notice}\n"
        f"--cut\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.lab.example\n\n{fields}\n"
        f"--cut\nContent-Type: message/rfc822\n\n{returned}\nHello\n--cut--\n"
    )
    return mail(body, Content_Type="multipart/report; report-type=delivery-status; boundary=cut", **more)


def block(address: str, *, action: str = "failed", status: str = "5.0.0", said: str = "") -> str:
    """One recipient's fields."""
    told = f"Diagnostic-Code: smtp; {said}\n" if said else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{told}\n"
