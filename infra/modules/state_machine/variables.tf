variable "name" {
  description = "Name of the state machine and of its role."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "State machine name \"${var.name}\": 1 to 64 letters, digits, hyphens or underscores (its role has the same name)."
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
    condition     = alltrue([for action in flatten(var.policy_statements[*].actions) : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])
    error_message = "Actions ${join(", ", flatten(var.policy_statements[*].actions))}: each is service:Action, without a wildcard."
  }
  validation {
    condition     = length(distinct(var.policy_statements[*].sid)) == length(var.policy_statements)
    error_message = "Statement IDs ${join(", ", var.policy_statements[*].sid)}: each is used once."
  }
}

variable "log_retention_days" {
  description = "Days that log events are kept."
  type        = number
}

variable "log_level" {
  description = "Which events of an execution are logged: ALL, ERROR, FATAL or OFF."
  type        = string
  default     = "ALL"

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.log_level)
    error_message = "log_level \"${var.log_level}\": ALL, ERROR, FATAL or OFF."
  }
}

variable "include_execution_data" {
  description = "Log the inputs and outputs of the states too."
  type        = bool
  default     = true
}

variable "tracing_enabled" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "KMS key of the log group; null for AWS's own keys."
  type        = string
}
