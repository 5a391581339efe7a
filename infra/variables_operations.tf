variable "monitoring_enabled" {
  description = "Make CloudWatch alarms, which notify the failure topic, and a dashboard. About 3 USD a month: 10 cents an alarm. They need a key (kms), since alarms cannot publish to a topic with the key that AWS keeps for SNS. False for an endpoint without CloudWatch alarms."
  type        = bool
  default     = true

  validation {
    condition     = !var.monitoring_enabled || var.kms.mode != "none"
    error_message = "monitoring_enabled with kms.mode \"none\": alarms cannot use the key that AWS keeps for SNS; set kms.mode to create or existing, or monitoring_enabled to false."
  }
}

variable "schedules" {
  description = "Executions to start by the clock, by name. What each field takes: modules/schedule."
  type = map(object({
    dataset                 = string
    source_uri              = string
    expression              = string
    timezone                = optional(string, "UTC")
    parameters              = optional(map(string), {})
    repeat                  = optional(bool, false)
    enabled                 = optional(bool, true)
    flexible_window_minutes = optional(number, 0)
  }))
  default = {}
}

variable "arrival_triggers" {
  description = "Folders of the raw bucket that start an execution when a marker object (`_READY`) is uploaded as their last, by name. What each field takes: modules/arrival_trigger. Empty for none."
  type = map(object({
    dataset    = string
    prefix     = string
    marker     = optional(string, "_READY")
    parameters = optional(map(string), {})
    enabled    = optional(bool, true)
  }))
  default = {}
}

variable "lineage" {
  description = <<-EOT
    OpenLineage events of every execution and stage, in the lake bucket below lineage/. docs/lineage.md says what they hold.
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
    condition     = var.lineage.url == "" || can(regex("^https?://[^/@\\s]+(/[!-~]*)?$", var.lineage.url))
    error_message = "lineage.url \"${var.lineage.url}\": http(s)://host[:port]/path, without a user or a password; a token goes into token_secret_arn."
  }
  validation {
    condition     = !var.protect || !startswith(var.lineage.url, "http:")
    error_message = "lineage.url \"${var.lineage.url}\" with protect = true: a protected environment speaks TLS only; accepted: https://…"
  }
  validation {
    condition     = var.lineage.token_secret_arn == null || can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+$", var.lineage.token_secret_arn))
    error_message = "lineage.token_secret_arn \"${coalesce(var.lineage.token_secret_arn, "null")}\": arn:aws:secretsmanager:<region>:<account>:secret:<name>."
  }
  validation {
    condition     = var.lineage.token_kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.lineage.token_kms_key_arn))
    error_message = "lineage.token_kms_key_arn \"${coalesce(var.lineage.token_kms_key_arn, "null")}\": the ARN of a key (not of an alias), arn:aws:kms:<region>:<account>:key/<id>."
  }
}
