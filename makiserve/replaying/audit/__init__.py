"""Audit: what a service has really written, against a replay of what came in."""

from makiserve.replaying.audit.audit import Audited, Parting, audit

__all__ = ["Audited", "Parting", "audit"]
