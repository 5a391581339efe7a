environment = "dev"

# Nothing here is worth keeping: a destroy takes everything.
protect            = false
force_destroy      = true
redshift           = { provisioned = { skip_final_snapshot = true } }
log_retention_days = 14
