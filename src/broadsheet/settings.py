"""Django's settings, derived from the settings of the site (`config.py`)."""

import os
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import SELF

from broadsheet import config as site
from broadsheet.mail.services import key_parts

CONFIG = site.load()

# Two processes with two BLAS threads each fight for the cores; set before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SECRET_KEY = site.secret_key(CONFIG)
# What lets a shard of a cluster begin from a copy; named here because the record must not know of it.
SHARD_COPIES = "broadsheet.moving.cluster_copies.begin"
DEBUG = CONFIG.debug
ALLOWED_HOSTS = [*CONFIG.allowed_hosts] or ["localhost", "127.0.0.1", "[::1]"]
if CONFIG.public_url:
    ALLOWED_HOSTS.append(urlsplit(CONFIG.public_url).hostname or "")
    CSRF_TRUSTED_ORIGINS = [CONFIG.public_url]

AUTH_USER_MODEL = "readers.Reader"
# Ways to sign in elsewhere are there when their client is set, and cost no start where they are not.
PROVIDERS = [name for name in ("github", "orcid", "oidc") if CONFIG.values[f"{name}_client"]]
INSTALLED_APPS = [
    # First: the templates it has for the pages of signing in win over allauth's own.
    "broadsheet.web",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    # Without its search through all rooms for admin modules: the addresses of the pages do that, commands need none.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    *(f"allauth.socialaccount.providers.{'openid_connect' if name == 'oidc' else name}" for name in PROVIDERS),
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "broadsheet.papers",
    "broadsheet.readers",
    "broadsheet.community",
    "broadsheet.editions",
    "broadsheet.foryou",
    "broadsheet.groups",
    "broadsheet.delivery",
    "broadsheet.digest",
    "broadsheet.api",
]
MIDDLEWARE = [
    # What answers programs: first its counts, then the answers kept in memory, which nothing below has to make again.
    "broadsheet.api.middleware.ApiMiddleware",
    "broadsheet.api.cache.CacheMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "broadsheet.readers.alone.AloneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "broadsheet.web.personal.PersonalMiddleware",
    # Last, as axes asks; without it the lockout only warns.
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "broadsheet.web.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "broadsheet.web.context.site",
            ],
        },
    }
]

# Measured: the defaults of SQLite under Django lose four writes of ten under load. IMMEDIATE is what ends that.
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": CONFIG.home / "record.sqlite3",
    "CONN_MAX_AGE": None,
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        "PRAGMA mmap_size=268435456;PRAGMA cache_size=-65536;PRAGMA temp_store=MEMORY;"
        # A batch of an import fills the default of 1,000 pages twice: fewer checkpoints write a page less often.
        "PRAGMA journal_size_limit=67108864;PRAGMA wal_autocheckpoint=8000;",
    },
}


# A server that loses its power says no goodbye: so it is found out within two minutes instead of two hours.
KEPT_ALIVE = {"keepalives_idle": 60, "keepalives_interval": 15, "keepalives_count": 4}


def postgresql(url: str) -> dict[str, Any]:
    """Read postgresql://user:password@host:port/name into Django's form; a query's `host` may name a socket folder."""
    parts = urlsplit(url)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or unquote(options.get("host", "")),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": dict(KEPT_ALIVE),
    }


DATABASES = {"default": postgresql(CONFIG.database) if CONFIG.database else SQLITE}

# Rates and lockouts are counted for all processes of a site together, so they live in the record, in a table that
# `migrate` makes (readers.models.Cached). On SQLite each count is a short write of its own.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    },
    "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}},
}

HTTPS = CONFIG.public_url.startswith("https://")
SESSION_COOKIE_AGE = CONFIG.session_days * 86400
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
if CONFIG.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "handle", "name")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "latest"
LOGOUT_REDIRECT_URL = "latest"

# Without a mail server nobody can be asked for a code: addresses stay unproved, and people come by invitation.
MAIL = bool(CONFIG.mail_url or CONFIG.mail_provider)
ACCOUNT_ADAPTER = "broadsheet.readers.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "broadsheet.readers.forms.Join"
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MAIL else "none"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = MAIL
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_CHANGE = MAIL
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = MAIL
ACCOUNT_EMAIL_NOTIFICATIONS = MAIL
ACCOUNT_LOGIN_BY_CODE_ENABLED = MAIL
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 900
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    # What axes cannot see: guesses at one account from many addresses. Codes and passkeys stay open meanwhile.
    "login_failed": "20/m/ip,30/15m/key",
    "signup": "20/10m/ip",
    "request_login_code": "20/10m/ip,5/10m/key",
    "reset_password": "20/10m/ip,5/10m/key",
    "reset_password_from_key": "20/10m/ip",
    "reauthenticate": "10/m/user",
    "change_password": "5/m/user",
    "manage_email": "10/10m/user",
    "confirm_email": "1/10s/key",
}
ALLAUTH_TRUSTED_PROXY_COUNT = CONFIG.trusted_proxies

MFA_ADAPTER = "broadsheet.readers.adapter.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = CONFIG.site_name
MFA_TOTP_TOLERANCE = 1
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = MAIL
MFA_ALLOW_UNVERIFIED_EMAIL = not MAIL

SOCIALACCOUNT_ADAPTER = "broadsheet.readers.adapter.SocialAdapter"
# A handle is asked for, so that nobody joins without a form; and an address that a provider tells does not open the
# account of whoever has that address here.
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 20
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, Any]] = {
    "github": {"SCOPE": ["read:user", "user:email"], "OAUTH_PKCE_ENABLED": True},
    "openid_connect": {"OAUTH_PKCE_ENABLED": True},
    "orcid": {},
}
for provider in PROVIDERS:
    client: dict[str, Any] = {
        "client_id": CONFIG.values[f"{provider}_client"],
        "secret": CONFIG.values[f"{provider}_secret"],
    }
    if provider == "oidc":
        client |= {"provider_id": "oidc", "name": CONFIG.oidc_name or "OpenID Connect"}
        client["settings"] = {"server_url": CONFIG.oidc_server}
    SOCIALACCOUNT_PROVIDERS["openid_connect" if provider == "oidc" else provider]["APPS"] = [client]

# Five wrong passwords for one account from one address, and that address waits; whoever has the account and sits
# elsewhere is not kept out. Counted in the database, in one transaction each, so that processes count together.
AXES_HANDLER = "axes.handlers.database.AxesDatabaseHandler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "broadsheet.readers.network.client_address"
AXES_USERNAME_CALLABLE = "broadsheet.readers.lockout.name_of"
AXES_LOCKOUT_CALLABLE = "broadsheet.readers.lockout.answer"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "login", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False


def mail_server(url: str) -> dict[str, Any]:
    """Read smtp://user:password@host:port, or smtps://, into Django's settings for mail.

    smtp:// turns to TLS by STARTTLS (RFC 3207) before anything is said, but for a server on this machine and one at
    port 25 where neither asks for a password: a password never goes anywhere in the clear. smtps:// begins with TLS
    (RFC 8314). The same as `mail.smtp.server`.
    """
    parts = urlsplit(url)
    secure, host = parts.scheme == "smtps", parts.hostname or "localhost"
    port = parts.port or (465 if secure else 587)
    plain = not parts.username and (_is_here(host) or port == 25)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": not secure and not plain,
    }


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


EMAIL_TIMEOUT = 20
if CONFIG.mail_provider:
    EMAIL_BACKEND = f"anymail.backends.{CONFIG.mail_provider}.EmailBackend"
    try:
        parts = key_parts(CONFIG.mail_provider, CONFIG.mail_provider_key)
    except ValueError as problem:
        raise site.BadSetting(f"mail_provider_key: {problem}") from problem
    ANYMAIL = {f"{CONFIG.mail_provider}_{name}".upper(): value for name, value in parts.items()}
elif CONFIG.mail_url:
    globals().update(mail_server(CONFIG.mail_url))
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = CONFIG.home / "mail"
    EMAIL_FILE_PATH.mkdir(mode=0o700, exist_ok=True)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = CONFIG.mail_from or (
    f"{CONFIG.site_name} <broadsheet@{urlsplit(CONFIG.public_url).hostname or 'localhost'}>"
)

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

STATIC_URL = "/static/"
STATIC_ROOT = CONFIG.home / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}
WHITENOISE_USE_FINDERS = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS
# A browser holds the redirect that follows a form to this list too: signing in elsewhere begins with a form here.
ELSEWHERE = {"github": "https://github.com", "orcid": "https://orcid.org", "oidc": CONFIG.oidc_server}
SIGN_IN_FORMS = ["{0.scheme}://{0.netloc}".format(urlsplit(ELSEWHERE[provider])) for provider in PROVIDERS]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF, *SIGN_IN_FORMS],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {
        "without_secrets": {"()": "broadsheet.lib.redacted.WithoutSecrets"},
        "one_line_each": {"()": "broadsheet.lib.wrong_hosts.OneLineEach"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["one_line_each", "without_secrets"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"broadsheet": {"level": "INFO"}},
}
