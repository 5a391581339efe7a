variable "rule_name" {
  description = "Name of the EventBridge rule and of its role."
  type        = string

  validation {
    condition = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.rule_name))
    error_message = join(" ", [
      "Rule name \"${var.rule_name}\":",
      "1 to 64 letters, digits, hyphens or underscores (its role has the same name).",
    ])
  }
}

variable "rule_arn" {
  description = "ARN that the rule gets: a sender that the queue accepts."
  type        = string
}

variable "further_rule_arns" {
  description = "Other rules whose undelivered events the queue accepts."
  type        = list(string)
  default     = []
}

variable "queue_name" {
  description = "Name of the queue for events that could not be handed over."
  type        = string
}

variable "queue_arn" {
  description = "ARN that this queue gets."
  type        = string
}

variable "keep_undelivered" {
  description = "Make that queue."
  type        = bool
  default     = true
}

variable "account_id" {
  description = "Account that the rule is in; its role can be used for no other."
  type        = string
}

variable "watched_state_machine_arn" {
  description = "State machine whose executions are watched."
  type        = string
}

variable "recorder_state_machine_arn" {
  description = "State machine that is started with the event of an execution that ended without success."
  type        = string

  validation {
    condition = var.recorder_state_machine_arn != var.watched_state_machine_arn
    error_message = join("", [
      "The recorder ${var.recorder_state_machine_arn} is the watched state machine:",
      " a failure would start it again without end.",
    ])
  }
}

variable "topic_name" {
  description = "Name of the SNS topic that people subscribe to."
  type        = string
}

variable "topic_arn" {
  description = "ARN that this topic gets."
  type        = string
}

variable "require_tls" {
  description = "Deny every request to the topic and the queue that does not come over TLS."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "KMS key of the topic and of the queue; null for AWS's own keys, which alarms cannot use."
  type        = string
}

variable "alarm_arns" {
  description = <<-EOT
    CloudWatch alarms that may publish to the topic; `*` stands for any text. Empty for any of the account. The key's
    policy has to let cloudwatch.amazonaws.com use it.
  EOT
  type        = list(string)
  default     = []

  validation {
    condition = alltrue([
      for arn in var.alarm_arns : can(regex("^arn:[^:]+:cloudwatch:[^:]+:[0-9]{12}:alarm:.+$", arn))
    ])
    error_message = join(" ", [
      "alarm_arns ${join(", ", var.alarm_arns)}:",
      "each is arn:<partition>:cloudwatch:<region>:<account>:alarm:<name>.",
    ])
  }
}

variable "emails" {
  description = "Addresses to tell. Each has to confirm the mail that SNS sends it."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "Emails ${join(", ", var.emails)}: each is name@host."
  }
}
