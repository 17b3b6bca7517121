"""Django's settings, derived from the settings of the site (`config.py`)."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

from csp.constants import SELF

from broadsheet import config as site

CONFIG = site.load()
CONFIG.home.mkdir(parents=True, exist_ok=True)

# Two processes with two BLAS threads each fight for the cores; set before numpy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

SECRET_KEY = site.secret_key(CONFIG)
DEBUG = CONFIG.debug
ALLOWED_HOSTS = [*CONFIG.allowed_hosts] or ["localhost", "127.0.0.1", "[::1]", "testserver"]
if CONFIG.public_url:
    ALLOWED_HOSTS.append(urlsplit(CONFIG.public_url).hostname or "")
    CSRF_TRUSTED_ORIGINS = [CONFIG.public_url]

AUTH_USER_MODEL = "readers.Reader"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "broadsheet.papers",
    "broadsheet.readers",
    "broadsheet.community",
    "broadsheet.editions",
    "broadsheet.web",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "broadsheet.web.urls"
WSGI_APPLICATION = "broadsheet.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
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
    }


DATABASES = {"default": postgresql(CONFIG.database) if CONFIG.database else SQLITE}

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
CSRF_COOKIE_SECURE = CONFIG.public_url.startswith("https://")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"broadsheet": {"level": "INFO"}},
}
