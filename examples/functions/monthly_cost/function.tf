locals {
  # two logs and one key, 10 GB a day, a segment every five minutes, kept for a year, moved after 90 days
  bill = provider::auditlog::monthly_cost(2, 1, 10, "5m", 365, [{ days = 90, storage_class = "GLACIER_IR" }], null)

  # the same with the prices of Frankfurt for storage
  frankfurt = provider::auditlog::monthly_cost(2, 1, 10, "5m", 365, [{ days = 90, storage_class = "GLACIER_IR" }], {
    storage_STANDARD   = 0.0245
    storage_GLACIER_IR = 0.005
  })
}

output "dollars_a_month" {
  value = local.bill.cost.total # 33.39
}
