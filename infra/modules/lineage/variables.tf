variable "name" {
  description = "What the names of the rules begin with."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,50}$", var.name))
    error_message = "name \"${var.name}\": 1 to 50 letters, digits, hyphens or underscores."
  }
}

variable "rule_arn_prefix" {
  description = "ARN of a rule up to its name: arn:<partition>:events:<region>:<account>:rule/"
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:events:[^:]+:[0-9]{12}:rule/$", var.rule_arn_prefix))
    error_message = "rule_arn_prefix \"${var.rule_arn_prefix}\": arn:<partition>:events:<region>:<account>:rule/"
  }
}

variable "account_id" {
  description = "Account that the rules are in; the function is called for no other."
  type        = string
}

variable "state_machine_arn" {
  description = "State machine whose executions are told."
  type        = string
}

variable "bucket_name" {
  description = "Bucket with the manifests of the stages. This module then manages all of its notifications."
  type        = string
}

variable "manifest_prefix" {
  description = "Prefix below which each job has a folder with its manifests, such as runs/."
  type        = string

  validation {
    condition     = can(regex("^[a-z-]+/$", var.manifest_prefix))
    error_message = "manifest_prefix \"${var.manifest_prefix}\": one lower-case name and a slash, such as runs/."
  }
}

variable "function_name" {
  description = "Name of the function that emits events."
  type        = string
}

variable "function_arn" {
  description = "ARN of that function."
  type        = string
}
