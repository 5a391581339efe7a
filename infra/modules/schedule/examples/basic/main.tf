module "schedule" {
  source = "../.."

  name              = "acme-dev-schedules"
  group_arn         = "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/acme-dev-schedules"
  state_machine_arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:acme-dev-start-on-schedule"
  schedules = {
    nightly = {
      dataset    = "flights"
      source_uri = "s3://acme-dev-raw/flights/"
      expression = "cron(0 6 * * ? *)"
      timezone   = "Europe/Berlin"
      parameters = { min_distance = "100" }
    }
  }
}
