variable "name" {
  description = "Name of the schedule group and of the role that its schedules have."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "name \"${var.name}\": 1 to 64 letters, digits, hyphens or underscores."
  }
}

variable "group_arn" {
  description = "ARN that the schedule group gets: the role can be used for no other."
  type        = string

  validation {
    condition = can(regex("^arn:[^:]+:scheduler:[^:]+:[0-9]{12}:schedule-group/[^/]+$", var.group_arn))
    error_message = join(" ", [
      "group_arn \"${var.group_arn}\":",
      "arn:<partition>:scheduler:<region>:<account>:schedule-group/<name>.",
    ])
  }
}

variable "state_machine_arn" {
  description = <<-EOT
    State machine that the schedules start, and nothing else, with schedule, scheduled_time, dataset, source_uri,
    parameters and repeat.
  EOT
  type        = string
}

variable "dead_letter_queue_arn" {
  description = "Queue of the account for starts that failed at every try; null for none."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "KMS key of the schedules' inputs; null for a key of AWS's."
  type        = string
  default     = null
}

variable "schedules" {
  description = <<-EOT
    Executions to start, by name.
    dataset: its folder in sql/datasets.
    source_uri: the folder to read, s3://bucket/prefix/.
    expression: `cron(minutes hours day-of-month month day-of-week year)` or `rate(number unit)`.
    timezone: of the expression, such as Europe/Berlin.
    parameters: of the dataset; each a number, true, false or a text. What reads as a number or as true or false is
    passed as one: write such a text with quotes in it ("\"007\"").
    repeat: load files again that an earlier job has appended.
    enabled: a schedule that is not is kept, and starts nothing.
    flexible_window_minutes: start at any moment of that time; 0 for at once.
  EOT
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

  validation {
    # Scheduler takes 64, but the name of an execution, with the time, at most 80.
    condition = alltrue([for name in keys(var.schedules) : can(regex("^[a-zA-Z0-9_-]{1,63}$", name))])
    error_message = join(" ", [
      "Schedule names ${join(", ", keys(var.schedules))}:",
      "each is 1 to 63 letters, digits, hyphens or underscores.",
    ])
  }
  validation {
    condition = alltrue([for schedule in values(var.schedules) : can(regex(local.patterns.dataset, schedule.dataset))])
    error_message = format("dataset of %s: the name of a folder in sql/datasets.", join(", ", [
      for name, schedule in var.schedules :
      "${name} is ${jsonencode(schedule.dataset)}" if !can(regex(local.patterns.dataset, schedule.dataset))
    ]))
  }
  validation {
    condition = alltrue([
      for schedule in values(var.schedules) : can(regex(local.patterns.source_uri, schedule.source_uri))
    ])
    error_message = format(
      "source_uri of %s: s3://bucket/prefix/, which ends with a slash, of letters, digits and !_.()=+,@/-",
      join(", ", [
        for name, schedule in var.schedules :
        "${name} is ${jsonencode(schedule.source_uri)}" if !can(regex(local.patterns.source_uri, schedule.source_uri))
      ]),
    )
  }
  validation {
    condition = alltrue([
      for schedule in values(var.schedules) : can(regex(local.patterns.expression, schedule.expression))
    ])
    error_message = join("", [
      "expression of ",
      join(", ", [
        for name, schedule in var.schedules :
        "${name} is ${jsonencode(schedule.expression)}" if !can(regex(local.patterns.expression, schedule.expression))
      ]),
      ": rate(<number> minutes|hours|days), or cron(<minutes> <hours> <day of month> <month> <day of week> <year>)",
      " with \"?\" for one of the two days, such as cron(0 6 * * ? *).",
    ])
  }
  validation {
    condition = alltrue([
      for schedule in values(var.schedules) : can(regex(local.patterns.timezone, schedule.timezone))
    ])
    error_message = format("timezone of %s: a name of the IANA database, such as UTC or Europe/Berlin.", join(", ", [
      for name, schedule in var.schedules :
      "${name} is ${jsonencode(schedule.timezone)}" if !can(regex(local.patterns.timezone, schedule.timezone))
    ]))
  }
  validation {
    condition = alltrue(flatten([
      for schedule in values(var.schedules) : [
        for value in values(schedule.parameters) : can(length(tostring(try(jsondecode(value), value))))
      ]
    ]))
    error_message = join("", [
      "parameters of ",
      join(", ", [
        for name, schedule in var.schedules : "${name} is ${jsonencode(schedule.parameters)}"
        if !alltrue([for value in values(schedule.parameters) : can(length(tostring(try(jsondecode(value), value))))])
      ]),
      ": each value is a number, true, false or a text; not null, a list or an object.",
    ])
  }
  validation {
    condition = alltrue([
      for minutes in values(var.schedules)[*].flexible_window_minutes :
      minutes >= 0 && minutes <= 1440 && floor(minutes) == minutes
    ])
    error_message = format("flexible_window_minutes of %s: 0 for none, or whole minutes up to 1440.", join(", ", [
      for name, minutes in { for name, schedule in var.schedules : name => schedule.flexible_window_minutes } :
      "${name} is ${minutes}" if !(minutes >= 0 && minutes <= 1440 && floor(minutes) == minutes)
    ]))
  }
}

locals {
  patterns = {
    dataset = "^[a-z][a-z0-9_]*$"
    # What the pipeline accepts (src/lambda_generate_param/request.py), and a folder.
    source_uri = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[0-9A-Za-z!_.()=+,@/-]{0,899}/$"
    # A cron expression roughly: six fields of the characters that each may have, one of the two days being "?".
    expression = join("|", [
      "^rate\\([1-9][0-9]* (minute|hour|day)s?\\)$",
      "^cron\\([0-9*,/-]+ [0-9*,/-]+ (\\? [0-9A-Z*,/-]+ [0-9A-Z*,/#-]+|[0-9LW*,/-]+ [0-9A-Z*,/-]+ \\?) [0-9*,/-]+\\)$",
    ])
    timezone = "^[A-Za-z]+([_+/-][A-Za-z0-9]+)*$"
  }
}
