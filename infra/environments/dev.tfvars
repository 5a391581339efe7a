environment = "dev"

# Nothing here is worth keeping: a destroy takes everything, and AWS's own keys, which cost nothing, do.
protect            = false
force_destroy      = true
redshift           = { provisioned = { skip_final_snapshot = true } }
log_retention_days = 14
kms                = { mode = "none" }
