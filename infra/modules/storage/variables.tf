variable "bucket_names" {
  description = <<-EOT
    Names of the buckets: raw (the user's files), lake (what the pipeline writes) and artifacts (code and SQL).
  EOT
  type = object({
    artifacts = string
    lake      = string
    raw       = string
  })

  validation {
    condition = alltrue([for name in values(var.bucket_names) : can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", name))])
    error_message = join("", [
      "Bucket names ${join(", ", values(var.bucket_names))}: each needs 3 to 63 lower-case letters, digits or hyphens,",
      " and starts and ends with a letter or digit.",
    ])
  }
}

variable "partition" {
  description = "AWS partition of the buckets' ARNs, such as aws or aws-us-gov."
  type        = string
}

variable "account_id" {
  description = "Account that the buckets are in, and the only one that may use them."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id \"${var.account_id}\": 12 digits."
  }
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the objects; null for S3's own keys (AES256)."
  type        = string
}

variable "force_destroy" {
  description = "Delete the buckets with all that they hold on destroy."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Deny every request that does not come over TLS."
  type        = bool
  default     = true
}

variable "enable_lifecycle" {
  description = "Manage lifecycle rules. Emulators answer these so that the provider waits about a minute for them."
  type        = bool
  default     = true
}

variable "lake_expiration_days" {
  description = "Days after which objects below a prefix of the lake bucket expire, by prefix (`staged/`)."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for days in values(var.lake_expiration_days) : days >= 1 && floor(days) == days])
    error_message = "Expiration days ${jsonencode(var.lake_expiration_days)}: whole days, 1 or more."
  }
  validation {
    condition = alltrue([for prefix in keys(var.lake_expiration_days) : can(regex("^[a-z-]+/$", prefix))])
    error_message = join(" ", [
      "Prefixes ${join(", ", keys(var.lake_expiration_days))}:",
      "each is one lower-case name and a slash, such as staged/.",
    ])
  }
}

variable "noncurrent_expiration_days" {
  description = "Days that an overwritten or deleted object is kept."
  type        = number
  default     = 30

  validation {
    condition = (
      var.noncurrent_expiration_days >= 1 &&
      floor(var.noncurrent_expiration_days) == var.noncurrent_expiration_days
    )
    error_message = "noncurrent_expiration_days ${var.noncurrent_expiration_days}: whole days, 1 or more."
  }
}
