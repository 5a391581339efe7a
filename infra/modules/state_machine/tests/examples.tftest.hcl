# The examples of the module's page.
mock_provider "aws" {}

run "basic" {
  command = plan

  module {
    source = "./examples/basic"
  }

  assert {
    condition = (
      jsondecode(module.state_machine.definition).States.Notify.Arguments.TopicArn ==
      "arn:aws:sns:eu-central-1:123456789012:acme-dev-topic"
    )
    error_message = "The topic is not in the definition."
  }
}
