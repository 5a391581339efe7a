# For an endpoint on this machine: set AWS_ENDPOINT_URL, AWS_REGION and any access key.
environment = "local"
name_prefix = "local"

# Nothing here is worth keeping or hiding.
protect            = false
force_destroy      = true
redshift           = { provisioned = { skip_final_snapshot = true } }
log_retention_days = 1

# The key is asked for as on AWS, but encrypts nothing here, and the provider waits some 5 s for its rotation.
kms = { rotate = false }

# The endpoint speaks plain HTTP, and so would be refused.
require_tls = false

# Neither does anything here, and the provider waits for them: about a minute for lifecycle rules, half a one for a queue.
enable_lifecycle        = false
keep_undelivered_events = false

# Nothing collects traces here.
tracing_enabled = false

# MiniStack answers an alarm without most of what it was made with, so every plan would change every alarm.
monitoring_enabled = false

# Upload files to flights/<folder>/ of the raw bucket and then an empty flights/<folder>/_READY: an execution starts.
arrival_triggers = { flights = { dataset = "flights", prefix = "flights/" } }
