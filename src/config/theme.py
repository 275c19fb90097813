"""The colours of the admin, which are those of the dashboards."""

COLORS = {
    "base": {
        "50": "#f6f7f7",
        "100": "#eef1f0",
        "200": "#e3e7e6",
        "300": "#c9d0ce",
        "400": "#a3b1ad",
        "500": "#71807c",
        "600": "#56635f",
        "700": "#3d4845",
        "800": "#2c3432",
        "900": "#181d1c",
        "950": "#101413",
    },
    "primary": {
        "50": "#f0fdfa",
        "100": "#e6f4f1",
        "200": "#99f6e4",
        "300": "#5eead4",
        "400": "#2dd4bf",
        "500": "#14b8a6",
        "600": "#0f766e",
        "700": "#115e59",
        "800": "#134e4a",
        "900": "#12302c",
        "950": "#042f2e",
    },
    "font": {
        "subtle-light": "var(--color-base-600)",
        "default-light": "var(--color-base-700)",
        "important-light": "var(--color-base-950)",
    },
}
