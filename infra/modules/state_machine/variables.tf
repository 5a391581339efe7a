variable "name" {
  description = "Name of the state machine and of its role."
  type        = string

  validation {
    condition = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = join(" ", [
      "State machine name \"${var.name}\":",
      "1 to 64 letters, digits, hyphens or underscores (its role has the same name).",
    ])
  }
}

variable "account_id" {
  description = "Account that the state machine is in; its role can be used for no other."
  type        = string
}

variable "definition_file" {
  description = "Path of the definition: an Amazon States Language document in YAML, with Terraform's template syntax."
  type        = string
}

variable "definition_variables" {
  description = "Values for the definition's template."
  type        = map(string)
  default     = {}
}

variable "policy_statements" {
  description = "What the state machine may do, beside sending its logs and traces. Actions are named in full."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(list(string))))
  }))

  validation {
    condition = alltrue([
      for action in flatten(var.policy_statements[*].actions) : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))
    ])
    error_message = join(" ", [
      "Actions ${join(", ", flatten(var.policy_statements[*].actions))}:",
      "each is service:Action, without a wildcard.",
    ])
  }
  validation {
    condition     = length(distinct(var.policy_statements[*].sid)) == length(var.policy_statements)
    error_message = "Statement IDs ${join(", ", var.policy_statements[*].sid)}: each is used once."
  }
}

variable "logging" {
  description = <<-EOT
    The log group of the executions.
    retention_days: days that log events are kept.
    level: which events are logged: ALL, ERROR, FATAL or OFF.
    include_execution_data: log the inputs and outputs of the states too.
    kms_key_arn: KMS key of the log group; null for AWS's own keys.
  EOT
  type = object({
    retention_days         = number
    level                  = optional(string, "ALL")
    include_execution_data = optional(bool, true)
    kms_key_arn            = optional(string)
  })

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.logging.level)
    error_message = "logging.level \"${var.logging.level}\": ALL, ERROR, FATAL or OFF."
  }
}

variable "tracing_enabled" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = true
}
