"""Shopify, by its GraphQL Admin API of 2026-10 and its webhooks."""
