variable "name" {
  description = "Name of the role of the rules; each rule has this name and its trigger's."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,40}$", var.name))
    error_message = "name \"${var.name}\": 1 to 40 letters, digits, hyphens or underscores."
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

variable "bucket_name" {
  description = "Bucket whose new objects are looked at. This module then manages all of its notifications."
  type        = string
}

variable "state_machine_arn" {
  description = "State machine that is started with dataset, parameters, marker, bucket, key and sequencer."
  type        = string
}

variable "dead_letter_queue_arn" {
  description = "Queue for events that could not be handed over; its policy has to let the rules send. Null for none."
  type        = string
  default     = null
}

variable "triggers" {
  description = <<-EOT
    Folders to watch, by name. An object named `marker` in the folder `prefix`, or anywhere below it, starts the
    pipeline on the folder that it lies in. It is uploaded last, so that no half-uploaded folder is read.
    dataset: its folder in sql/datasets.
    prefix: the folder to watch, such as flights/.
    marker: name of the object that says that a folder is complete.
    parameters: of the dataset; each a number, true, false or a text.
    enabled: a trigger that is not is kept, and starts nothing.
  EOT
  type = map(object({
    dataset    = string
    prefix     = string
    marker     = optional(string, "_READY")
    parameters = optional(map(string), {})
    enabled    = optional(bool, true)
  }))
  default = {}

  validation {
    condition = alltrue([for name in keys(var.triggers) : can(regex("^[a-zA-Z0-9_-]{1,20}$", name))])
    error_message = join(" ", [
      "Trigger names ${join(", ", keys(var.triggers))}:",
      "each is 1 to 20 letters, digits, hyphens or underscores.",
    ])
  }
  validation {
    condition = alltrue([for trigger in values(var.triggers) : can(regex("^[a-z][a-z0-9_]*$", trigger.dataset))])
    error_message = format("dataset of %s: the name of a folder in sql/datasets.", join(", ", [
      for name, trigger in var.triggers :
      "${name} is ${jsonencode(trigger.dataset)}" if !can(regex("^[a-z][a-z0-9_]*$", trigger.dataset))
    ]))
  }
  validation {
    # Below reference/ the pipeline looks for what it joins with.
    condition = alltrue([
      for prefix in values(var.triggers)[*].prefix :
      can(regex("^[0-9A-Za-z!_.()=+,@/-]{0,800}[0-9A-Za-z!_.()=+,@-]/$", prefix)) && !startswith(prefix, "reference/")
    ])
    error_message = join("", [
      "prefix of ",
      join(", ", [for name, trigger in var.triggers : "${name} is ${jsonencode(trigger.prefix)}"]),
      ": a folder such as flights/, which ends with a slash, of letters, digits and !_.()=+,@/-",
      " and is not below reference/.",
    ])
  }
  validation {
    # The Python shell job leaves such names out.
    condition = alltrue([
      for trigger in values(var.triggers) : can(regex("^[_.][0-9A-Za-z_.-]{1,100}$", trigger.marker))
    ])
    error_message = format(
      "marker of %s: a file name that begins with _ or . and so is not read as data, such as _READY.",
      join(", ", [for name, trigger in var.triggers : "${name} is ${jsonencode(trigger.marker)}"]),
    )
  }
  validation {
    condition = alltrue(flatten([
      for trigger in values(var.triggers) : [
        for value in values(trigger.parameters) : can(length(tostring(try(jsondecode(value), value))))
      ]
    ]))
    error_message = format(
      "parameters of %s: each value is a number, true, false or a text; not null, a list or an object.",
      join(", ", [for name, trigger in var.triggers : "${name} is ${jsonencode(trigger.parameters)}"]),
    )
  }
}
