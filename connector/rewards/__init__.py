"""Rewards: a redemption, its discount on the store, and the way back."""
