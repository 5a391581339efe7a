# Plans alone: what protects the state bucket from being destroyed would protect the mocked one too.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/any" }
  }
}

variables {
  region            = "eu-central-1"
  github_repository = "acme/pipeline"
  environments      = { dev = {}, prod = { name_prefix = "live" } }
}

run "the_state_is_safe" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "123456789012-eu-central-1-terraform-state" && aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A damaged state could not be put back."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The state could become public."
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Condition == { Bool = { "aws:SecureTransport" = "false" } }
    error_message = "The state could be read without TLS."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The state is not encrypted."
  }
  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90 && aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].newer_noncurrent_versions == 10
    error_message = "Old versions are kept for ever, or the last ones are not kept."
  }
}

run "a_role_is_for_one_repository_and_one_kind_of_workflow" {
  command = plan

  assert {
    condition = {
      for key, role in aws_iam_role.github : key => jsondecode(role.assume_role_policy).Statement[0].Condition
      } == {
      for key, subjects in {
        dev-plan   = ["repo:acme/pipeline:pull_request", "repo:acme/pipeline:ref:refs/heads/main"]
        dev-apply  = ["repo:acme/pipeline:environment:dev"]
        prod-plan  = ["repo:acme/pipeline:pull_request", "repo:acme/pipeline:ref:refs/heads/main"]
        prod-apply = ["repo:acme/pipeline:environment:prod"]
        } : key => {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = subjects
        }
      }
    }
    error_message = "Another workflow could use a role."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.github : jsondecode(role.assume_role_policy).Statement[0].Principal == { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }])
    error_message = "Another provider is trusted."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.github : startswith(role.name, "github-")])
    error_message = "An apply role could change itself."
  }
}

run "no_action_has_a_wildcard" {
  command = plan

  assert {
    condition     = alltrue([for policy in aws_iam_policy.github : alltrue([for action in flatten([for statement in jsondecode(policy.policy).Statement : statement.Action]) : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])])
    error_message = "An action is not named in full."
  }
  assert {
    condition = toset(flatten([
      for policy in aws_iam_policy.github : [for statement in jsondecode(policy.policy).Statement : statement.Sid if contains(statement.Resource, "*")]
    ])) == toset(["ReadAccount", "WriteAccount", "WriteNewKeys"])
    error_message = "A statement is limited to no resource."
  }
}

run "a_plan_changes_nothing_but_its_lock" {
  command = plan

  assert {
    condition     = toset(keys(aws_iam_policy.github)) == toset(["dev-plan/read", "dev-apply/read", "dev-apply/write", "dev-apply/write-data", "prod-plan/read", "prod-apply/read", "prod-apply/write", "prod-apply/write-data"])
    error_message = "A plan role has a policy for writing, or an apply role has none."
  }
  assert {
    condition = alltrue(flatten([
      for key in ["dev-plan/read", "prod-plan/read"] : [
        for statement in jsondecode(aws_iam_policy.github[key].policy).Statement : [
          for action in statement.Action : can(regex("^[a-z0-9-]+:(Get|List|Describe|Validate)", action))
        ] if statement.Sid != "LockState"
      ]
    ]))
    error_message = "A plan role can change something."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["dev-plan/read"].policy).Statement : statement.Resource if contains(["ReadState", "LockState", "WriteState"], statement.Sid)
      ] == [
      ["arn:aws:s3:::123456789012-eu-central-1-terraform-state/traceable-data-pipeline/dev/terraform.tfstate"],
      ["arn:aws:s3:::123456789012-eu-central-1-terraform-state/traceable-data-pipeline/dev/terraform.tfstate.tflock"],
    ]
    error_message = "A plan reads another state, or writes one."
  }
  assert {
    condition = !strcontains(aws_iam_policy.github["dev-plan/read"].policy, "secretsmanager:GetSecretValue") && alltrue([
      for statement in jsondecode(aws_iam_policy.github["dev-plan/read"].policy).Statement :
      !contains(statement.Action, "s3:GetObject") || !anytrue([for place in statement.Resource : strcontains(place, "-lake-") || strcontains(place, "-raw-")])
    ])
    error_message = "A plan role could read data or a password."
  }
}

run "an_apply_keeps_to_its_prefix" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for statement in concat([for policy in ["write", "write-data"] : jsondecode(aws_iam_policy.github["prod-apply/${policy}"].policy).Statement]...) : [
        for place in statement.Resource : can(regex("[:/!]live-", place)) || try(one(values(statement.Condition.StringEquals)), "") == "live"
      ] if statement.Sid != "WriteAccount"
    ]))
    error_message = "An apply role reaches beyond its prefix."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["dev-apply/write"].policy).Statement : statement if contains(statement.Action, "iam:PassRole")
      ] == [{
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = ["arn:aws:iam::123456789012:role/dev-*"]
        Condition = { StringEquals = { "iam:PassedToService" = [
          "events.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com", "redshift.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com",
        ] } }
    }]
    error_message = "A role could be passed to another service."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.github["prod-apply/write-data"].policy).Statement :
      alltrue([for action in statement.Action : !contains(["iam:CreatePolicy", "iam:AttachRolePolicy", "iam:CreateUser"], action)])
    ])
    error_message = "An apply role could take a policy from outside its prefix."
  }
  assert {
    condition     = alltrue([for policy in aws_iam_policy.github : length(policy.policy) <= 6144])
    error_message = "AWS refuses a policy of more than 6144 characters: ${jsonencode({ for key, policy in aws_iam_policy.github : key => length(policy.policy) })}"
  }
}

run "the_longest_names_fit_into_a_policy" {
  command = plan

  variables {
    region       = "ap-southeast-2"
    environments = { development = { name_prefix = "abcdefghij-abcdefghi" } }
  }
  assert {
    condition     = alltrue([for policy in aws_iam_policy.github : length(policy.policy) <= 6144])
    error_message = "AWS refuses a policy of more than 6144 characters: ${jsonencode({ for key, policy in aws_iam_policy.github : key => length(policy.policy) })}"
  }
}

run "an_account_may_have_the_provider_already" {
  command = plan
  variables {
    create_github_provider = false
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "A second one is refused by AWS."
  }
}

run "a_wildcard_is_no_repository" {
  command = plan
  variables {
    github_repository = "acme/*"
  }
  expect_failures = [var.github_repository]
}

run "a_prefix_of_a_prefix_reaches_the_other_environment" {
  command = plan
  variables {
    environments = { dev = {}, dev-two = {} }
  }
  expect_failures = [var.environments]
}
