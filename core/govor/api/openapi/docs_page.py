"""The page /docs, which shows /openapi.json with scripts from an installed package, not from a CDN."""

from __future__ import annotations

import asyncio
import importlib.resources

from quart import Quart, Response, redirect, request
from quart_schema import hide
from werkzeug.exceptions import NotFound

from govor.api.http.auth import wants_page
from govor.api.http.security_headers import page_policy

ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Govor</title>
<link rel="icon" href="UPdocs/icon.svg"><link rel="stylesheet" href="UPdocs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="UPdocs/swagger-ui-bundle.js"></script><script>
// validatorUrl: by default each browser would send this server's address to swagger.io
SwaggerUIBundle({dom_id: "#swagger-ui", url: "UPopenapi.json", deepLinking: true, validatorUrl: null});
</script></body></html>
"""
UP = "UP"
"""Placeholder for the relative path to the root: a proxy may serve the server below another path."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" '
    'fill="#246"/><path d="M3 7v2M5.5 5v6M8 3v10M10.5 5v6M13 7v2" stroke="#fff" stroke-width="1.4" '
    'stroke-linecap="round"/></svg>'
)
KEPT = "max-age=3600"
"""How long a browser may cache the page's assets."""


def docs_routes(app: Quart) -> None:
    """Add the page, its assets, and the redirect to it from /."""
    folder = importlib.resources.files("flask_swagger_ui") / "dist"

    @app.get("/")
    @hide
    async def front() -> Response:
        if not wants_page():
            raise NotFound
        return redirect("docs", 302)  # type: ignore[return-value]

    @app.get("/docs")
    @hide
    async def docs_page() -> Response:
        page = PAGE.replace(UP, "../" if request.scope["raw_path"].endswith(b"/") else "")
        headers = {"content-security-policy": page_policy(page)}
        return Response(page, content_type="text/html; charset=utf-8", headers=headers)

    @app.get("/docs/<name>")
    @hide
    async def docs_asset(name: str) -> Response:
        if name == "icon.svg":
            return await icon()
        if name not in ASSETS:
            raise NotFound
        content = await asyncio.to_thread((folder / name).read_bytes)
        headers = {"cache-control": KEPT}
        return Response(content, content_type=f"{ASSETS[name]}; charset=utf-8", headers=headers)

    @app.get("/favicon.ico")
    @hide
    async def icon() -> Response:
        return Response(ICON, content_type="image/svg+xml", headers={"cache-control": KEPT})
