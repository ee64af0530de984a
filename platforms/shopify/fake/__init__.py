"""A Shopify store for this machine: the Admin API's own schema over records in memory."""

from platforms.shopify.fake.app import create_api

__all__ = ["create_api"]
