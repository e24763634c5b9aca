output "retention" {
  value = provider::auditlog::retention_days("sec-17a-4") # 2192
}
