mock_provider "aws" {}

override_resource {
  target = aws_iam_role.this
  values = { arn = "arn:aws:iam::123456789012:role/dev-pipeline-schedules" }
}

variables {
  name                  = "dev-pipeline-schedules"
  group_arn             = "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/dev-pipeline-schedules"
  state_machine_arn     = "arn:aws:states:eu-central-1:123456789012:stateMachine:dev-start-on-schedule"
  dead_letter_queue_arn = "arn:aws:sqs:eu-central-1:123456789012:dev-pipeline-failed-undelivered"
  schedules = {
    nightly = {
      dataset    = "flights"
      source_uri = "s3://dev-raw-123456789012-eu-central-1/flights/"
      expression = "cron(0 6 * * ? *)"
      timezone   = "Europe/Berlin"
      parameters = {
        late_minutes = 30
        share        = 0.5
        strict       = true
        carrier      = "UA"
        from         = "2013-06-30"
        code         = "\"007\""
      }
    }
    hourly = {
      dataset                 = "flights"
      source_uri              = "s3://dev-raw-123456789012-eu-central-1/hourly/"
      expression              = "rate(1 hour)"
      repeat                  = true
      enabled                 = false
      flexible_window_minutes = 15
    }
  }
}

run "the_input_is_what_start_on_schedule_reads" {
  assert {
    condition = jsondecode(aws_scheduler_schedule.this["nightly"].target[0].input) == {
      schedule       = "nightly"
      scheduled_time = "<aws.scheduler.scheduled-time>"
      dataset        = "flights"
      source_uri     = "s3://dev-raw-123456789012-eu-central-1/flights/"
      parameters = {
        late_minutes = 30
        share        = 0.5
        strict       = true
        carrier      = "UA"
        from         = "2013-06-30"
        code         = "007"
      }
      repeat = false
    }
    error_message = "Not the input: ${aws_scheduler_schedule.this["nightly"].target[0].input}"
  }
  assert {
    condition = alltrue([
      for schedule in aws_scheduler_schedule.this :
      strcontains(schedule.target[0].input, "\"<aws.scheduler.scheduled-time>\"")
    ])
    error_message = "Scheduler does not look for escaped brackets, so the name of each execution would be the same."
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.this["hourly"].target[0].input).repeat == true
    error_message = "Files that were loaded before would be refused."
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.this["hourly"].target[0].input).parameters == {}
    error_message = "Without parameters there are none."
  }
  assert {
    condition = alltrue([
      for schedule in aws_scheduler_schedule.this : schedule.target[0].arn == var.state_machine_arn
    ])
    error_message = "A schedule starts something else."
  }
}

run "a_schedule_says_when" {
  assert {
    condition = (
      aws_scheduler_schedule.this["nightly"].schedule_expression == "cron(0 6 * * ? *)"
      && aws_scheduler_schedule.this["nightly"].schedule_expression_timezone == "Europe/Berlin"
      && aws_scheduler_schedule.this["nightly"].state == "ENABLED"
      && aws_scheduler_schedule.this["nightly"].flexible_time_window[0].mode == "OFF"
    )
    error_message = "nightly is at six in Berlin, on time."
  }
  assert {
    condition = (
      aws_scheduler_schedule.this["hourly"].schedule_expression_timezone == "UTC"
      && aws_scheduler_schedule.this["hourly"].state == "DISABLED"
      && aws_scheduler_schedule.this["hourly"].flexible_time_window[0].mode == "FLEXIBLE"
      && aws_scheduler_schedule.this["hourly"].flexible_time_window[0].maximum_window_in_minutes == 15
    )
    error_message = "hourly is off, and flexible by 15 minutes."
  }
}

run "what_cannot_be_started_is_tried_again_and_kept" {
  assert {
    condition = alltrue([
      for schedule in aws_scheduler_schedule.this :
      schedule.target[0].retry_policy[0].maximum_retry_attempts > 0
      && schedule.target[0].retry_policy[0].maximum_event_age_in_seconds == 3600
      && schedule.target[0].dead_letter_config[0].arn == var.dead_letter_queue_arn
    ])
    error_message = "A start that failed would be lost."
  }
}

run "the_role_is_for_this_group_and_this_state_machine" {
  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnEquals = {
          "aws:SourceArn" = "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/dev-pipeline-schedules"
        }
      }
    }]
    error_message = "Another account or group could use the role."
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      {
        Sid      = "StartExecution"
        Effect   = "Allow"
        Action   = ["states:StartExecution"]
        Resource = ["arn:aws:states:eu-central-1:123456789012:stateMachine:dev-start-on-schedule"]
      },
      {
        Sid      = "KeepUndelivered"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = ["arn:aws:sqs:eu-central-1:123456789012:dev-pipeline-failed-undelivered"]
      },
    ]
    error_message = "The role may do something else: ${aws_iam_role_policy.this.policy}"
  }
}

run "without_a_queue_nothing_is_said_of_one" {
  variables {
    dead_letter_queue_arn = null
  }

  assert {
    condition = alltrue([
      for schedule in aws_scheduler_schedule.this : length(schedule.target[0].dead_letter_config) == 0
    ])
    error_message = "There is no queue."
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[*].Sid == ["StartExecution"]
    error_message = "There is no queue to send to."
  }
}

run "with_a_key_the_role_decrypts_the_input_and_encrypts_for_the_queue" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement[2] == {
      Sid      = "UseKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = ["arn:aws:kms:eu-central-1:123456789012:key/1"]
    }
    error_message = "The role cannot send to the encrypted queue: ${aws_iam_role_policy.this.policy}"
  }
}

run "with_a_key_and_no_queue_the_role_decrypts_the_input" {
  variables {
    kms_key_arn           = "arn:aws:kms:eu-central-1:123456789012:key/1"
    dead_letter_queue_arn = null
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[1].Action == ["kms:Decrypt"]
    error_message = "The role encrypts nothing: ${aws_iam_role_policy.this.policy}"
  }
}

run "a_name_leaves_room_for_the_time" {
  command = plan
  variables {
    schedules = {
      "${join("", [for _ in range(64) : "n"])}" = {
        dataset    = "flights"
        source_uri = "s3://raw/flights/"
        expression = "rate(1 hour)"
      }
    }
  }
  expect_failures = [var.schedules]
}

run "a_source_without_slash_is_refused" {
  command = plan
  variables {
    schedules = {
      bad = {
        dataset    = "flights"
        source_uri = "s3://dev-raw-123456789012-eu-central-1/flights"
        expression = "rate(1 hour)"
      }
    }
  }
  expect_failures = [var.schedules]
}

run "a_source_elsewhere_is_refused" {
  command = plan
  variables {
    schedules = {
      bad = { dataset = "flights", source_uri = "https://example.com/flights/", expression = "rate(1 hour)" }
    }
  }
  expect_failures = [var.schedules]
}

run "a_unix_cron_expression_is_refused" {
  command = plan
  variables {
    schedules = { bad = { dataset = "flights", source_uri = "s3://raw/flights/", expression = "cron(0 6 * * *)" } }
  }
  expect_failures = [var.schedules]
}

run "two_days_are_refused" {
  command = plan
  variables {
    schedules = { bad = { dataset = "flights", source_uri = "s3://raw/flights/", expression = "cron(0 6 * * * *)" } }
  }
  expect_failures = [var.schedules]
}

run "a_list_is_no_parameter" {
  command = plan
  variables {
    schedules = {
      bad = {
        dataset    = "flights"
        source_uri = "s3://raw/flights/"
        expression = "rate(1 hour)"
        parameters = { carriers = "[\"UA\"]" }
      }
    }
  }
  expect_failures = [var.schedules]
}

run "null_is_no_parameter" {
  command = plan
  variables {
    schedules = {
      bad = {
        dataset    = "flights"
        source_uri = "s3://raw/flights/"
        expression = "rate(1 hour)"
        parameters = { late_minutes = null }
      }
    }
  }
  expect_failures = [var.schedules]
}

run "a_dataset_is_a_folder_name" {
  command = plan
  variables {
    schedules = { bad = { dataset = "Flights 2013", source_uri = "s3://raw/flights/", expression = "rate(1 hour)" } }
  }
  expect_failures = [var.schedules]
}

run "a_rate_has_a_number_and_a_unit" {
  command = plan
  variables {
    schedules = { bad = { dataset = "flights", source_uri = "s3://raw/flights/", expression = "rate(90 seconds)" } }
  }
  expect_failures = [var.schedules]
}

run "a_time_zone_is_a_name" {
  command = plan
  variables {
    schedules = {
      bad = { dataset = "flights", source_uri = "s3://raw/flights/", expression = "rate(1 hour)", timezone = "+01:00" }
    }
  }
  expect_failures = [var.schedules]
}

run "a_window_is_a_day_at_most" {
  command = plan
  variables {
    schedules = {
      bad = {
        dataset                 = "flights"
        source_uri              = "s3://raw/flights/"
        expression              = "rate(1 hour)"
        flexible_window_minutes = 1441
      }
    }
  }
  expect_failures = [var.schedules]
}
