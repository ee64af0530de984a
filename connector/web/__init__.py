"""HTTP: what stores, shoppers and merchants reach."""
