environment = "prod"

log_retention_days               = 365
redshift_snapshot_retention_days = 14
redshift_log_exports             = ["connectionlog", "userlog", "useractivitylog"]
