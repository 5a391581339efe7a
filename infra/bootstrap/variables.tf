variable "region" {
  description = "AWS region of the state bucket and of the environments."
  type        = string
}

variable "github_repository" {
  description = "Repository whose workflows may use the roles, as OWNER/REPO."
  type        = string

  validation {
    condition = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = join(" ", [
      "github_repository \"${var.github_repository}\":",
      "OWNER/REPO, without wildcards: whoever matches can deploy.",
    ])
  }
}

variable "github_repository_ids" {
  description = <<-EOT
    IDs of the repository and its owner: `gh api repos/OWNER/REPO --jq '{owner: .owner.id, repository: .id}'`. They
    never change, and nobody else ever has them.
  EOT
  type = object({
    owner      = number
    repository = number
  })
  default = null

  validation {
    condition = var.github_repository_ids == null || can([
      for id in values(var.github_repository_ids) : regex("^[1-9][0-9]*$", format("%d", id))
    ])
    error_message = join(" ", [
      "github_repository_ids ${jsonencode(var.github_repository_ids)}: two whole numbers; gh api",
      "repos/${var.github_repository} --jq '{owner: .owner.id, repository: .id}' gives them.",
    ])
  }
}

variable "github_subject_forms" {
  description = <<-EOT
    Forms of a token's subject that the roles trust. ids: repo:OWNER@ID/REPO@ID:…, which GitHub sends for repositories
    that were made, renamed or moved since 15 July 2026, and for those that chose it. names: repo:OWNER/REPO:…, which it
    sends for the others; whoever takes over an abandoned name sends it too, so leave it out once the repository has the
    other form.
  EOT
  type        = set(string)
  default     = ["ids", "names"]

  validation {
    condition = (
      length(var.github_subject_forms) > 0 &&
      length(setsubtract(var.github_subject_forms, ["ids", "names"])) == 0
    )
    error_message = join(" ", [
      "github_subject_forms ${jsonencode(var.github_subject_forms)}:",
      "one or both of \"ids\" and \"names\".",
    ])
  }
  validation {
    condition = !contains(var.github_subject_forms, "ids") || var.github_repository_ids != null
    error_message = join(" ", [
      "github_subject_forms has \"ids\" without github_repository_ids: set them (gh api",
      "repos/${var.github_repository} --jq '{owner: .owner.id, repository: .id}'), or leave \"ids\" out for a",
      "repository that GitHub still names without IDs.",
    ])
  }
}

variable "environments" {
  description = <<-EOT
    Environments to make a plan and an apply role for: their names in infra/environments.
    name_prefix: begins the names of their resources, as there; null for tdp-<environment>. The roles reach whatever in
    the account begins with it, so it has at least two words.
    kms_key_arn: kms.key_arn there, where kms.mode is existing; null for a key that the environment makes.
  EOT
  type = map(object({
    name_prefix = optional(string)
    kms_key_arn = optional(string)
  }))

  validation {
    condition = length(var.environments) > 0 && alltrue([
      for name in keys(var.environments) : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name))
    ])
    error_message = join(" ", [
      "environments ${join(", ", keys(var.environments))}:",
      "at least one, each lower-case letters, digits and single hyphens.",
    ])
  }
  validation {
    condition = alltrue([
      for arn in values(var.environments)[*].kms_key_arn :
      arn == null || can(regex("^arn:[^:*]+:kms:[^:*]+:[0-9]{12}:key/[0-9A-Za-z-]+$", arn))
    ])
    error_message = join(" ", [
      "kms_key_arn",
      "${join(", ", [for environment in values(var.environments) : coalesce(environment.kms_key_arn, "null")])}:",
      "the ARN of one key, arn:<partition>:kms:<region>:<account>:key/<ID>; an alias is no key.",
    ])
  }
  validation {
    condition = alltrue([
      for prefix in values(var.environments)[*].name_prefix :
      prefix == null || can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", prefix))
    ])
    error_message = join(" ", [
      "name_prefix",
      "${join(", ", [for environment in values(var.environments) : coalesce(environment.name_prefix, "null")])}: at",
      "least two words of lower-case letters and digits with a hyphen between, such as acme-dev. The roles may",
      "change whatever in the account begins with it.",
    ])
  }
  validation {
    # The prefix is what keeps a role to its own environment.
    condition = alltrue(flatten([
      for name, one in var.environments : [
        for other_name, other in var.environments :
        !startswith(
          "${coalesce(other.name_prefix, "tdp-${other_name}")}-", "${coalesce(one.name_prefix, "tdp-${name}")}-"
        ) if other_name != name
      ]
    ]))
    error_message = join(" ", [
      "Prefixes",
      "${join(", ", [for name, environment in var.environments : coalesce(environment.name_prefix, "tdp-${name}")])}:",
      "none may be another one, or begin it (\"a\" and \"a-b\").",
    ])
  }
}

variable "state_bucket" {
  description = "Name of the bucket for Terraform's state; null for <account>-<region>-terraform-state."
  type        = string
  default     = null
}

variable "state_key_prefix" {
  description = <<-EOT
    Where the states lie in the bucket: <prefix>/<environment>/terraform.tfstate, as infra/environments/*.s3.tfbackend
    says.
  EOT
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
