"""WooCommerce: the adapter, and a store of our own to try it on."""
