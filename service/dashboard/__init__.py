"""The dashboard: a client of the public REST API, plain ES modules and web components, served unchanged."""

from service.dashboard.routes import ASSETS_PATH, assets, router

__all__ = ["ASSETS_PATH", "assets", "router"]
