environment = "prod"

log_retention_days = 365

redshift = {
  log_exports = ["connectionlog", "userlog", "useractivitylog"]
  provisioned = { snapshot_retention_days = 14 }
}
