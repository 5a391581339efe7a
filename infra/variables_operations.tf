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
