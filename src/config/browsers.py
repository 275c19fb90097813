"""What browsers are told of our pages and our API, the same in every installation."""

from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

# No page uses any of these.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in [
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen", "geolocation"),
        *("gyroscope", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get"),
        *("screen-wake-lock", "usb", "xr-spatial-tracking"),
    ]
)

CORS_ALLOW_HEADERS = [
    *("authorization", "content-type", "idempotency-key", "if-none-match"),
    *("x-api-key", "x-cart-token", "x-request-id"),
]
CORS_EXPOSE_HEADERS = [
    *("ETag", "Idempotency-Replayed", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"),
    *("X-Request-ID", "X-Served-By"),
]

# What a page may load and run: our own files, and inline only what carries the answer's nonce.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# The admin's theme evaluates expressions (Alpine.js), and the API's documents carry scripts and styles of their own.
LAXER_POLICIES = {
    "/admin/": {"script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/v1/docs/": {"script-src": [SELF, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/v1/redoc/": {
        "script-src": [SELF, UNSAFE_INLINE],
        "style-src": [SELF, UNSAFE_INLINE],
        "worker-src": ["blob:"],
    },
}
