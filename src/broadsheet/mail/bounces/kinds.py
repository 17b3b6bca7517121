"""What a message is: a bounce, or one of the many things that only look like one."""

import re

from broadsheet.mail.bounces.addresses import addresses_in, local_part
from broadsheet.mail.bounces.codes import reply_in, status_in
from broadsheet.mail.bounces.notice import Notice
from broadsheet.mail.bounces.parts import Part, leaves
from broadsheet.mail.bounces.reasons import reason_of_words

_DAEMON = re.compile(
    r"(?:.*\b)?(?:mailer.?daemon|po+st.?master|mail.?deliver\w*.?(?:sub)?system|mdaemon|mail.?daemon"
    r"|mail.?system)\b",
    re.I,
)
_DAEMON_NAME = re.compile(
    r"(?i)mailer.?daemon|mail deliver\w* (?:sub)?system|delivery subsystem|postmaster|system administrator"
    r"|content.filter|mail system"
)
_ROBOT = re.compile(
    r"(?i)(?:no.?reply|.*-admin|admin|root|notification|system|.*-owner|owner-.*|.*-request|mail|delivery|error)s?$"
)

_AWAY = re.compile(
    r"""(?ix)^\s*(?:re:\s*)?(?:
        out\ of\ (?:the\ )?office|ooo\b|auto(?:matic|mated|matische|-?)?[ -]?(?:reply|response|re[sp]+onse
        |antwort|svar|respuesta)
        |(?:away|absent|vacation|holiday|on\ leave|i\ am\ (?:away|out)|i'm\ (?:away|out))\b
        |abwesen|automatische\ (?:antwort|beantwoording)|r.ponse\ automatique|absence|absent|respuesta\ autom
        |resposta\ autom
        |risposta\ autom|fuori\ (?:ufficio|sede)|fuera\ de\ (?:la\ )?oficina|ausen|assente|afwezig|nieobecn
        |autosvar|automatiskt\ svar
        |自動(?:返信|応答)|不在|自动回复|自動回覆
        |автоответ|автоматический\ ответ|nicht\ im\ (?:b.ro|hause)|otomatik|poissa
    )|\bout\ of\ (?:the\ )?office\b|\bauto-?reply\b|\bvacation\b|\babwesenheit"""
)
_FAILURE_SUBJECT = re.compile(
    r"""(?ix)undeliver|failure\ notice|deliver\w*\ (?:\w+\ ){0,3}(?:fail|error|problem|status|notification
        |delay)|fail\w*\ (?:to\ )?deliver
        |return(?:ed)?\ (?:mail|to\ sender|message)|mail\ (?:system\ error|failure|delivery|error|could\ not)
        |could\ ?n.t?\ (?:not\ )?be\ delivered
        |could\ not\ (?:be\ )?(?:deliver|send)|not\ delivered|non.?deliver|message\ (?:delay|status)
        |warning:\ (?:message|could)|rejected|bounced?
        |delay|error\ sending|unzustellbar|nicht\ zugestellt|non\ recapitabil|non\ remis|no\ se\ (?:puede
        |pudo)\ entregar|недоставлен|не\ доставлено
        |エラー|配信|配達|未達|considered\ unsolicited|loop\ alert|user\ unknown
        |postmaster\ notify|transcript|non.d.livr
        |nie\ dostarcz
        |fallo\ (?:de|en)|mail\ delivery|notificaci.n\ de\ estado|zustellung|niet\ bezorgd|nelze\ doru
        |undelivered|delivery\ report|退信"""
)
_FAILURE_WORDS = re.compile(
    r"""(?ix)(?:could\ ?n.t|could\ not|cannot|can't|can\ not|not|unable\ to|wasn.t|was\ not|were\ not|weren't
        |fail\w*\ to|been\ un\w+\ to)
            \ (?:be\ |been\ |yet\ be(?:en)?\ |able\ to\ )*(?:deliver|sent\b|reach|accept)
        |undeliver(?:able|ed)|deliver\w*\ (?:\w+\ ){0,6}(?:fail|error|delay|problem)|fail\w*\ (?:to\ )?deliver
        |permanent\ (?:fatal\ )?(?:error|failure)
        |returned\ to\ (?:you|sender)|error\ message\ below|(?:was|were|been)\ rejected
        |transcript\ of\ (?:the\ )?session|trouble\ delivering
        |did\ not\ reach|address(?:\(es\))?\ (?:has\ |have\ )?failed|had\ (?:permanent|delivery|fatal)
        |delivery\ of\ the\ e-?mail\ was\ stopped
        |duplicated\ message-id|does\ not\ exist|送信できません|配信できません
        |お届けできません|送達できません|не\ может\ быть|konnte\ nicht
        |n'a\ pas\ pu
        |non\ .{1,6}riuscito|no\ se\ ha\ podido|incorrectly\ constructed|invalid\ user|problem\ delivering
        |could\ not\ be\ sent|見つかりません|エラー"""
)
_RECEIPT = re.compile(
    r"(?i)(?:was|been|were) (?:successfully )?(?:delivered to|received by|displayed|read\b|opened)"
    r"|successfully delivered"
)

_LATE = re.compile(r"(?i)delay|warning|deferred|still being retried|not yet (?:been )?delivered|temporary failure")
_STILL_TRYING = re.compile(
    r"(?i)warning message only|not yet been delivered|delivery attempts will continue|you do not need to re-?send"
)


def is_complaint(message: Part) -> bool:
    """Whether it is a feedback report (ARF, RFC 5965)."""
    kind = message.get("content-type").lower()
    return "feedback-report" in kind or any(part.type == "message/feedback-report" for part in leaves(message))


def is_receipt(message: Part) -> bool:
    """Whether it says that somebody opened a mail (RFC 8098)."""
    return "disposition-notification" in message.get("content-type").lower() or any(
        part.type == "message/disposition-notification" for part in leaves(message)
    )


def is_from_daemon(message: Part) -> bool:
    """Whether it comes from a mail system rather than from somebody."""
    sender = message.get("from")
    addresses = addresses_in(sender)
    if not addresses and ("<>" in sender or _DAEMON.match(sender.strip(' <>"'))):
        return True
    return bool(_DAEMON_NAME.search(sender.partition("@")[0])) or any(
        _DAEMON.match(local_part(one)) for one in addresses
    )


def is_automatic(message: Part) -> bool:
    """Whether it says of itself that nobody wrote it, or comes from an address that nobody writes from."""
    written = message.get("auto-submitted").lower()
    nobody = "return-path" in dict(message.headers) and message.get("return-path").strip() in ("<>", "")
    robot = any(_ROBOT.match(local_part(one)) for one in addresses_in(message.get("from")))
    return nobody or robot or (bool(written) and written != "no")


def is_auto_reply(message: Part) -> bool:
    """Whether it is an answer of a machine in the name of a person."""
    fields = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply")
    if any(message.get(name) for name in fields):
        return True
    if is_from_daemon(message) and _FAILURE_SUBJECT.search(message.get("subject")):
        return False  # the subject may quote that of the mail that failed
    if _AWAY.search(message.get("subject")):
        return True
    if message.get("precedence").lower() in ("auto_reply", "auto-reply") and not is_from_daemon(message):
        return True
    return message.get("auto-submitted").lower().startswith("auto-replied") and not is_from_daemon(message)


def is_calendar(message: Part) -> bool:
    """Whether it answers an invitation."""
    return any(part.type in ("text/calendar", "application/ics") for part in leaves(message))


def is_to_many(message: Part) -> bool:
    """Whether it is a newsletter or a mailing list's: those quote bounces, but are none."""
    return any(message.get(name) for name in ("list-id", "list-unsubscribe", "list-post"))


def tells_failure(message: Part, notice: Notice, named: bool) -> bool:
    """Whether a message that holds no report tells in words of a mail that did not arrive.

    A mail system has to give two signs, one of them a code, a recipient or the mail itself. Other machines (a parcel,
    too, can be undeliverable) have to give the code or the mail itself beside the words; a person's words are never
    enough. named: a recipient was found.
    """
    text = notice.text[:6_000]
    subject = bool(_FAILURE_SUBJECT.search(message.get("subject")))
    words = bool(_FAILURE_WORDS.search(text))
    codes = bool(status_in(text) or reply_in(text))
    if _RECEIPT.search(text) and not codes and not words:
        return False
    if is_from_daemon(message):
        told = words or codes or (subject and bool(reason_of_words(text)))
        proof = codes or named or bool(notice.returned)
        return told and proof and words + codes + subject + named + bool(notice.returned) > 1
    return is_automatic(message) and words and named and bool(status_in(text) or notice.returned)


def is_warning(message: Part, notice: Notice) -> bool:
    """Whether the mail is only late: its sender still tries."""
    return bool(_LATE.search(message.get("subject"))) or bool(_STILL_TRYING.search(notice.text[:4_000]))
