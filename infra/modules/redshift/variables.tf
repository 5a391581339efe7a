variable "mode" {
  description = <<-EOT
    provisioned makes a cluster, serverless a namespace and a workgroup; existing makes nothing and uses what is named.
  EOT
  type        = string

  validation {
    condition     = contains(["provisioned", "serverless", "existing"], var.mode)
    error_message = "Redshift mode \"${var.mode}\": provisioned, serverless or existing."
  }
}

variable "name" {
  description = "Name of the cluster, or of the namespace and the workgroup; groups and snapshots are named after it."
  type        = string

  validation {
    condition = (
      can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) &&
      length(var.name) >= 3 &&
      length(var.name) <= 63
    )
    error_message = join(" ", [
      "Redshift name \"${var.name}\":",
      "3 to 63 lower-case letters, digits and single hyphens; it starts with a letter.",
    ])
  }
}

variable "database" {
  description = "Database that the statements run in; made with the cluster or namespace."
  type        = string

  validation {
    condition = can(regex("^[a-z_][a-z0-9_]{0,63}$", var.database))
    error_message = join(" ", [
      "Redshift database \"${var.database}\": up to 64 lower-case letters, digits and underscores; it does not",
      "start with a digit.",
    ])
  }
}

variable "admin_username" {
  description = "Database user that owns the cluster or namespace."
  type        = string
  default     = "pipeline_admin"

  validation {
    condition = can(regex("^[a-z][a-z0-9_]{0,127}$", var.admin_username))
    error_message = join(" ", [
      "Redshift admin_username \"${var.admin_username}\": lower-case letters, digits and underscores; it starts",
      "with a letter.",
    ])
  }
  validation {
    condition     = var.admin_username != "pipeline_loader"
    error_message = "Redshift admin_username \"pipeline_loader\": another name; this is that of the user that loads."
  }
}

variable "network" {
  description = <<-EOT
    Where Redshift is in a VPC; it is never public. The Data API needs no security group that lets anything in.
    subnet_ids: empty for the default VPC. Serverless needs three, in three availability zones.
    security_group_ids: empty for the VPC's default group.
    enhanced_vpc_routing: send COPY's traffic through the VPC, which then needs a route to S3.
  EOT
  type = object({
    subnet_ids           = optional(list(string), [])
    security_group_ids   = optional(list(string), [])
    enhanced_vpc_routing = optional(bool, false)
  })
  default = {}

  validation {
    condition     = alltrue([for id in var.network.subnet_ids : startswith(id, "subnet-")])
    error_message = "Redshift subnet_ids ${join(", ", var.network.subnet_ids)}: IDs that start with subnet-."
  }
  validation {
    condition = alltrue([for id in var.network.security_group_ids : startswith(id, "sg-")])
    error_message = join(" ", [
      "Redshift security_group_ids ${join(", ", var.network.security_group_ids)}:",
      "IDs that start with sg-.",
    ])
  }
}

variable "protect" {
  description = "Refuse settings of a cluster that lose its data. False for what can be thrown away."
  type        = bool
  default     = true
}

variable "log_exports" {
  description = "Audit logs to send to CloudWatch: connectionlog, userlog, useractivitylog. Empty for none."
  type        = list(string)
  default     = []

  validation {
    condition = length(setsubtract(var.log_exports, ["connectionlog", "userlog", "useractivitylog"])) == 0
    error_message = join(" ", [
      "Redshift log_exports ${join(", ", var.log_exports)}:",
      "any of connectionlog, userlog, useractivitylog.",
    ])
  }
}

variable "require_ssl" {
  description = "Refuse connections without TLS."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "KMS key of the data, of the secret and of the objects that COPY reads; null for AWS's own keys."
  type        = string
}

variable "provisioned" {
  description = <<-EOT
    The cluster of mode provisioned.
    node_type and number_of_nodes: its size; 1 makes a single-node cluster.
    snapshot_retention_days: days that automated snapshots are kept.
    skip_final_snapshot: destroy the cluster without a last snapshot; for what holds nothing of value.
  EOT
  type = object({
    node_type               = optional(string, "ra3.large")
    number_of_nodes         = optional(number, 1)
    snapshot_retention_days = optional(number, 7)
    skip_final_snapshot     = optional(bool, false)
  })
  default = {}

  validation {
    condition     = can(regex("^[a-z0-9]+\\.[a-z0-9]+$", var.provisioned.node_type))
    error_message = "Redshift node_type \"${var.provisioned.node_type}\": a family and a size, such as ra3.large."
  }
  validation {
    condition = (
      var.provisioned.number_of_nodes >= 1 &&
      floor(var.provisioned.number_of_nodes) == var.provisioned.number_of_nodes
    )
    error_message = "Redshift number_of_nodes ${var.provisioned.number_of_nodes}: a whole number, 1 or more."
  }
  validation {
    condition     = contains(range(1, 36), var.provisioned.snapshot_retention_days)
    error_message = "Redshift snapshot_retention_days ${var.provisioned.snapshot_retention_days}: whole days, 1 to 35."
  }
  validation {
    condition = !var.protect || var.provisioned.snapshot_retention_days >= 7
    error_message = join(" ", [
      "Redshift snapshot_retention_days ${var.provisioned.snapshot_retention_days} with protect = true:",
      "7 or more.",
    ])
  }
  validation {
    condition     = !var.protect || !var.provisioned.skip_final_snapshot
    error_message = "Redshift skip_final_snapshot = true with protect = true: a destroy would take the data with it."
  }
}

variable "serverless" {
  description = <<-EOT
    The workgroup of mode serverless, in Redshift processing units (RPU), which are paid for by the second of use.
    base_capacity: what a query starts with; max_capacity: what it may grow to.
  EOT
  type = object({
    base_capacity = optional(number, 8)
    max_capacity  = optional(number, 32)
  })
  default = {}

  validation {
    condition = (
      var.serverless.base_capacity >= 4 &&
      floor(var.serverless.base_capacity) == var.serverless.base_capacity
    )
    error_message = "Redshift base_capacity ${var.serverless.base_capacity}: whole RPU, 4 or more."
  }
  validation {
    condition = var.serverless.max_capacity >= var.serverless.base_capacity
    error_message = format(
      "Redshift max_capacity %s: not less than base_capacity, which is %s.",
      var.serverless.max_capacity, var.serverless.base_capacity,
    )
  }
}

variable "existing" {
  description = <<-EOT
    What mode existing uses, all in this account and region.
    cluster_identifier or workgroup_name: where the statements run; exactly one of them.
    secret_arn: secret with "username" and "password"; the user needs CREATE on the database, since it makes the tables
    and loads.
    kms_key_arn: customer managed key of the cluster or namespace, if it has one; statements need rights on it.
    secret_kms_key_arn: customer managed key of that secret, if it has one.
    COPY reads by the default role that the cluster or namespace already has. It has to read curated/ and runs/ of the
    lake bucket (and to decrypt with that bucket's key).
  EOT
  type = object({
    cluster_identifier = optional(string)
    workgroup_name     = optional(string)
    kms_key_arn        = optional(string)
    secret_arn         = string
    secret_kms_key_arn = optional(string)
  })
  default = null

  validation {
    condition = (var.mode == "existing") == (var.existing != null)
    error_message = join(" ", [
      "Redshift mode \"${var.mode}\":",
      "the settings \"existing\" are given with mode existing, and only then.",
    ])
  }
  validation {
    condition = var.existing == null || length(
      compact([try(var.existing.cluster_identifier, ""), try(var.existing.workgroup_name, "")])
    ) == 1
    error_message = "Redshift existing: exactly one of cluster_identifier and workgroup_name."
  }
  validation {
    condition = (
      var.existing == null ||
      can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+$", var.existing.secret_arn))
    )
    error_message = format(
      "Redshift existing.secret_arn \"%s\": arn:aws:secretsmanager:<region>:<account>:secret:<name>.",
      try(var.existing.secret_arn, ""),
    )
  }
  validation {
    condition = alltrue([
      for arn in [try(var.existing.kms_key_arn, null), try(var.existing.secret_kms_key_arn, null)] :
      arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", arn))
    ])
    error_message = format(
      "Redshift existing.kms_key_arn \"%s\", secret_kms_key_arn \"%s\": %s",
      try(coalesce(var.existing.kms_key_arn), "null"),
      try(coalesce(var.existing.secret_kms_key_arn), "null"),
      "the ARN of a key (not of an alias), arn:aws:kms:<region>:<account>:key/<id>.",
    )
  }
}

variable "cluster_arn_prefix" {
  description = "ARN of a cluster up to its identifier: arn:<partition>:redshift:<region>:<account>:cluster:"
  type        = string

  validation {
    condition = can(regex("^arn:[^:]+:redshift:[^:]+:[^:]+:cluster:$", var.cluster_arn_prefix))
    error_message = join(" ", [
      "cluster_arn_prefix \"${var.cluster_arn_prefix}\":",
      "expected arn:<partition>:redshift:<region>:<account>:cluster:",
    ])
  }
}

variable "account_id" {
  description = "Account that Redshift is in; the copy role can be used for no other."
  type        = string
}

variable "copy_role_name" {
  description = "Name of the role that COPY reads with."
  type        = string
}

variable "copy_from" {
  description = "What COPY may read: a bucket's ARN and prefixes below it."
  type = object({
    bucket_arn = string
    prefixes   = list(string)
  })

  validation {
    condition = (
      length(var.copy_from.prefixes) > 0 &&
      alltrue([for prefix in var.copy_from.prefixes : can(regex("./$", prefix))])
    )
    error_message = join(" ", [
      "copy_from prefixes \"${join(", ", var.copy_from.prefixes)}\":",
      "at least one, and each ends with a slash.",
    ])
  }
}
