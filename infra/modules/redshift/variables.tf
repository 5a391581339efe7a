variable "cluster_identifier" {
  description = "Identifier of the cluster; its parameter group and final snapshot are named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.cluster_identifier)) && length(var.cluster_identifier) <= 63
    error_message = "Cluster identifier \"${var.cluster_identifier}\": up to 63 lower-case letters, digits and single hyphens; it starts with a letter."
  }
}

variable "database_name" {
  description = "Database that the cluster is made with."
  type        = string

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,63}$", var.database_name))
    error_message = "Database name \"${var.database_name}\": up to 64 lower-case letters, digits and underscores; it does not start with a digit."
  }
}

variable "master_username" {
  description = "Database user that owns the cluster."
  type        = string
  default     = "pipeline_admin"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,127}$", var.master_username))
    error_message = "User name \"${var.master_username}\": lower-case letters, digits and underscores; it starts with a letter."
  }
}

variable "node_type" {
  description = "Node type, such as ra3.large."
  type        = string
  default     = "ra3.large"

  validation {
    condition     = can(regex("^[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "Node type \"${var.node_type}\": a family and a size, such as ra3.large."
  }
}

variable "number_of_nodes" {
  description = "Number of nodes; 1 makes a single-node cluster."
  type        = number
  default     = 1

  validation {
    condition     = var.number_of_nodes >= 1 && floor(var.number_of_nodes) == var.number_of_nodes
    error_message = "number_of_nodes ${var.number_of_nodes}: a whole number, 1 or more."
  }
}

variable "cluster_subnet_group_name" {
  description = "Redshift subnet group to place the cluster in; null for the default VPC."
  type        = string
  default     = null
}

variable "vpc_security_group_ids" {
  description = "Security groups of the cluster; empty for the VPC's default group. The Data API needs none to let anything in."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for id in var.vpc_security_group_ids : startswith(id, "sg-")])
    error_message = "Security groups ${join(", ", var.vpc_security_group_ids)}: IDs that start with sg-."
  }
}

variable "enhanced_vpc_routing" {
  description = "Send COPY's traffic through the VPC, which then needs a route to S3."
  type        = bool
  default     = false
}

variable "require_ssl" {
  description = "Refuse connections without TLS, by a parameter group of the cluster's own."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "KMS key of the cluster, of its secret and of the objects that COPY reads; null for AWS's own keys."
  type        = string
  default     = null
}

variable "skip_final_snapshot" {
  description = "Destroy the cluster without a last snapshot. For environments that hold nothing of value."
  type        = bool
  default     = false
}

variable "snapshot_retention_days" {
  description = "Days that automated snapshots are kept."
  type        = number
  default     = 1

  validation {
    condition     = var.snapshot_retention_days >= 1 && var.snapshot_retention_days <= 35 && floor(var.snapshot_retention_days) == var.snapshot_retention_days
    error_message = "snapshot_retention_days ${var.snapshot_retention_days}: whole days, 1 to 35."
  }
}

variable "log_exports" {
  description = "Audit logs to send to CloudWatch: connectionlog, userlog, useractivitylog. Empty for none."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.log_exports, ["connectionlog", "userlog", "useractivitylog"])) == 0
    error_message = "Log exports ${join(", ", var.log_exports)}: any of connectionlog, userlog, useractivitylog."
  }
}

variable "account_id" {
  description = "Account that the cluster is in; the copy role can be used for no other."
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
    condition     = length(var.copy_from.prefixes) > 0 && alltrue([for prefix in var.copy_from.prefixes : can(regex("./$", prefix))])
    error_message = "copy_from prefixes \"${join(", ", var.copy_from.prefixes)}\": at least one, and each ends with a slash."
  }
}
