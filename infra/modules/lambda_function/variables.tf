variable "name" {
  description = "Name of the function and of its role."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "Function name \"${var.name}\": 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "description" {
  description = "What the function does."
  type        = string
  default     = ""
}

variable "package_file" {
  description = "Path of the zip file with the function's code."
  type        = string
}

variable "handler" {
  description = "The function to call, as package.module.function."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)+$", var.handler))
    error_message = "Handler \"${var.handler}\": Python names separated by dots, the last one the function."
  }
}

variable "runtime" {
  description = "Lambda runtime."
  type        = string
  default     = "python3.13"

  validation {
    condition     = can(regex("^python3\\.[0-9]+$", var.runtime))
    error_message = "Runtime \"${var.runtime}\": a Python runtime, such as python3.13."
  }
}

variable "architecture" {
  description = "Processor architecture. The package holds pure Python, so arm64, the cheaper one, will do."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Architecture \"${var.architecture}\": arm64 or x86_64."
  }
}

variable "memory_mb" {
  description = "Memory in MB; the processor's share grows with it."
  type        = number
  default     = 256

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb ${var.memory_mb}: 128 to 10240."
  }
}

variable "timeout_seconds" {
  description = "Time after which an invocation is ended."
  type        = number
  default     = 10

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds ${var.timeout_seconds}: 1 to 900."
  }
}

variable "environment" {
  description = "Environment variables of the function. No secrets: they show in the console and in the state."
  type        = map(string)
  default     = {}
}

variable "policy_statements" {
  description = "What the function may do, beside writing its log and its traces. Actions are named in full."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(list(string))))
  }))
  default = []

  validation {
    condition = alltrue([
      for action in flatten(var.policy_statements[*].actions) : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))
    ])
    error_message = join(" ", [
      "Actions ${join(", ", flatten(var.policy_statements[*].actions))}:",
      "each is service:Action, without a wildcard.",
    ])
  }
}

variable "log_group_arn_prefix" {
  description = "ARN of a log group up to its name: arn:<partition>:logs:<region>:<account>:log-group:"
  type        = string

  validation {
    condition = can(regex("^arn:[^:]+:logs:[^:]+:[^:]+:log-group:$", var.log_group_arn_prefix))
    error_message = join(" ", [
      "log_group_arn_prefix \"${var.log_group_arn_prefix}\":",
      "expected arn:<partition>:logs:<region>:<account>:log-group:",
    ])
  }
}

variable "log_retention_days" {
  description = "Days that log events are kept."
  type        = number
}

variable "tracing_enabled" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "KMS key of the log group and of the environment variables; null for AWS's own keys."
  type        = string
}
