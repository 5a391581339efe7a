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
  region                = "eu-central-1"
  github_repository     = "acme/pipeline"
  github_repository_ids = { owner = 4242, repository = 1234567890 }
  environments          = { dev = {}, prod = { name_prefix = "acme-live" } }
}

run "the_state_is_safe" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket.state.bucket == "123456789012-eu-central-1-terraform-state" &&
      aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    )
    error_message = "A damaged state could not be put back."
  }
  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls,
      aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls,
      aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The state could become public."
  }
  assert {
    condition = (
      jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Effect == "Deny" &&
      jsondecode(aws_s3_bucket_policy.state.policy).Statement[0].Condition == {
        Bool = { "aws:SecureTransport" = "false" }
      }
    )
    error_message = "The state could be read without TLS."
  }
  assert {
    condition = (
      one(
        one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default
      ).sse_algorithm == "AES256"
    )
    error_message = "The state is not encrypted."
  }
  assert {
    condition = (
      aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].noncurrent_days == 90 &&
      aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration[0].newer_noncurrent_versions ==
      10
    )
    error_message = "Old versions are kept for ever, or the last ones are not kept."
  }
}

run "a_role_is_for_one_repository_and_one_kind_of_workflow" {
  command = plan

  assert {
    condition = {
      for key, role in aws_iam_role.github : key => jsondecode(role.assume_role_policy).Statement[0].Condition
      } == {
      for key, contexts in {
        dev-plan   = ["pull_request", "ref:refs/heads/main"]
        dev-apply  = ["environment:dev"]
        prod-plan  = ["pull_request", "ref:refs/heads/main"]
        prod-apply = ["environment:prod"]
        } : key => {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = concat(
            [for context in contexts : "repo:acme@4242/pipeline@1234567890:${context}"],
            [for context in contexts : "repo:acme/pipeline:${context}"],
          )
        }
      }
    }
    error_message = "Another workflow could use a role."
  }
  assert {
    condition = alltrue([
      for role in aws_iam_role.github : jsondecode(role.assume_role_policy).Statement[0].Principal == {
        Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
      }
    ])
    error_message = "Another provider is trusted."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.github : startswith(role.name, "github-")])
    error_message = "An apply role could change itself."
  }
}

run "a_repository_with_ids_is_trusted_by_them_alone" {
  command = plan
  variables {
    github_subject_forms = ["ids"]
  }
  assert {
    condition = (
      jsondecode(
        aws_iam_role.github["dev-apply"].assume_role_policy
      ).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] ==
      ["repo:acme@4242/pipeline@1234567890:environment:dev"]
    )
    error_message = "Whoever takes over the name could deploy."
  }
}

run "a_repository_without_ids_is_trusted_by_its_name" {
  command = plan
  variables {
    github_subject_forms  = ["names"]
    github_repository_ids = null
  }
  assert {
    condition = (
      jsondecode(
        aws_iam_role.github["dev-apply"].assume_role_policy
      ).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] ==
      ["repo:acme/pipeline:environment:dev"]
    )
    error_message = "The workflow of the repository could not deploy."
  }
}

run "ids_are_not_left_out_by_mistake" {
  command = plan
  variables {
    github_repository_ids = null
  }
  expect_failures = [var.github_subject_forms]
}

run "an_id_is_a_whole_number" {
  command = plan
  variables {
    github_repository_ids = { owner = 4242, repository = 0.5 }
  }
  expect_failures = [var.github_repository_ids]
}

run "another_form_of_subject_is_unknown" {
  command = plan
  variables {
    github_subject_forms = ["name"]
  }
  expect_failures = [var.github_subject_forms]
}

run "no_form_of_subject_would_trust_nobody" {
  command = plan
  variables {
    github_subject_forms = []
  }
  expect_failures = [var.github_subject_forms]
}

run "no_action_has_a_wildcard" {
  command = plan

  assert {
    condition = alltrue([
      for policy in aws_iam_policy.github :
      alltrue([
        for action in flatten([for statement in jsondecode(policy.policy).Statement : statement.Action]) :
        can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))
      ])
    ])
    error_message = "An action is not named in full."
  }
  assert {
    condition = toset(flatten([
      for policy in aws_iam_policy.github :
      [for statement in jsondecode(policy.policy).Statement : statement.Sid if contains(statement.Resource, "*")]
    ])) == toset(["ReadAccount", "WriteAccount", "WriteNewKeys"])
    error_message = "A statement is limited to no resource."
  }
}

run "a_plan_changes_nothing_but_its_lock_and_what_is_handed_on" {
  command = plan

  assert {
    condition = toset(keys(aws_iam_policy.github)) == toset(flatten([
      for environment in ["dev", "prod"] : concat(
        [for policy in ["state", "read", "read-data"] : "${environment}-plan/${policy}"],
        [for policy in ["state", "read", "read-data", "write", "write-data"] : "${environment}-apply/${policy}"],
      )
    ]))
    error_message = "A plan role has a policy for writing, or an apply role has none."
  }
  assert {
    condition = alltrue(flatten([
      for key, policy in aws_iam_policy.github : [
        for statement in jsondecode(policy.policy).Statement : [
          # To decrypt is to read too: the environment of the function, the package, the schedules.
          # A state that is tested calls nothing: that takes a role, which a plan may not pass.
          for action in statement.Action :
          can(regex("^([a-z0-9-]+:(Get|List|Describe|Validate|Simulate)|(kms:Decrypt|states:TestState)$)", action))
        ]
      ] if can(regex("-plan/read", key))
    ]))
    error_message = "A plan role can change something."
  }
  assert {
    condition = {
      for statement in jsondecode(aws_iam_policy.github["dev-plan/state"].policy).Statement :
      statement.Sid => { on = statement.Resource, may = statement.Action }
      } == {
      FindState = { on = ["arn:aws:s3:::123456789012-eu-central-1-terraform-state"], may = ["s3:ListBucket"] }
      ReadState = {
        on  = ["arn:aws:s3:::123456789012-eu-central-1-terraform-state/traceable-data-pipeline/dev/terraform.tfstate"]
        may = ["s3:GetObject"]
      }
      LockState = {
        on = [
          "arn:aws:s3:::123456789012-eu-central-1-terraform-state/traceable-data-pipeline/dev/terraform.tfstate.tflock",
        ]
        may = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      }
      KeepPlans = {
        on  = ["arn:aws:s3:::123456789012-eu-central-1-terraform-state/traceable-data-pipeline/dev/plans/*"]
        may = ["s3:PutObject"]
      }
    }
    error_message = "A plan reads another state, or writes one: ${aws_iam_policy.github["dev-plan/state"].policy}"
  }
  assert {
    condition = alltrue([
      for key, policy in aws_iam_policy.github :
      !strcontains(policy.policy, "secretsmanager:GetSecretValue") && alltrue([
        for statement in jsondecode(policy.policy).Statement :
        !contains(statement.Action, "s3:GetObject") ||
        !anytrue([for place in statement.Resource : strcontains(place, "-lake-") || strcontains(place, "-raw-")])
      ]) if strcontains(key, "-plan/")
    ])
    error_message = "A plan role could read data or a password."
  }
}

run "a_state_that_is_not_there_yet_can_be_asked_for" {
  command = plan

  assert {
    condition = alltrue([
      for environment in ["dev-plan", "dev-apply", "prod-plan", "prod-apply"] : [
        for statement in jsondecode(aws_iam_policy.github["${environment}/state"].policy).Statement :
        statement if statement.Sid == "FindState"
        ] == [{
          Sid      = "FindState"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = ["arn:aws:s3:::123456789012-eu-central-1-terraform-state"]
      }]
    ])
    error_message = "S3 would answer the first HEAD of a state with 403, since it carries no prefix."
  }
}

run "only_an_apply_reads_a_saved_plan" {
  command = plan

  assert {
    condition = {
      for key, policy in aws_iam_policy.github : key => flatten([
        for statement in jsondecode(policy.policy).Statement :
        statement.Action if anytrue([for place in statement.Resource : strcontains(place, "/plans/")])
      ]) if endswith(key, "/state")
      } == {
      "dev-plan/state"   = ["s3:PutObject"]
      "dev-apply/state"  = ["s3:GetObject"]
      "prod-plan/state"  = ["s3:PutObject"]
      "prod-apply/state" = ["s3:GetObject"]
    }
    error_message = "A saved plan holds sensitive values in clear."
  }
  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.state.rule :
      rule.filter[0].prefix => rule.expiration[0].days if startswith(rule.id, "expire-plans")
      } == {
      "traceable-data-pipeline/dev/plans/"  = 7
      "traceable-data-pipeline/prod/plans/" = 7
    }
    error_message = "A saved plan is kept for ever."
  }
}

run "the_key_is_used_for_the_environment_alone" {
  command = plan
  variables {
    environments = {
      dev  = {}
      prod = { name_prefix = "acme-live", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd" }
    }
  }

  assert {
    condition = [
      for statement in flatten([
        for policy in ["read-data", "write-data"] :
        jsondecode(aws_iam_policy.github["dev-apply/${policy}"].policy).Statement
      ]) :
      statement if endswith(statement.Sid, "UseKey") || endswith(statement.Sid, "GrantKey")
      ] == [
      {
        Sid       = "ReadUseKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = ["arn:aws:kms:eu-central-1:123456789012:key/*"]
        Condition = { StringEquals = { "aws:ResourceTag/Pipeline" = "tdp-dev" } }
      },
      {
        Sid      = "WriteGrantKey"
        Effect   = "Allow"
        Action   = ["kms:CreateGrant"]
        Resource = ["arn:aws:kms:eu-central-1:123456789012:key/*"]
        Condition = {
          Bool         = { "kms:GrantIsForAWSResource" = "true" }
          StringEquals = { "aws:ResourceTag/Pipeline" = "tdp-dev" }
        }
      },
      {
        Sid    = "WriteUseKey"
        Effect = "Allow"
        Action = [
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
          "kms:RetireGrant",
        ]
        Resource  = ["arn:aws:kms:eu-central-1:123456789012:key/*"]
        Condition = { StringEquals = { "aws:ResourceTag/Pipeline" = "tdp-dev" } }
      },
    ]
    error_message = join(" ", [
      "The apply role could not encrypt with the key, or could use another one:",
      "${aws_iam_policy.github["dev-apply/write-data"].policy}",
    ])
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["dev-plan/read-data"].policy).Statement :
      statement if statement.Sid == "ReadUseKey"
      ] == [{
        Sid       = "ReadUseKey"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey"]
        Resource  = ["arn:aws:kms:eu-central-1:123456789012:key/*"]
        Condition = { StringEquals = { "aws:ResourceTag/Pipeline" = "tdp-dev" } }
    }]
    error_message = "The function's environment would read as empty, and every plan would change it."
  }
  # A key of the caller's has not the tag that the environment gives its own.
  assert {
    condition = [
      for statement in flatten([
        for policy in ["read-data", "write-data"] :
        jsondecode(aws_iam_policy.github["prod-apply/${policy}"].policy).Statement
      ]) :
      { on = statement.Resource, if = try(statement.Condition, null) }
      if endswith(statement.Sid, "UseKey") || endswith(statement.Sid, "GrantKey")
      ] == [
      { on = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd"], if = null },
      {
        on = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd"]
        if = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
      { on = ["arn:aws:kms:eu-central-1:123456789012:key/1234abcd"], if = null },
    ]
    error_message = "The key that was given is not used, or another one is."
  }
}

run "an_alias_is_no_key" {
  command = plan
  variables {
    environments = { dev = { kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:alias/dev-pipeline" } }
  }
  expect_failures = [var.environments]
}

run "an_apply_keeps_to_its_prefix" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for statement in concat([
        for policy in ["write", "write-data"] :
        jsondecode(aws_iam_policy.github["prod-apply/${policy}"].policy).Statement
        ]...) : [
        for place in statement.Resource :
        can(regex("[:/!]acme-live-", place)) || try(one(values(statement.Condition.StringEquals)), "") == "acme-live"
      ] if statement.Sid != "WriteAccount"
    ]))
    error_message = "An apply role reaches beyond its prefix."
  }
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.github["dev-apply/write"].policy).Statement :
      statement if contains(statement.Action, "iam:PassRole")
      ] == [{
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = ["iam:PassRole"]
        Resource = ["arn:aws:iam::123456789012:role/tdp-dev-*"]
        Condition = { StringEquals = { "iam:PassedToService" = [
          "events.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com", "redshift-serverless.amazonaws.com",
          "redshift.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com",
        ] } }
    }]
    error_message = "A role could be passed to another service."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.github["prod-apply/write-data"].policy).Statement :
      alltrue([
        for action in statement.Action :
        !contains(["iam:CreatePolicy", "iam:AttachRolePolicy", "iam:CreateUser"], action)
      ])
    ])
    error_message = "An apply role could take a policy from outside its prefix."
  }
  assert {
    condition = alltrue([for policy in aws_iam_policy.github : length(policy.policy) <= 6144])
    error_message = join(" ", [
      "AWS refuses a policy of more than 6144 characters:",
      "${jsonencode({ for key, policy in aws_iam_policy.github : key => length(policy.policy) })}",
    ])
  }
}

run "the_longest_names_fit_into_a_policy" {
  command = plan

  variables {
    region       = "ap-southeast-2"
    environments = { development = { name_prefix = "abcdefghij-abcdefghi" } }
  }
  assert {
    condition = alltrue([for policy in aws_iam_policy.github : length(policy.policy) <= 6144])
    error_message = join(" ", [
      "AWS refuses a policy of more than 6144 characters:",
      "${jsonencode({ for key, policy in aws_iam_policy.github : key => length(policy.policy) })}",
    ])
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

run "a_common_word_is_no_prefix" {
  command = plan
  variables {
    environments = { dev = { name_prefix = "dev" } }
  }
  expect_failures = [var.environments]
}
