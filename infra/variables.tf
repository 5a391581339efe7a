# ---- Where and under which names -----------------------------------------------------------------------------------

variable "environment" {
  description = <<-EOT
    Name of the environment, such as dev or prod. It tags every resource; without name_prefix, tdp-<environment>
    begins every name.
  EOT
  type        = string

  validation {
    condition = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.environment)) && length(var.environment) <= 16
    error_message = join(" ", [
      "environment \"${var.environment}\":",
      "up to 16 lower-case letters, digits and single hyphens; it starts with a letter.",
    ])
  }
}

variable "name_prefix" {
  description = <<-EOT
    Begins every name; null for tdp-<environment>. Nothing else in the account may begin with it, since whoever
    deploys may change all that does; infra/bootstrap is given the same. Roles are global: the same environment in a
    second region needs a prefix of its own.
  EOT
  type        = string
  default     = null

  validation {
    # Longest name: <prefix>-artifacts-<12 digits>-<region, up to 14>, and S3 takes 63 characters. Redshift forbids
    # "--".
    condition = var.name_prefix == null || (
      can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name_prefix)) && length(coalesce(var.name_prefix, "-")) <= 20
    )
    error_message = join(" ", [
      "name_prefix \"${coalesce(var.name_prefix, "null")}\": up to 20 lower-case letters, digits and single",
      "hyphens; it starts with a letter.",
    ])
  }
}

variable "region" {
  description = "AWS region; null for the one that the environment (AWS_REGION) or the profile names."
  type        = string
  default     = null
}

variable "tags" {
  description = "Further tags for every resource."
  type        = map(string)
  default     = {}
}

variable "package_dir" {
  description = "Folder that `nox -s package` wrote: absolute, or relative to this configuration."
  type        = string
  default     = "../build/package"
}

variable "protect" {
  description = <<-EOT
    For an environment whose data is worth keeping: refuses the settings that lose data, logs or encryption. False for
    what can be thrown away.
  EOT
  type        = bool
  default     = true

  validation {
    condition     = var.protect || !can(regex("^(live|prd|prod)", var.environment))
    error_message = "protect = false with environment \"${var.environment}\": production is protected."
  }
}

# ---- Encryption, storage, logs -------------------------------------------------------------------------------------

variable "kms" {
  description = <<-EOT
    The KMS key of the buckets, the logs, Redshift and its secret, the topic and the queue.
    mode: create makes a key; existing uses key_arn; none leaves it to AWS's own keys.
    rotate: have AWS rotate the key that is made each year.
    key_arn: its policy has to let IAM policies of this account count, and CloudWatch Logs, EventBridge and CloudWatch
    use it as that of modules/kms_key does.
  EOT
  type = object({
    mode    = optional(string, "create")
    rotate  = optional(bool, true)
    key_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["create", "existing", "none"], var.kms.mode)
    error_message = "kms.mode \"${var.kms.mode}\": create, existing or none."
  }
  validation {
    condition     = (var.kms.mode == "existing") == (var.kms.key_arn != null)
    error_message = "kms.mode \"${var.kms.mode}\": key_arn is given with mode existing, and only then."
  }
  validation {
    condition = var.kms.key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.kms.key_arn))
    error_message = join(" ", [
      "kms.key_arn \"${coalesce(var.kms.key_arn, "null")}\": the ARN of a key (not of an alias),",
      "arn:aws:kms:<region>:<account>:key/<id>.",
    ])
  }
  validation {
    condition = !var.protect || (var.kms.mode != "none" && var.kms.rotate)
    error_message = join(" ", [
      "kms.mode \"${var.kms.mode}\", rotate = ${var.kms.rotate} with protect = true: a protected environment has a",
      "key of its own, which rotates.",
    ])
  }
}

variable "require_tls" {
  description = <<-EOT
    Refuse connections without TLS to the buckets and to Redshift. False only for a local endpoint that speaks plain
    HTTP.
  EOT
  type        = bool
  default     = true

  validation {
    condition     = !var.protect || var.require_tls
    error_message = "require_tls = false with protect = true: a protected environment speaks TLS only."
  }
}

variable "force_destroy" {
  description = "Let destroy delete buckets that still hold objects."
  type        = bool
  default     = false

  validation {
    condition     = !var.protect || !var.force_destroy
    error_message = "force_destroy = true with protect = true: a destroy would take the data with it."
  }
}

variable "enable_lifecycle" {
  description = <<-EOT
    Manage the buckets' lifecycle rules. False only for a local endpoint, where the provider waits about a minute for
    them.
  EOT
  type        = bool
  default     = true
}

variable "staged_expiration_days" {
  description = <<-EOT
    Days that staged rows and checked references are kept. A failed execution can be redriven for 14 days and then needs
    them.
  EOT
  type        = number
  default     = 30

  validation {
    condition = var.staged_expiration_days >= 15 && floor(var.staged_expiration_days) == var.staged_expiration_days
    error_message = join(" ", [
      "staged_expiration_days ${var.staged_expiration_days}: whole days, 15 or more, since an execution can be",
      "redriven for 14 days.",
    ])
  }
}

variable "rejected_expiration_days" {
  description = "Days that rejected rows are kept."
  type        = number
  default     = 90

  validation {
    condition = (
      var.rejected_expiration_days >= 1 &&
      floor(var.rejected_expiration_days) == var.rejected_expiration_days
    )
    error_message = "rejected_expiration_days ${var.rejected_expiration_days}: whole days, 1 or more."
  }
}

variable "log_retention_days" {
  description = "Days that the logs of the Lambda function and of the state machines are kept."
  type        = number
  default     = 365

  validation {
    # What CloudWatch Logs accepts.
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653],
      var.log_retention_days,
    )
    error_message = join(" ", [
      "log_retention_days ${var.log_retention_days}: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,",
      "1096, 1827, 2192, 2557, 2922, 3288 or 3653.",
    ])
  }

  validation {
    condition = !var.protect || var.log_retention_days >= 365
    error_message = join(" ", [
      "log_retention_days ${var.log_retention_days} with protect = true: 365 or more, so that a job of the last",
      "year can be traced.",
    ])
  }
}

variable "state_machine_log_level" {
  description = "Which events of an execution are logged: ALL, ERROR, FATAL or OFF."
  type        = string
  default     = "ALL"

  validation {
    condition     = !var.protect || contains(["ALL", "ERROR"], var.state_machine_log_level)
    error_message = "state_machine_log_level \"${var.state_machine_log_level}\" with protect = true: ALL or ERROR."
  }
}

variable "state_machine_log_execution_data" {
  description = "Log the inputs and outputs of the states too: URIs, parameters and row counts, never rows."
  type        = bool
  default     = true
}

variable "tracing_enabled" {
  description = "Send traces of the Lambda function and of the state machines to X-Ray."
  type        = bool
  default     = true
}

variable "notification_emails" {
  description = "Addresses that are told of failed executions. Each has to confirm the mail that SNS sends it."
  type        = list(string)
  default     = []
}

variable "chat_notifications_enabled" {
  description = <<-EOT
    Give subscriptions of the failure topic by https the form that Slack and Teams show through Amazon Q Developer in
    chat applications, instead of JSON for machines. Who subscribes a channel to the topic does it there:
    docs/failures.md.
  EOT
  type        = bool
  default     = false
}

variable "keep_undelivered_events" {
  description = <<-EOT
    Keep events of failed executions that could not be handed over in a queue. False only for a local endpoint that
    hands over at once or never: the provider waits half a minute for a queue.
  EOT
  type        = bool
  default     = true

  validation {
    condition     = !var.protect || var.keep_undelivered_events
    error_message = "keep_undelivered_events = false with protect = true: a failure could go unseen."
  }
}

# ---- Glue jobs -----------------------------------------------------------------------------------------------------

variable "max_concurrent_runs" {
  description = "Runs of each Glue job that may be going on at the same time, and so executions of the pipeline."
  type        = number
  default     = 20
}

variable "python_shell" {
  description = <<-EOT
    Size of the Python shell job: the input `python_shell` of modules/glue_job, whose page says what it takes. The
    wheels are those of the package.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "python_timeout_minutes" {
  description = "Minutes after which Glue ends a run of the Python shell job."
  type        = number
  default     = 60
}

variable "spark" {
  description = <<-EOT
    Size of the Spark job: the input `spark` of modules/glue_job, whose page says what it takes. With execution_class
    FLEX a run that waits for long makes the pipeline's step time out.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "spark_timeout_minutes" {
  description = "Minutes after which Glue ends a run of the Spark job."
  type        = number
  default     = 120
}

variable "spark_event_logs_enabled" {
  description = "Write the Spark UI's event logs to the lake bucket, below spark-events/."
  type        = bool
  default     = false
}

# ---- Redshift ------------------------------------------------------------------------------------------------------

variable "redshift" {
  description = <<-EOT
    The data warehouse.
    mode: provisioned (a cluster, paid by the hour), serverless (a workgroup, paid by use) or existing (nothing is
    made).
    database: where the pipeline's schemas are.
    admin_username: owner of a cluster or namespace that is made. Redshift makes, keeps and rotates the password.
    log_exports: audit logs to send to CloudWatch: connectionlog, userlog, useractivitylog.
    sql_parameters: how values reach a batch of statements. bound: as Parameters of BatchExecuteStatement, which are new
    (April 2026); inlined: as quoted text constants, where Step Functions in the region does not know them yet.
    polling: how the end of a batch is seen. long: by looks that wait for it, with WaitTimeSeconds of DescribeStatement,
    which is new (July 2026); short: by looks after 1, 2, 4 … 30 seconds, where Step Functions in the region does not
    know it yet.
    network: your own subnets and security groups; without them, those of the default VPC.
    provisioned, serverless, existing: the settings of that mode.
    The last four are inputs of modules/redshift, whose page says what each takes.
  EOT
  type = object({
    mode           = optional(string, "provisioned")
    database       = optional(string, "analytics")
    admin_username = optional(string, "pipeline_admin")
    log_exports    = optional(list(string), [])
    sql_parameters = optional(string, "bound")
    polling        = optional(string, "long")
    network        = optional(any, {})
    provisioned    = optional(any, {})
    serverless     = optional(any, {})
    existing       = optional(any)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["bound", "inlined"], var.redshift.sql_parameters)
    error_message = "redshift.sql_parameters \"${var.redshift.sql_parameters}\": bound or inlined."
  }
  validation {
    condition     = contains(["long", "short"], var.redshift.polling)
    error_message = "redshift.polling \"${var.redshift.polling}\": long or short."
  }
}

# ---- From day to day -----------------------------------------------------------------------------------------------

variable "monitoring_enabled" {
  description = <<-EOT
    Make CloudWatch alarms, which notify the failure topic, and a dashboard. About 3 USD a month: 10 cents an alarm.
    They need a key (kms), since alarms cannot publish to a topic with the key that AWS keeps for SNS. False for an
    endpoint without CloudWatch alarms.
  EOT
  type        = bool
  default     = true

  validation {
    condition = !var.monitoring_enabled || var.kms.mode != "none"
    error_message = join(" ", [
      "monitoring_enabled with kms.mode \"none\": alarms cannot use the key that AWS keeps for SNS; set kms.mode to",
      "create or existing, or monitoring_enabled to false.",
    ])
  }
}

variable "schedules" {
  description = <<-EOT
    Executions to start by the clock, by name: the input `schedules` of modules/schedule, whose page says what each
    takes.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "arrival_triggers" {
  description = <<-EOT
    Folders of the raw bucket that start an execution when a marker object (`_READY`) is uploaded as their last, by
    name: the input `triggers` of modules/arrival_trigger, whose page says what each takes.
  EOT
  type        = any
  default     = {}
  nullable    = false
}

variable "lineage" {
  description = <<-EOT
    OpenLineage events of every execution and stage, in the lake bucket below lineage/. docs/lineage.md says what they
    hold.
    enabled: false for none, and nothing of them is made.
    url: where they are posted besides, such as https://marquez.example.com/api/v1/lineage; empty for nowhere.
    token_secret_arn: a secret of Secrets Manager whose text is the bearer token for it; null for none.
    token_kms_key_arn: the customer managed key of that secret; null where AWS's own key has it.
  EOT
  type = object({
    enabled           = optional(bool, true)
    url               = optional(string, "")
    token_secret_arn  = optional(string)
    token_kms_key_arn = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = var.lineage.url == "" || can(regex("^https?://[^/@\\s]+(/[!-~]*)?$", var.lineage.url))
    error_message = join(" ", [
      "lineage.url \"${var.lineage.url}\": http(s)://host[:port]/path, without a user or a password; a token goes",
      "into token_secret_arn.",
    ])
  }
  validation {
    condition = !var.protect || !startswith(var.lineage.url, "http:")
    error_message = join(" ", [
      "lineage.url \"${var.lineage.url}\" with protect = true:",
      "a protected environment speaks TLS only; accepted: https://…",
    ])
  }
  validation {
    condition = var.lineage.token_secret_arn == null || can(
      regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+$", var.lineage.token_secret_arn)
    )
    error_message = join(" ", [
      "lineage.token_secret_arn \"${coalesce(var.lineage.token_secret_arn, "null")}\":",
      "arn:aws:secretsmanager:<region>:<account>:secret:<name>.",
    ])
  }
  validation {
    condition = (
      var.lineage.token_kms_key_arn == null ||
      can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.lineage.token_kms_key_arn))
    )
    error_message = join(" ", [
      "lineage.token_kms_key_arn \"${coalesce(var.lineage.token_kms_key_arn, "null")}\": the ARN of a key (not of",
      "an alias), arn:aws:kms:<region>:<account>:key/<id>.",
    ])
  }
}
