"""Settings, all from the environment (or `.env` in the project's root); `.env.example` lists each with its default.

Nothing here differs by machine: a process is configured by its variables alone, so every replica can run the same
image.
"""

import re
import socket
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured
from environs import Env
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry
from whitenoise.compress import Compressor

from config import browsers, document
from config.theme import COLORS
from shared_kernel.money import WITHOUT_CENTS

# Lets a class say which model it is for (`QuerySet[Product]`) where Django's own classes cannot be subscripted.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent

env = Env()
env.read_env(BASE_DIR / ".env", recurse=False)

# --- What kind of installation this is ------------------------------------------------------------------------------

INSECURE_SECRET_KEY = "insecure-key-for-a-first-try-on-one-machine"  # noqa: S105 refused in production, below

COMPTOIR_PRODUCTION = env.bool("COMPTOIR_PRODUCTION", False)
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", INSECURE_SECRET_KEY)
# Former secret keys, by which what was signed and encrypted can still be read.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
# The networks of the proxies in front, as 10.0.0.0/8: what they say of whom they heard from is believed.
COMPTOIR_TRUSTED_PROXIES: list[IPv4Network | IPv6Network] = env.list("COMPTOIR_TRUSTED_PROXIES", [], subcast=ip_network)
# Whether people and machines come by HTTPS alone; plain HTTP is redirected there.
COMPTOIR_HTTPS = env.bool("COMPTOIR_HTTPS", COMPTOIR_PRODUCTION)

if not SECRET_KEY:
    raise ImproperlyConfigured("The SECRET_KEY setting must not be empty.")
if COMPTOIR_PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is on in production, where it would show code and secrets: unset DEBUG.")
    if SECRET_KEY == INSECURE_SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY is the public default: set it to a long random value of your own.")
    if INSECURE_SECRET_KEY in SECRET_KEY_FALLBACKS:
        raise ImproperlyConfigured(
            "SECRET_KEY_FALLBACKS holds the public default, by which anybody could sign: take it out."
        )
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS is *: name the hosts that this installation answers for.")

COMPTOIR_DATA = Path(env.str("COMPTOIR_DATA", str(BASE_DIR / "var")))
COMPTOIR_SERVED_BY = env.str("COMPTOIR_SERVED_BY", socket.gethostname())

# --- The chain ------------------------------------------------------------------------------------------------------

COMPTOIR_CURRENCY = env.str("COMPTOIR_CURRENCY", "EUR")
if COMPTOIR_CURRENCY.upper() in WITHOUT_CENTS:
    raise ImproperlyConfigured("COMPTOIR_CURRENCY has no cents, but all prices here have two decimal places.")
COMPTOIR_DEMO_PASSWORD = env.str("COMPTOIR_DEMO_PASSWORD", "demo-comptoir")
# After how many days without a touch a cart is abandoned.
COMPTOIR_CART_DAYS = env.int("COMPTOIR_CART_DAYS", 30)
# For how long an order's goods are kept for it while it is not paid, in seconds.
COMPTOIR_RESERVATION_SECONDS = env.int("COMPTOIR_RESERVATION_SECONDS", 900)
# After how many days an order that has ended keeps nothing of a buyer without an account: the guarantee by law.
COMPTOIR_GUEST_DAYS = env.int("COMPTOIR_GUEST_DAYS", 730)

# --- Payments -------------------------------------------------------------------------------------------------------

SANDBOX = "checkout.service.sandbox.Sandbox"
STRIPE = "checkout.service.stripe.Stripe"

# Who charges cards: the sandbox, where test cards pay, or Stripe.
COMPTOIR_PAYMENT_PROVIDER = env.str("COMPTOIR_PAYMENT_PROVIDER", STRIPE if COMPTOIR_PRODUCTION else SANDBOX)
# How long the provider may take to answer, in seconds.
COMPTOIR_PAYMENT_TIMEOUT = env.float("COMPTOIR_PAYMENT_TIMEOUT", 5.0)
# Empty: `manage.py run` starts a sandbox of its own.
COMPTOIR_SANDBOX_URL = env.str("COMPTOIR_SANDBOX_URL", "")
COMPTOIR_SANDBOX_SECRET = env.str("COMPTOIR_SANDBOX_SECRET", "sandbox-of-no-worth")
COMPTOIR_STRIPE_KEY = env.str("COMPTOIR_STRIPE_KEY", "")
COMPTOIR_STRIPE_WEBHOOK_SECRET = env.str("COMPTOIR_STRIPE_WEBHOOK_SECRET", "")

if COMPTOIR_PRODUCTION and COMPTOIR_PAYMENT_PROVIDER == SANDBOX:
    raise ImproperlyConfigured("COMPTOIR_PAYMENT_PROVIDER is the sandbox, where test cards pay: unset it.")
if COMPTOIR_PRODUCTION and COMPTOIR_PAYMENT_PROVIDER == STRIPE:
    if not COMPTOIR_STRIPE_KEY:
        raise ImproperlyConfigured("COMPTOIR_STRIPE_KEY is missing: it is Stripe's secret key, which charges cards.")
    if not COMPTOIR_STRIPE_WEBHOOK_SECRET:
        raise ImproperlyConfigured("COMPTOIR_STRIPE_WEBHOOK_SECRET is missing: it proves that a notice is Stripe's.")

# --- Events ---------------------------------------------------------------------------------------------------------

# Where every event is told, as amqp://user:password@host:5672/vhost; empty for nowhere.
AMQP_URL = env.str("AMQP_URL", "")
if AMQP_URL and not AMQP_URL.startswith(("amqp://", "amqps://")):
    raise ImproperlyConfigured("AMQP_URL is no broker: write it as amqp://user:password@host:5672/vhost.")
# Whether integrators' endpoints are told. While they are not, publishing an event that nobody listens to costs nothing.
COMPTOIR_WEBHOOKS = env.bool("COMPTOIR_WEBHOOKS", False)
# For how many days finished jobs are kept, and with them the events that can be told again.
COMPTOIR_JOB_DAYS = env.int("COMPTOIR_JOB_DAYS", 7)

# --- Applications ---------------------------------------------------------------------------------------------------

# Each has a Postgres schema and a role of its own, of this name. Their order is the order of the house, bottom up.
COMPTOIR_MODULES = ["accounts", "catalog", "inventory", "sales", "replenishment", "cart", "checkout"]

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "csp",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "import_export",
    "procrastinate.contrib.django",
    "rest_framework",
    "shared_kernel",
    *COMPTOIR_MODULES,
    "dashboards",
    "config",
]

AUTH_USER_MODEL = "accounts.User"

# Every entry costs each request a few per cent: the API needs the first four, the admin and the pages the others.
MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "config.middleware.RequestMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.middleware.ContentSecurityMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# A redirect would turn a POST into a GET; RequestMiddleware serves a path without its last slash as it is.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "src" / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database -------------------------------------------------------------------------------------------------------

DATABASES = {"default": env.dj_db_url("DATABASE_URL", "postgresql:///comptoir")}
# A socket's folder comes as an option of the URL; where Django's `dbshell` looks is HOST.
DATABASES["default"]["HOST"] = DATABASES["default"].get("OPTIONS", {}).pop("host", DATABASES["default"].get("HOST", ""))
DATABASES["default"] |= {
    "ENGINE": "shared_kernel.postgres",
    # A gunicorn thread keeps its connection, and with it its prepared statements.
    "CONN_MAX_AGE": env.int("COMPTOIR_CONNECTION_SECONDS", 600),
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        "options": " ".join(
            [
                f"-c search_path={','.join(['public', *COMPTOIR_MODULES])}",
                # How alike a word must be to be found: "sourus" finds "souris", "table" does not find "tasse".
                "-c pg_trgm.word_similarity_threshold=0.5",
            ]
        ),
        "server_side_binding": True,
        # A statement that a connection has run five times is not planned again. To be off behind a transaction pooler.
        "prepare_threshold": env.int("COMPTOIR_PREPARE_THRESHOLD", 5) or None,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache ----------------------------------------------------------------------------------------------------------

# Where what has been read is kept for all replicas, as redis://host:6379/0; empty for nowhere, and in no process.
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL is no Redis: write it as redis://host:6379/0.")
REDIS_CACHE = {
    "BACKEND": "django_redis.cache.RedisCache",
    "LOCATION": REDIS_URL,
    "KEY_PREFIX": "comptoir",
    "OPTIONS": {
        "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
        # In seconds. Whoever asks a Redis that does not answer goes on without.
        "SOCKET_CONNECT_TIMEOUT": 0.1,
        "SOCKET_TIMEOUT": 0.1,
        # A connection that lay unused may have died; a new one is tried once, at once.
        "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1, (RedisConnectionError,))},
    },
}
CACHES = {"default": REDIS_CACHE if REDIS_URL else {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

# --- People ---------------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["config.authentication.PolicyBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
# Without these, whoever may enter the admin may import and export.
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/dashboard/"
CSRF_FAILURE_VIEW = "dashboards.pages.session.csrf_failed"
# How long a login by a form lasts: a long working day.
SESSION_COOKIE_AGE = env.int("COMPTOIR_SESSION_SECONDS", 43_200)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = COMPTOIR_HTTPS
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"

# The keys of access tokens: PEM blocks, one private Ed25519 key that signs, and public ones that hold beside it.
COMPTOIR_TOKEN_KEYS_FILE = env.path("COMPTOIR_TOKEN_KEYS_FILE", None)
# A line break may be written \n, since `.env` and many panels know values of one line alone.
COMPTOIR_TOKEN_KEYS = env.str("COMPTOIR_TOKEN_KEYS", "").replace("\\n", "\n")
if COMPTOIR_TOKEN_KEYS_FILE:
    if not COMPTOIR_TOKEN_KEYS_FILE.is_file():
        raise ImproperlyConfigured(f"COMPTOIR_TOKEN_KEYS_FILE names {COMPTOIR_TOKEN_KEYS_FILE}, which is no file.")
    COMPTOIR_TOKEN_KEYS = COMPTOIR_TOKEN_KEYS_FILE.read_text()
if COMPTOIR_PRODUCTION and not COMPTOIR_TOKEN_KEYS:
    raise ImproperlyConfigured("COMPTOIR_TOKEN_KEYS is missing: make a key with `openssl genpkey -algorithm ed25519`.")

# What a phone number without its country's code is taken for: an ISO 3166 code of two letters.
COMPTOIR_COUNTRY = env.str("COMPTOIR_COUNTRY", "FR")
# For how long a code that was sent by mail holds, in seconds.
PASSWORD_RESET_TIMEOUT = 3600

mail = env.dj_email_url("EMAIL_URL", "console:")
EMAIL_BACKEND = mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = mail["EMAIL_HOST"], mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail["EMAIL_HOST_USER"], mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = mail["EMAIL_USE_TLS"], mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("COMPTOIR_MAIL_FROM", "Comptoir <comptoir@localhost>")

# --- What browsers are told -----------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = COMPTOIR_HTTPS
# Asked by machines on the inner network, which know no certificates.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if COMPTOIR_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
if COMPTOIR_TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# The sites whose scripts may call the API, as https://shop.example. They send tokens: never our cookies.
CORS_ALLOWED_ORIGINS: list[str] = env.list("COMPTOIR_CORS_ORIGINS", [])
CORS_URLS_REGEX = r"^/api/v1/"
CORS_ALLOW_HEADERS = browsers.CORS_ALLOW_HEADERS
CORS_EXPOSE_HEADERS = browsers.CORS_EXPOSE_HEADERS
CONTENT_SECURITY_POLICY = browsers.CONTENT_SECURITY_POLICY

# --- How often somebody may call ------------------------------------------------------------------------------------

# The ceilings of all calls to the API, as "6000 per minute"; empty for none. Each process counts for itself, or all
# together in a Redis (redis://host:6379).
COMPTOIR_RATE_PER_CALLER = env.str("COMPTOIR_RATE_PER_CALLER", "6000 per minute")
COMPTOIR_RATE_PER_ADDRESS = env.str("COMPTOIR_RATE_PER_ADDRESS", "3000 per minute")
for rate in (COMPTOIR_RATE_PER_CALLER, COMPTOIR_RATE_PER_ADDRESS):
    if not re.fullmatch(r"([1-9]\d* per ([1-9]\d* )?(second|minute|hour|day)s?)?", rate):
        raise ImproperlyConfigured(f'"{rate}" is no rate: write one as "6000 per minute", or nothing for none.')
COMPTOIR_RATE_STORAGE = env.str("COMPTOIR_RATE_STORAGE", "memory://")
# What may be called less often: what is counted, by "address" or "caller", and the rates. Counted in Postgres by all.
OPERATIONS = {
    "POST /auth/login/": ("logins", "address", "30 per minute"),
    "POST /customers/login/": ("logins", "address", "30 per minute"),
    "POST /customers/token/refresh/": ("refreshed tokens", "address", "30 per minute"),
    "POST /customers/register/": ("registrations", "address", "5 per minute; 20 per hour"),
    "POST /customers/password/reset/": ("forgotten passwords", "address", "10 per hour"),
    "POST /customers/password/reset/confirm/": ("codes", "address", "30 per minute; 100 per hour"),
    "POST /customers/email/verify/": ("codes", "address", "30 per minute; 100 per hour"),
    "POST /customers/me/email/verification/": ("verification mails", "caller", "5 per hour"),
    "PUT /customers/<str:customer_id>/": ("changes of customers", "caller", "60 per hour"),
    "PATCH /customers/<str:customer_id>/": ("changes of customers", "caller", "60 per hour"),
    "POST /checkout/process/": ("checkouts", "caller", "60 per minute"),
    # Whoever tries out stolen cards tries many. (An id is `uuidstr` to django-ninja.)
    "POST /orders/<uuidstr:order_id>/payment/": ("payments", "caller", "10 per minute; 60 per hour"),
}
# A load test, which comes from one address, does without.
COMPTOIR_RATE_LIMITS = OPERATIONS if env.bool("COMPTOIR_RATE_OPERATIONS", True) else {}
if COMPTOIR_PRODUCTION and not COMPTOIR_RATE_LIMITS:
    raise ImproperlyConfigured("COMPTOIR_RATE_OPERATIONS is off in production, where somebody would guess: unset it.")

# --- API ------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["config.authentication.RestAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["shared_kernel.rest.bodies.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "shared_kernel.rest.pages.PagePagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.problems.rest_framework_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = document.SPECTACULAR_SETTINGS

# --- Admin ----------------------------------------------------------------------------------------------------------

# In the colours of the dashboards, and with their icon.
UNFOLD = {
    "SITE_TITLE": "Comptoir",
    "SITE_HEADER": "Comptoir",
    "SITE_URL": "/dashboard/",
    "SITE_ICON": "config.admin.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.admin.icon"}],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "config.admin.sidebar"},
    "BORDER_RADIUS": "8px",
    "COLORS": COLORS,
}

# --- Language, time, files ------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "src" / "config" / "locale"]
TIME_ZONE = env.str("COMPTOIR_TIME_ZONE", "Europe/Paris")
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = COMPTOIR_DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
# Pages ask for files by the names that hold their digests, and nobody waits for a source map. With the rest compressed,
# too, the first start of an installation would take 18 seconds more.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# What a page takes: the admin imports files.
COMPTOIR_UPLOAD_BYTES = env.int("COMPTOIR_UPLOAD_BYTES", 20_000_000)

# --- Logs: one JSON object per line on standard error ---------------------------------------------------------------

DEFAULT_EXCEPTION_REPORTER_FILTER = "config.logging.SecretsFilter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logging.json_formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": sys.stderr}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        # The request line below says the same with the request's id.
        "django.request": {"level": "CRITICAL"},
        "procrastinate": {"level": "WARNING"},
    },
}
