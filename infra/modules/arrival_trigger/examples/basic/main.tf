module "arrival_trigger" {
  source = "../.."

  name              = "acme-dev-arrival"
  rule_arn_prefix   = "arn:aws:events:eu-central-1:123456789012:rule/"
  bucket_name       = "acme-dev-raw"
  state_machine_arn = "arn:aws:states:eu-central-1:123456789012:stateMachine:acme-dev-start-on-arrival"
  triggers = {
    # s3://acme-dev-raw/flights/2024-01/_READY starts the pipeline on s3://acme-dev-raw/flights/2024-01/
    flights = { dataset = "flights", prefix = "flights/" }
  }
}
