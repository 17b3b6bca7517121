"""What mail systems each write in their own way, in reports made up for these tests."""

import pytest

from broadsheet.mail.bounces.read import read
from broadsheet.mail.tests.bounce_messages import mail

GONE = [("ada@there.example", "5", True)]
FULL = [("ada@there.example", "5", False)]

DIALECTS = {
    "exchange 2003": (
        """Your message

  To:      ada@there.example
  Subject: Papers
  Sent:    Thu, 29 Apr 2010 18:14:35 +0000

did not reach the following recipient(s):

ada@there.example on Thu, 29 Apr 2010 18:14:36 +0000
    The recipient name is not recognized
        The MTS-ID of the original message is: c=xx;a= ;p=lab
    MSEXCH:IMS:THERE:SITE:SERVER 0 (000C05A6) Unknown Recipient
bob@there.example on Thu, 29 Apr 2010 18:14:36 +0000
    The message could not be delivered because the mailbox is full
""",
        [("ada@there.example", "5", True), ("bob@there.example", "5", False)],
    ),
    "notes": (
        """------- Failure Reasons  --------

User not listed in public Name & Address Book
ada@there.example


------- Returned Message --------

To: ada@there.example
""",
        GONE,
    ),
    "domino": (
        """Your message

  Subject: Papers

was not delivered to:

  ada@there.example

because:

  User ada (ada@there.example) not listed in Domino Directory
""",
        GONE,
    ),
    "messaging server": (
        """This report relates to a message you sent with the following header fields:

  Message-id: <digest.9@lab.example>
  From: digest@lab.example
  To: ada@there.example

Your message cannot be delivered to the following recipients:

  Recipient address: ada@there.example
  Reason: Remote SMTP server has rejected address
  Diagnostic code: smtp;550 5.1.1 <ada@there.example>... User unknown
  Remote system: dns;mx.there.example (TCP|192.0.2.1|40000|192.0.2.9|25)
""",
        GONE,
    ),
    "details below": (
        """=====================================
     This is a notification.

Delivery to the following recipients failed permanently:

  * ada@there.example

=====================================
              Technical details:

SMTP:RCPT host 192.0.2.8: 553 5.3.0 <ada@there.example>... No such user here
""",
        GONE,
    ),
    "refused after the mail": (
        """Delivery to the following recipients failed permanently:

  * ada@there.example

Technical details:
SMTP:DATA host 192.0.2.8: 553 <ada@there.example>... No such user here
""",
        FULL,
    ),
    "courier": (
        """This is a delivery status notification from mx.lab.example.

                           UNDELIVERABLE MAIL

Your message to the following recipients cannot be delivered:

<ada@there.example>:
    mx.there.example [192.0.2.9]:
>>> RCPT TO:<ada@there.example>
<<< 550 no such person
""",
        GONE,
    ),
    "imail": ("Unknown user: ada@there.example\n\nOriginal message follows.\n\nTo: ada@there.example\n", GONE),
    "imail, answered": (
        """undeliverable to ada@there.example

Body of message generated response:
550 5.7.1 This is on a black list.

Original message follows.
""",
        FULL,
    ),
    "mailmarshal": (
        """Your message:
   From:    digest@lab.example
   Subject: Papers

Could not be delivered because of

550 5.1.1 User unknown

The following recipients were affected:
    ada@there.example

Additional Information
Original Sender:    <digest@lab.example>
""",
        GONE,
    ),
    "surfcontrol": (
        """Your message could not be sent.
The number of attempts made: 1
Addressed To: ada@there.example

Thu 29 Apr 2010 23:34:45 +0900
Failed to send to identified host,
ada@there.example: [192.0.2.5], 550 ada@there.example... No such user
--- Message non-deliverable.
""",
        GONE,
    ),
    "gmx": (
        """This message was created automatically.

A message that you sent could not be delivered to one of its recipients.
The following address failed:

"ada@there.example":
SMTP error from remote server after RCPT command:
host: mx.there.example
5.1.1 <ada@there.example>... User unknown

--- The header of the original message is following. ---
""",
        GONE,
    ),
    "gmx, late": (
        """A message that you sent could not be delivered to one of its recipients.

<ada@there.example>

Reason:
delivery retry timeout exceeded
""",
        FULL,
    ),
    "m-filter": (
        """The mail to these addresses failed.
ada@there.example

-------server message
550 unknown user <ada@there.example>

-------SMTP command
DATA

-------original message
""",
        FULL,
    ),
    "active hunter": (
        """  ----- The following addresses had permanent fatal errors -----

>>> ada@there.example <ada@there.example>

  ----- Transcript of session follows -----
550 sorry, no mailbox here by that name (#5.1.1 - chkusr)
""",
        GONE,
    ),
    "ezweb": (
        """Each of the following recipients was rejected by a remote
mail server.

   Recipient: <ada@there.example>
   >>> RCPT TO:<ada@there.example>
   <<< 550 <ada@there.example>: User unknown
""",
        GONE,
    ),
    "kddi": (
        """Your mail sent on: Thu, 29 Apr 2010 11:04:47 +0900
    Could not be delivered to: <ada@there.example>
    As their mailbox is full.
""",
        FULL,
    ),
    "dragonfly": (
        """This is the DragonFly Mail Agent v0.13 at lab.example.

There was an error delivering your mail to <ada@there.example>.

mx.there.example [192.0.2.25] did not like our RCPT TO:
550 <ada@there.example>: Recipient address rejected: no account here

Original message follows.
""",
        GONE,
    ),
    "zoho": (
        """This message was created automatically by mail delivery software.
A message that you sent could not be delivered. This is a permanent error.

ada@there.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <ada@there.example>... User unknown
""",
        GONE,
    ),
    "yahoo": (
        """Sorry, we were unable to deliver your message to the following address.

<ada@there.example>:
Remote host said:
550 <ada@there.example>: no such user
[RCPT_TO]

--- Below this line is a copy of the message.
""",
        GONE,
    ),
    "interscan": (
        """Your mail was not delivered.
Sent <<< RCPT TO:<ada@there.example>
Received >>> 550 <ada@there.example>... user unknown
""",
        GONE,
    ),
    "mx logic": (
        """A message that you have sent could not be delivered to one or more
recipients.  The following address failed:

  <ada@there.example>: 550 5.1.1 no such user

Included is a copy of the message header:
""",
        GONE,
    ),
    "exim, malformed": (
        """A message that you sent contained one or more recipient addresses that
were incorrectly constructed:

  ada@there.example <ada@there.example>: malformed address

""",
        FULL,
    ),
    "exim, pipelined": (
        """A message that you sent could not be delivered to one of its recipients.

  ada@there.example
    host mx.there.example [192.0.2.9]
    SMTP error from remote mail server after pipelined end of data:
    550 unknown user
""",
        FULL,
    ),
    "gmail, at RCPT": (
        """Delivery to the following recipient failed permanently:

     ada@there.example

Technical details of permanent failure:
The error that the other server returned was: 550 550 no such user here (state 14).
""",
        GONE,
    ),
    "gmail, at DATA": (
        """Delivery to the following recipient failed permanently:

     ada@there.example

Technical details of permanent failure:
The error that the other server returned was: 550 550 no such user here (state 17).
""",
        FULL,
    ),
    "postfix, a session": (
        """Transcript of session follows.

 Out: 220 mx.lab.example ESMTP
 In:  EHLO client.lab.example
 Out: 250 ok
 In:  MAIL FROM:<digest@lab.example>
 Out: 250 2.1.0 Ok
 In:  RCPT TO:<ada@there.example>
 Out: 550 <ada@there.example>: Recipient address rejected: User unknown
 In:  DATA
 Out: 554 5.5.1 Error: no valid recipients
""",
        GONE,
    ),
    "office 365": (
        """Delivery has failed to these recipients or groups:

ada@there.example<mailto:ada@there.example>
The email address you entered couldn't be found.

Diagnostic information for administrators:

Generating server: mail.lab.example

ada@there.example
Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'

Original message headers:
""",
        GONE,
    ),
    "exchange, a policy": (
        """Diagnostic information for administrators:

Generating server: mail.lab.example

ada@there.example
#550 5.7.505 Access denied, banned recipient ##
""",
        FULL,
    ),
    "au, a reader's filter": (
        "<ada@there.example>: host mx.there.example[192.0.2.1] said: 550 : User unknown (in reply to RCPT TO)",
        FULL,
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_each_mail_system_s_own_way_is_understood(name: str) -> None:
    body, expected = DIALECTS[name]

    told = read(mail(body))

    assert told.kind == "bounce"
    assert [(one.address, one.status[0], one.hard) for one in told.recipients] == expected
