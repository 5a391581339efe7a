variable "name" {
  description = "Name of the job and of its role."
  type        = string

  validation {
    condition = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = join(" ", [
      "Job name \"${var.name}\":",
      "1 to 64 letters, digits, hyphens or underscores (its role has the same name).",
    ])
  }
}

variable "description" {
  description = "What the job does."
  type        = string
  default     = ""
}

variable "kind" {
  description = "pythonshell (one process, Python 3.9) or spark."
  type        = string

  validation {
    condition     = contains(["pythonshell", "spark"], var.kind)
    error_message = "Kind \"${var.kind}\": pythonshell or spark."
  }
}

variable "script_uri" {
  description = "s3:// URI of the script that Glue runs."
  type        = string

  validation {
    condition     = can(regex("^s3://[^/]+/.+\\.py$", var.script_uri))
    error_message = "script_uri \"${var.script_uri}\": expected s3://<bucket>/<key>.py"
  }
}

variable "extra_py_files" {
  description = <<-EOT
    s3:// URIs of what Glue puts on the script's import path: wheels of a pythonshell job, zip files or wheels of a
    spark job.
  EOT
  type        = list(string)

  validation {
    condition = length(var.extra_py_files) > 0 && alltrue([
      for uri in var.extra_py_files : can(regex("^s3://[^/,]+/[^,]+\\.(zip|whl)$", uri))
    ])
    error_message = join("", [
      "extra_py_files ${jsonencode(var.extra_py_files)}: at least one s3://<bucket>/<key>.zip or .whl;",
      " Glue's Python 3.9 takes no .egg.",
    ])
  }
  validation {
    condition = var.kind != "pythonshell" || alltrue([for uri in var.extra_py_files : endswith(uri, ".whl")])
    error_message = join("", [
      "extra_py_files ${jsonencode(var.extra_py_files)}: wheels (.whl);",
      " a pythonshell job installs them with pip and cannot import from a .zip.",
    ])
  }
}

variable "default_arguments" {
  description = "Arguments of every run, beside those that this module sets."
  type        = map(string)
  default     = {}

  validation {
    condition = !anytrue([for name in keys(var.default_arguments) : lower(trimprefix(name, "--")) == "job_id"])
    error_message = join(" ", [
      "default_arguments has ${join(", ", keys(var.default_arguments))}: the job ID belongs to a run; the state",
      "machine passes it.",
    ])
  }
  validation {
    condition = alltrue([for name in keys(var.default_arguments) : startswith(name, "--")])
    error_message = join(" ", [
      "default_arguments has ${join(", ", keys(var.default_arguments))}:",
      "every name starts with two hyphens.",
    ])
  }
}

variable "timeout_minutes" {
  description = "Minutes after which Glue ends a run."
  type        = number

  validation {
    condition = (
      var.timeout_minutes >= 1 &&
      var.timeout_minutes <= 10080 &&
      floor(var.timeout_minutes) == var.timeout_minutes
    )
    error_message = "timeout_minutes ${var.timeout_minutes}: whole minutes, 1 to 10080 (7 days)."
  }
}

variable "max_concurrent_runs" {
  description = "Runs of this job that may be going on at the same time; a further one fails to start."
  type        = number
  default     = 20

  validation {
    condition     = var.max_concurrent_runs >= 1 && floor(var.max_concurrent_runs) == var.max_concurrent_runs
    error_message = "max_concurrent_runs ${var.max_concurrent_runs}: a whole number, 1 or more."
  }
}

variable "python_shell" {
  description = <<-EOT
    Settings of a pythonshell job.
    max_capacity: 0.0625 DPU (about 1 GB of memory) or 1 DPU (about 16 GB).
    additional_python_modules: s3:// URIs of wheels for Python 3.9 that pip installs before the script starts; all that
    the script imports, since none of Glue's own libraries are there.
  EOT
  type = object({
    max_capacity              = optional(number, 0.0625)
    additional_python_modules = optional(list(string), [])
  })
  default = {}

  validation {
    condition     = contains([0.0625, 1], var.python_shell.max_capacity)
    error_message = "max_capacity ${var.python_shell.max_capacity}: 0.0625 or 1."
  }
  validation {
    condition = alltrue([
      for module in var.python_shell.additional_python_modules : can(regex("^s3://[^/,]+/[^,]+\\.whl$", module))
    ])
    error_message = join("", [
      "additional_python_modules ${jsonencode(var.python_shell.additional_python_modules)}: each",
      " s3://<bucket>/<key>.whl, so that every run gets the same code and asks no package index.",
    ])
  }
}

variable "spark" {
  description = <<-EOT
    Settings of a spark job.
    glue_version: decides the versions of Spark and Python (5.1: Spark 3.5.6, Python 3.11).
    worker_type and number_of_workers: the job's size; with auto_scaling the number is the most that it grows to.
    execution_class: FLEX is cheaper, starts when there is spare capacity and may be interrupted.
    event_logs_uri: s3:// URI for the Spark UI's event logs (the job must be allowed to write there); null for none.
  EOT
  type = object({
    glue_version      = optional(string, "5.1")
    worker_type       = optional(string, "G.1X")
    number_of_workers = optional(number, 2)
    execution_class   = optional(string, "STANDARD")
    auto_scaling      = optional(bool, true)
    event_logs_uri    = optional(string)
  })
  default = {}

  validation {
    condition = can(regex("^[5-9]\\.[0-9]$", var.spark.glue_version))
    error_message = join(" ", [
      "glue_version \"${var.spark.glue_version}\":",
      "5.0 or later, such as 5.1; older versions run Python 3.10 or less.",
    ])
  }
  validation {
    condition     = can(regex("^[GR]\\.[0-9]+X$", var.spark.worker_type))
    error_message = "worker_type \"${var.spark.worker_type}\": a Spark worker such as G.1X, G.2X or R.1X."
  }
  validation {
    condition = (
      var.spark.number_of_workers >= 2 &&
      floor(var.spark.number_of_workers) == var.spark.number_of_workers
    )
    error_message = join(" ", [
      "number_of_workers ${var.spark.number_of_workers}:",
      "a whole number, 2 or more (one of them is the driver).",
    ])
  }
  validation {
    condition     = contains(["STANDARD", "FLEX"], var.spark.execution_class)
    error_message = "execution_class \"${var.spark.execution_class}\": STANDARD or FLEX."
  }
  validation {
    condition     = var.spark.execution_class != "FLEX" || contains(["G.1X", "G.2X"], var.spark.worker_type)
    error_message = "worker_type \"${var.spark.worker_type}\" with execution_class FLEX: G.1X or G.2X."
  }
}

variable "s3_access" {
  description = <<-EOT
    Where the job may read, and with write also write and delete: a bucket's ARN and the prefix below it, empty for all
    of it.
  EOT
  type = list(object({
    bucket_arn = string
    prefix     = string
    write      = optional(bool, false)
  }))

  validation {
    condition     = alltrue([for place in var.s3_access : place.prefix == "" || endswith(place.prefix, "/")])
    error_message = "s3_access prefixes ${join(", ", var.s3_access[*].prefix)}: each is empty or ends with a slash."
  }
  validation {
    condition = (
      anytrue(var.s3_access[*].write) &&
      alltrue([for place in var.s3_access : !place.write || place.prefix != ""])
    )
    error_message = join("", [
      "s3_access with write below \"",
      join(", ", [for place in var.s3_access : place.prefix if place.write]),
      "\": at least one prefix, and none is empty; no job may write to a whole bucket.",
    ])
  }
}

variable "kms_key_arn" {
  description = "KMS key of the objects; null where S3's own keys encrypt them."
  type        = string
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
