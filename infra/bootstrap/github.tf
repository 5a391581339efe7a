locals {
  github_host = "token.actions.githubusercontent.com"
  # Composed, so that a first plan shows the trust policies in full.
  github_provider_arn = "arn:${local.partition}:iam::${local.account_id}:oidc-provider/${local.github_host}"

  # A token's subject begins with the repository: by its names, or by names and IDs, which nobody else can ever have.
  # https://docs.github.com/en/actions/reference/security/oidc#immutable-subject-claims
  repository_names = split("/", var.github_repository)
  repositories = {
    names = "repo:${var.github_repository}"
    ids = try(format(
      "repo:%s@%d/%s@%d",
      local.repository_names[0], var.github_repository_ids.owner,
      local.repository_names[1], var.github_repository_ids.repository,
    ), "")
  }
  trusted_repositories = [for form in sort(var.github_subject_forms) : local.repositories[form]]

  # As infra/locals.tf makes them.
  prefixes = { for name, environment in var.environments : name => coalesce(environment.name_prefix, "tdp-${name}") }

  # The workflow that a token was made for. A pull request from a fork gets no token at all.
  roles = merge([
    for name, environment in var.environments : {
      "${name}-plan" = {
        environment = name
        prefix      = local.prefixes[name]
        kms_key_arn = environment.kms_key_arn
        # apply.yml plans on main, before anybody has approved.
        contexts = ["pull_request", "ref:refs/heads/main"]
      }
      "${name}-apply" = {
        environment = name
        prefix      = local.prefixes[name]
        kms_key_arn = environment.kms_key_arn
        # Only behind the approval of the GitHub environment.
        contexts = ["environment:${name}"]
      }
    }
  ]...)
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.create_github_provider ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "github" {
  # checkov:skip=CKV_AWS_393:It does not work out the subjects; a test holds each of them to what it is.
  for_each = local.roles

  # Not below an environment's prefix: an apply role may change every role there, and so its own.
  name = "github-${each.key}"
  description = format(
    "Terraform %s of %s, from %s.",
    endswith(each.key, "-plan") ? "plan" : "apply", each.value.environment, var.github_repository,
  )
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = local.github_provider_arn }
      Condition = {
        StringEquals = {
          "${local.github_host}:aud" = "sts.amazonaws.com"
          "${local.github_host}:sub" = [
            for pair in setproduct(local.trusted_repositories, each.value.contexts) : join(":", pair)
          ]
        }
      }
    }]
  })

  depends_on = [aws_iam_openid_connect_provider.github]
}
