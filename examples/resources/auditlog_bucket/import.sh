terraform import auditlog_bucket.audit acme-audit-trail
