"""The settings that a running server can change; all others need a restart."""

from __future__ import annotations

from govor.settings import Settings

LIVE = frozenset(
    {
        "access_log", "admin_key", "aliases", "allow_origins", "allowed_hosts", "api_keys",
        "api_keys_file", "auto_pull", "body_min_rate", "body_timeout", "channel_names", "channels",
        "default_models",
        "device", "download", "drain_seconds",
        "file_urls", "jobs_limit", "jobs_max_mb", "keep_alive_seconds", "languages", "log_level",
        "max_audio_seconds", "max_queue", "max_queue_seconds", "max_requests_per_client",
        "max_wait_seconds", "models", "rate_limit_burst", "rate_limit_per_ip", "rate_limit_per_key",
        "routing", "strict", "subtitles", "trusted_proxies", "ttl",
    }
)  # fmt: skip
"""All others stay as they were at the start: sockets, folders, plugins, budgets."""


def differing(old: Settings, new: Settings) -> list[str]:
    """Return the names of settings that differ."""
    return [name for name in type(old).model_fields if getattr(old, name) != getattr(new, name)]
