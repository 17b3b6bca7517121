"""The first words to someone who was let in."""

import logging
from datetime import datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from broadsheet.readers import notifications
from broadsheet.readers.models import Reader
from broadsheet.readers.network import site_address

log = logging.getLogger("broadsheet.readers")


def tell(reader: Reader, *, now: datetime) -> None:
    """Tell a reader, in the site and by mail, that the account is open. A mail that cannot be sent is only logged."""
    notifications.notify([reader], "welcome", {}, reverse("latest"), now=now)
    with override(reader.language or settings.LANGUAGE_CODE):
        subject = _("%(site)s: your account is open") % {"site": settings.CONFIG.site_name}
        text = _("Hello %(name)s,\n\nyour account at %(site)s is open now. Sign in here:\n%(address)s\n") % {
            "name": reader.name,
            "site": settings.CONFIG.site_name,
            "address": site_address().rstrip("/") + reverse(settings.LOGIN_URL),
        }
    try:
        send_mail(subject, text, None, [reader.email])
    except (OSError, SMTPException):
        log.exception("the mail that tells %s of the open account could not be sent", reader.handle)
