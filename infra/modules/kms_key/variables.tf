variable "alias" {
  description = "Alias of the key, without alias/."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_-]{1,250}$", var.alias)) && !startswith(var.alias, "aws/")
    error_message = "Key alias \"${var.alias}\": letters, digits, slashes, hyphens or underscores; aws/ is AWS's own."
  }
}

variable "description" {
  description = "What the key encrypts."
  type        = string
}

variable "partition" {
  description = "AWS partition, such as aws or aws-us-gov."
  type        = string
}

variable "region" {
  description = "AWS region of the key and of all that uses it."
  type        = string
}

variable "account_id" {
  description = "Account that the key is in, and the only one that can use it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id \"${var.account_id}\": 12 digits."
  }
}

variable "deletion_window_days" {
  description = <<-EOT
    Days between the key's deletion and its end; until then it can be taken back. After it, all that it encrypted is
    lost.
  EOT
  type        = number
  default     = 30

  validation {
    condition     = contains(range(7, 31), var.deletion_window_days)
    error_message = "deletion_window_days ${var.deletion_window_days}: whole days, 7 to 30."
  }
}

variable "rotate" {
  description = <<-EOT
    Have AWS rotate the key each year. False only for an endpoint that encrypts nothing: the provider waits for it.
  EOT
  type        = bool
  default     = true
}

variable "log_group_arns" {
  description = "ARNs of the log groups that CloudWatch Logs may encrypt with the key."
  type        = list(string)

  validation {
    condition = length(var.log_group_arns) > 0 && alltrue([
      for arn in var.log_group_arns : can(regex("^arn:[^:]+:logs:[^:*]+:[^:*]+:log-group:[^:*]+$", arn))
    ])
    error_message = format(
      "log_group_arns %s: at least one arn:<partition>:logs:<region>:<account>:log-group:<name>, without a wildcard.",
      join(", ", var.log_group_arns),
    )
  }
}
