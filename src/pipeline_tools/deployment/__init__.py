"""Brings a deployment to what the checkout says: first its infrastructure, then its SQL schema."""
