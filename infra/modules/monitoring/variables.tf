variable "name_prefix" {
  description = <<-EOT
    Begins the names of the alarms, the rules and the log group; the dashboard has this name and `-pipeline`.
  EOT
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,40}$", var.name_prefix))
    error_message = "name_prefix \"${var.name_prefix}\": 1 to 40 letters, digits, hyphens or underscores."
  }
}

variable "region" {
  description = "Region of what is watched; a dashboard is global and names it in every widget."
  type        = string
}

variable "account_id" {
  description = "Account of what is watched."
  type        = string
}

variable "topic_arn" {
  description = "SNS topic that the alarms notify. Its policy and its key have to let CloudWatch publish."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:sns:[^:]+:[0-9]{12}:.+$", var.topic_arn))
    error_message = "topic_arn \"${var.topic_arn}\": the ARN of an SNS topic."
  }
}

variable "pipeline" {
  description = "State machine of the pipeline: its ARN and its log group, whose level is ALL with execution data."
  type = object({
    arn            = string
    log_group_name = string
  })
}

variable "helper_state_machine_arns" {
  description = "State machines around the pipeline, by name (`record-failure`). When one fails, something goes unseen."
  type        = map(string)
}

variable "glue_job_names" {
  description = <<-EOT
    Glue jobs by what the alarms and the dashboard call them (`python`, `spark`). The Spark job is `spark`.
  EOT
  type        = map(string)

  validation {
    condition = contains(keys(var.glue_job_names), "spark")
    error_message = format(
      "glue_job_names has the keys %s: `spark` has to be among them, since it alone has metrics of its own.",
      join(", ", keys(var.glue_job_names)),
    )
  }
}

variable "lambda_function_name" {
  description = "Lambda function of the pipeline."
  type        = string
}

variable "dead_letter_queue_names" {
  description = "SQS queues that hold what could not be delivered."
  type        = set(string)
  default     = []
}

variable "log_group_arn_prefix" {
  description = "ARN of a log group up to its name: arn:<partition>:logs:<region>:<account>:log-group:"
  type        = string
}

variable "log_retention_days" {
  description = "Days that the events of failed Glue runs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "KMS key of the log group, whose policy lets CloudWatch Logs use it; null for CloudWatch's own key."
  type        = string
  default     = null
}
