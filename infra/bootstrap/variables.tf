variable "region" {
  description = "AWS region of the state bucket and of the environments."
  type        = string
}

variable "github_repository" {
  description = "Repository whose workflows may use the roles, as OWNER/REPO."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository \"${var.github_repository}\": OWNER/REPO, without wildcards: whoever matches can deploy."
  }
}

variable "environments" {
  description = "Environments to make a plan and an apply role for: their names in infra/environments, with what begins the names of their resources (name_prefix there; null for the environment's name)."
  type        = map(object({ name_prefix = optional(string) }))

  validation {
    condition     = length(var.environments) > 0 && alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name))])
    error_message = "environments ${join(", ", keys(var.environments))}: at least one, each lower-case letters, digits and single hyphens."
  }
  validation {
    # The prefix is what keeps a role to its own environment.
    condition = alltrue(flatten([
      for name, one in var.environments : [
        for other_name, other in var.environments :
        !startswith("${coalesce(other.name_prefix, other_name)}-", "${coalesce(one.name_prefix, name)}-") if other_name != name
      ]
    ]))
    error_message = "Prefixes ${join(", ", [for name, environment in var.environments : coalesce(environment.name_prefix, name)])}: none may be another one, or begin it (\"a\" and \"a-b\")."
  }
}

variable "state_bucket" {
  description = "Name of the bucket for Terraform's state; null for <account>-<region>-terraform-state."
  type        = string
  default     = null
}

variable "state_key_prefix" {
  description = "Where the states lie in the bucket: <prefix>/<environment>/terraform.tfstate, as infra/environments/*.s3.tfbackend says."
  type        = string
  default     = "traceable-data-pipeline"
}

variable "state_version_days" {
  description = "Days that a replaced version of a state is kept."
  type        = number
  default     = 90
}

variable "create_github_provider" {
  description = "Make GitHub's OIDC provider. An account has one at most: false where it has it already."
  type        = bool
  default     = true
}
