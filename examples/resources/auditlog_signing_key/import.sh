# by key id, by ARN or by alias
terraform import auditlog_signing_key.audit alias/acme-audit
