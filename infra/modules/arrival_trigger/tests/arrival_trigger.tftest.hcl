mock_provider "aws" {}

override_resource {
  target = aws_iam_role.this
  values = { arn = "arn:aws:iam::123456789012:role/dev-arrival" }
}

variables {
  name                  = "dev-arrival"
  rule_arn_prefix       = "arn:aws:events:eu-central-1:123456789012:rule/"
  bucket_name           = "dev-raw"
  state_machine_arn     = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-start-on-arrival"
  dead_letter_queue_arn = "arn:aws:sqs:eu-central-1:123456789012:dev-undelivered"
  triggers = {
    flights = { dataset = "flights", prefix = "flights/", parameters = { late_minutes = 30, from = "2013-06-30" } }
    paused  = { dataset = "flights", prefix = "old/flights/", marker = ".done", enabled = false }
  }
}

run "only_the_marker_of_a_folder_matches" {
  assert {
    condition     = aws_s3_bucket_notification.this.eventbridge && aws_s3_bucket_notification.this.bucket == "dev-raw"
    error_message = "The bucket sends no events."
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.this["flights"].event_pattern) == {
      source        = ["aws.s3"]
      "detail-type" = ["Object Created"]
      detail = {
        bucket = { name = ["dev-raw"] }
        object = { key = ["flights/_READY", { wildcard = "flights/*/_READY" }] }
      }
    }
    error_message = "Other objects would start the pipeline: ${aws_cloudwatch_event_rule.this["flights"].event_pattern}"
  }
  assert {
    condition = (
      strcontains(aws_cloudwatch_event_rule.this["paused"].event_pattern, "old/flights/*/.done") &&
      aws_cloudwatch_event_rule.this["paused"].state == "DISABLED" &&
      aws_cloudwatch_event_rule.this["flights"].state == "ENABLED"
    )
    error_message = "A trigger has its own marker and can be paused."
  }
}

run "the_event_becomes_the_input" {
  assert {
    condition = aws_cloudwatch_event_target.this["flights"].input_transformer[0].input_paths == tomap({
      bucket    = "$.detail.bucket.name"
      key       = "$.detail.object.key"
      sequencer = "$.detail.object.sequencer"
    })
    error_message = "The event is read elsewhere."
  }
  assert {
    # As EventBridge fills it in.
    condition = jsondecode(replace(
      aws_cloudwatch_event_target.this["flights"].input_transformer[0].input_template, "/<([a-z]+)>/", "\"the $1\""
      )) == {
      dataset    = "flights"
      parameters = { late_minutes = 30, from = "2013-06-30" }
      marker     = "_READY"
      bucket     = "the bucket"
      key        = "the key"
      sequencer  = "the sequencer"
    }
    error_message = "Not the input: ${aws_cloudwatch_event_target.this["flights"].input_transformer[0].input_template}"
  }
  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.this :
      target.arn == var.state_machine_arn && target.dead_letter_config[0].arn == var.dead_letter_queue_arn
    ])
    error_message = "A target starts something else, or an event could be lost."
  }
}

run "the_role_is_for_these_rules_and_this_state_machine" {
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnEquals = { "aws:SourceArn" = [
          "arn:aws:events:eu-central-1:123456789012:rule/dev-arrival-flights",
          "arn:aws:events:eu-central-1:123456789012:rule/dev-arrival-paused",
        ] }
      }
    }]
    error_message = "Other rules could use the role."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [{
      Sid      = "StartExecution"
      Effect   = "Allow"
      Action   = ["states:StartExecution"]
      Resource = ["arn:aws:states:eu-central-1:123456789012:stateMachine:dev-start-on-arrival"]
    }]
    error_message = "The role may do something else."
  }
  assert {
    condition = (
      toset([for rule in aws_cloudwatch_event_rule.this : rule.name]) ==
      toset(["dev-arrival-flights", "dev-arrival-paused"])
    )
    error_message = "The rules have other names than the role's trust policy says."
  }
}

run "a_prefix_is_a_folder" {
  command = plan
  variables {
    triggers = { bad = { dataset = "flights", prefix = "flights" } }
  }
  expect_failures = [var.triggers]
}

run "reference_data_starts_nothing" {
  command = plan
  variables {
    triggers = { bad = { dataset = "flights", prefix = "reference/flights/" } }
  }
  expect_failures = [var.triggers]
}

run "a_star_would_match_more" {
  command = plan
  variables {
    triggers = { bad = { dataset = "flights", prefix = "flights*/" } }
  }
  expect_failures = [var.triggers]
}

run "a_marker_is_not_read_as_data" {
  command = plan
  variables {
    triggers = { bad = { dataset = "flights", prefix = "flights/", marker = "READY" } }
  }
  expect_failures = [var.triggers]
}

run "a_list_is_no_parameter" {
  command = plan
  variables {
    triggers = { bad = { dataset = "flights", prefix = "flights/", parameters = { carriers = "[1]" } } }
  }
  expect_failures = [var.triggers]
}

run "a_dataset_is_a_folder_name" {
  command = plan
  variables {
    triggers = { bad = { dataset = "../flights", prefix = "flights/" } }
  }
  expect_failures = [var.triggers]
}
